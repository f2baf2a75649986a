"""The last exception, and the frame that it has left on the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.vocabulary.terms import Absent, Quantity, Reader, Structure
from pagefault_lab.machine.faults import PAGE_FAULT, SELECTOR_ERRORS, Fault
from pagefault_lab.machine.notices import What

if TYPE_CHECKING:
    from pagefault_lab.lab.frames import FramePicture, Slot
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.machine.machine import Machine


def _last_fault(scope: Scope) -> tuple[Fault | None, int]:
    """The last exception, and the EIP that it saved."""
    return scope.machine.cpu.last_fault or (None, -1)


def _fault_step(scope: Scope) -> int:
    event = scope.chronicle.last(What.FAULT, end=scope.machine.steps)
    return -1 if event is None else event.step


def _fault_cs(scope: Scope) -> int:
    step = _fault_step(scope)
    if step < 0:
        raise Absent("no exception was delivered since the history begins")
    return scope.history.story(step).cs


def _of_fault(read: Callable[[Fault], int | None]) -> Reader:
    def number(scope: Scope) -> int:
        fault, _ = _last_fault(scope)
        found = None if fault is None else read(fault)
        return -1 if found is None else found

    return number


def error_bits(of_what: Callable[[Any], tuple[int, int]]) -> dict[str, Quantity]:
    """The bits of an error code; `of_what` gives vector and error code. What its kind of code has not is 0."""

    def quantity(meaning: str, vectors: tuple[int, ...], low: int, width: int = 1) -> Quantity:
        def read(owner: Any) -> int:
            vector, error = of_what(owner)
            return error >> low & (1 << width) - 1 if vector in vectors and error >= 0 else 0

        return Quantity(meaning, read)

    page, selector = (PAGE_FAULT,), SELECTOR_ERRORS
    return {
        "present": quantity("#PF, P: rights refused a present page", page, 0),
        "write": quantity("#PF, W/R: a write", page, 1),
        "user": quantity("#PF, U/S: at CPL 3", page, 2),
        "reserved": quantity("#PF, RSVD: a reserved bit was set", page, 3),
        "external": quantity("#TS to #GP, EXT: during another event", selector, 0),
        "idt": quantity("#TS to #GP, IDT: a gate is to blame", selector, 1),
        "ti": quantity("#TS to #GP, TI: of the LDT", selector, 2),
        "index": quantity("#TS to #GP: which descriptor or gate", selector, 3, 13),
    }


ERROR_LETTERS: Final = {"p": "present", "wr": "write", "us": "user", "rsvd": "reserved", "ext": "external"}


def _vector_and_error(scope: Scope) -> tuple[int, int]:
    fault, _ = _last_fault(scope)
    return (-1, -1) if fault is None else (fault.vector, -1 if fault.error is None else fault.error)


_FAULT: Final = {
    "vector": Quantity("of the last exception; -1: none yet", _of_fault(lambda fault: fault.vector)),
    "error": Quantity("its error code; -1: it has none", _of_fault(lambda fault: fault.error)),
    "linear": Quantity("what CR2 received; -1: no page fault", _of_fault(lambda fault: fault.linear)),
    "eip": Quantity("the EIP that it saved", lambda scope: _last_fault(scope)[1]),
    "cs": Quantity("CS then", _fault_cs, slow=True),
    "step": Quantity("the step it ended; -1: before the history", _fault_step),
    "count": Quantity("how many exceptions were delivered", lambda scope: scope.machine.cpu.exceptions),
    **error_bits(_vector_and_error),
}

FAULT: Final = Structure("the last exception", _FAULT, letters={**ERROR_LETTERS, "cr2": "linear", "number": "count"})

# --- the frame on the stack


class _Frame(NamedTuple):
    machine: Machine
    picture: FramePicture

    def slot(self, name: str) -> Slot:
        from pagefault_lab.lab.frames import PUSHED_BY_CPU

        for slot in self.picture.slots:
            if slot.by == PUSHED_BY_CPU and slot.meaning == name:
                return slot
        raise Absent(f"the frame on the stack holds no {name}")


def _frame(scope: Scope) -> _Frame:
    from pagefault_lab.lab.frames import frame

    picture = frame(scope.history.session, scope.machine.steps)
    if picture is None:
        raise Absent("there is no exception frame on the stack", "`p/a u32[$esp]` is what lies on top of it")
    return _Frame(scope.machine, picture)


def _pushed(name: str, meaning: str) -> Quantity:
    def read(frame: _Frame) -> int:
        slot = frame.slot(name)
        return peeking.read(frame.machine, slot.address, slot.size)

    def write(frame: _Frame, value: int) -> None:
        slot = frame.slot(name)
        data = (value & (1 << 8 * slot.size) - 1).to_bytes(slot.size, "little")
        peeking.place(frame.machine, slot.address, data)

    def place(frame: _Frame) -> tuple[int, int]:
        slot = frame.slot(name)
        return slot.address, slot.size

    return Quantity(meaning, read, write, place=place)


def _frame_vector(frame: _Frame) -> int:
    if frame.picture.fault is None:
        raise Absent("what was delivered is not known", "only the TSS tells of this frame")
    return frame.picture.fault.vector


_FRAME: Final = {
    "vector": Quantity("what was delivered", _frame_vector),
    "error": _pushed("error code", "the error code, while it is on the stack"),
    "eip": _pushed("EIP", "where iret goes on"),
    "cs": _pushed("CS", "its RPL is the ring that iret returns to"),
    "eflags": _pushed("EFLAGS", "the flags that iret restores"),
    "esp": _pushed("ESP", "the outer stack, if the ring changed"),
    "ss": _pushed("SS", "its segment"),
    "address": Quantity("linear address of the saved EIP", lambda frame: frame.slot("EIP").address),
    "ring": Quantity("the ring that was interrupted", lambda frame: frame.picture.outer),
}

FRAME: Final = Structure("the exception frame on the stack", _FRAME, _frame, slow=True)
