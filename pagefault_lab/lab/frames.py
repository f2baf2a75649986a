"""The exception frame on the present stack: what the processor pushed, and what the guest pushed below it.

Who pushed what is known from what ran: the last steps are executed again with the recorder on. A delivery that entered
a handler begins a frame; iret, or a stack pointer above its saved EIP, ends it; every write to the stack has its
instruction. Where that reaches back no further, the TSS tells where a frame from an outer ring begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from pagefault_lab.lab.tables import field_of_tss
from pagefault_lab.machine.delivery import Delivery, Entered, Source, StackChosen
from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.operands import Register16, Register32, SegmentRegister
from pagefault_lab.machine.registers import ESP, NAMES, NAMES_32, SEGMENT_NAMES, SS
from pagefault_lab.machine.step import Retired, Step

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

MOST_STEPS: Final = 2000  # that are executed again
MOST_SLOTS: Final = 64  # of the guest, that are shown
LARGEST: Final = 0x10000  # bytes between a frame and the top of the stack
PUSHED_BY_CPU: Final = "CPU"
RETURN: Final = "return EIP"


class Slot(NamedTuple):
    """One value on the stack. `by` is "CPU", or the instruction that wrote it; "" if that is not known.

    `meaning` is the manual's name of what the processor pushes, or the register that was pushed. `pushed` is the value
    it had, if it has been changed since.
    """

    address: int  # linear
    value: int | None
    size: int
    meaning: str
    by: str
    symbol: str
    pushed: int | None = None


class FramePicture(NamedTuple):
    """The frame of the last delivery that is still on the stack, the highest address first.

    `fault` is what was delivered, None if only the stack itself tells of the frame; `source` what asked for it. `outer`
    is the ring that was interrupted; `esp` the linear address of the top of the stack. `hidden` slots lie between those
    shown and the top.
    """

    fault: Fault | None
    source: Source | None
    outer: int
    ring: int
    esp: int
    slots: tuple[Slot, ...]
    hidden: int


class _Author(NamedTuple):
    """Who wrote a slot, when (the step's number), and which register if it was one."""

    step: int
    by: str
    meaning: str


class OpenFrame(NamedTuple):
    """A frame that has begun: the delivery, its step's number, where the saved EIP lies."""

    delivery: Delivery
    step: int
    saved_eip: int


def frame(session: Session, at: int | None = None, reach: int = MOST_STEPS) -> FramePicture | None:
    """The frame on the present stack, or on that of when `at` steps had been made; None if there is none.

    `reach` is how many steps before are executed again to know it.
    """
    machine = session.machine if at in (None, session.machine.steps) else session.history.machine_at(at)
    cpu = machine.cpu
    top = cpu.segments[SS].base + cpu.registers[ESP] & 0xFFFFFFFF
    found, authors = _retrace(session, machine.steps, reach)
    if _is_open(found, top):
        return _of_delivery(session, machine, found, top, authors)
    return frame_of_tss(session, top, authors, machine)


def open_frame(session: Session) -> OpenFrame | None:
    """The delivery whose frame `frame` would show; None if none is known to have made one."""
    cpu = session.machine.cpu
    found, _ = _retrace(session, session.machine.steps)
    return found if _is_open(found, cpu.segments[SS].base + cpu.registers[ESP] & 0xFFFFFFFF) else None


def _is_open(found: OpenFrame | None, top: int) -> TypeGuard[OpenFrame]:
    """Whether a frame is still on the stack whose top that is."""
    return found is not None and top <= found.saved_eip and found.saved_eip - top < LARGEST


# --- what ran


def _retrace(session: Session, end: int, reach: int = MOST_STEPS) -> tuple[OpenFrame | None, dict[int, _Author]]:
    """The innermost frame that is open, and the authors of what was written to stacks, from the last steps before."""
    open_frames: list[OpenFrame] = []
    authors: dict[int, _Author] = {}
    for step in _last_steps(session, end, reach):
        _follow(step, open_frames)
        for address, author in _written(session, step):
            authors[address] = author
    return (open_frames[-1] if open_frames else None), authors


def _last_steps(session: Session, end: int, reach: int) -> Iterator[Step]:
    first = max(session.history.first_step, end - reach)
    if first < end:
        yield from islice(session.history.stories(first), end - first)


def _follow(step: Step, open_frames: list[OpenFrame]) -> None:
    """Open and close frames as a step does."""
    instruction = step.instruction
    if instruction is not None and instruction.form.name == "iret" and isinstance(step.end, Retired) and open_frames:
        open_frames.pop()
    esp = next((change.after for change in step.changes if change.register == "esp"), None)
    for delivery in step.deliveries:
        entered: Entered | None = delivery.stage(Entered)
        saved = next((slot.linear for slot in delivery.frame if slot.name == "EIP"), None)
        if entered is None or saved is None:
            continue
        while open_frames and open_frames[-1].saved_eip <= saved and entered.cpl < 3:
            open_frames.pop()  # that stack was left without iret, and is begun anew
        open_frames.append(OpenFrame(delivery, step.number, saved))
    if not step.deliveries and esp is not None:
        while open_frames and 0 < esp - open_frames[-1].saved_eip < LARGEST:
            open_frames.pop()


def _written(session: Session, step: Step) -> Iterator[tuple[int, _Author]]:
    """(address, author) of every slot of a stack that an instruction wrote, and of what it wrote there by mov."""
    from pagefault_lab.assembler.disassembler import text_of

    written = list(meanings(step))
    if written and step.instruction is not None:
        text = text_of(step.instruction, step.eip, session.symbols.name)
        for address, meaning in written:
            yield address & ~3, _Author(step.number, text, meaning)


def meanings(step: Step) -> Iterator[tuple[int, str]]:
    """(linear address, meaning) of what the step's instruction wrote: the register that was pushed, RETURN, or ""."""
    instruction = step.instruction
    if instruction is None:
        return
    writes = [event for event in step.events if isinstance(event, Access) and event.kind is Kind.WRITE]
    for place, made in enumerate(writes):
        meaning = ""
        if made.reason is Reason.STACK:
            match instruction.form.stem, instruction.operands:
                case "pusha", _ if len(writes) == len(NAMES_32):
                    meaning = NAMES_32[place]
                case "push", (Register32() | Register16() as source,):
                    meaning = NAMES[source.size][source.number]
                case "push", (SegmentRegister() as source,):
                    meaning = SEGMENT_NAMES[source.number]
                case (("call" | "lcall"), _):
                    meaning = RETURN
        yield made.linear, meaning


# --- the picture


def _of_delivery(
    session: Session, machine: Machine, found: OpenFrame, top: int, authors: dict[int, _Author]
) -> FramePicture:
    cpu = machine.cpu
    delivery = found.delivery
    slots = []
    for pushed in delivery.frame:
        if pushed.linear < top:
            continue
        value = cpu.peek(pushed.linear, pushed.size)
        symbol = (session.symbols.name(pushed.value) or "") if pushed.name == "EIP" else ""
        changed = pushed.value if value != pushed.value else None
        slots.append(Slot(pushed.linear, value, pushed.size, pushed.name, PUSHED_BY_CPU, symbol, changed))
    chosen: StackChosen | None = delivery.stage(StackChosen)
    outer = chosen.old_ss & 3 if chosen is not None and chosen.tss_address is not None else cpu.cpl
    guest, hidden = _guest_slots(session, machine, slots[-1].address, top, authors, found.step)
    return FramePicture(delivery.fault, delivery.source, outer, cpu.cpl, top, (*slots, *guest), hidden)


def frame_of_tss(
    session: Session, top: int, authors: dict[int, _Author], machine: Machine | None = None
) -> FramePicture | None:
    """The frame that a change of ring left at the very beginning of the inner stack, where the TSS says that it is.

    `machine` is where it is looked for, the session's own without it.
    """
    machine = machine or session.machine
    cpu = machine.cpu
    esp = field_of_tss(machine, f"esp{cpu.cpl}") if cpu.cpl != 3 else None
    if esp is None:
        return None
    bottom = cpu.segments[SS].base + esp & 0xFFFFFFFF
    if not top <= bottom - 20 or bottom - top > LARGEST:
        return None
    names = ("SS", "ESP", "EFLAGS", "CS", "EIP")
    found = {name: cpu.peek(bottom - 4 * place, 4) for place, name in enumerate(names, 1)}
    cs, ss = found["CS"], found["SS"]
    if cs is None or ss is None or cs & 3 != ss & 3 or cs & 3 <= cpu.cpl:
        return None
    slots = []
    for place, (name, value) in enumerate(found.items(), 1):
        symbol = (session.symbols.name(value) or "") if name == "EIP" and value is not None else ""
        slots.append(Slot(bottom - 4 * place, value, 4, name, PUSHED_BY_CPU, symbol))
    guest, hidden = _guest_slots(session, machine, bottom - 20, top, authors, 0)
    return FramePicture(None, None, cs & 3, cpu.cpl, top, (*slots, *guest), hidden)


def _guest_slots(
    session: Session, machine: Machine, below: int, top: int, authors: dict[int, _Author], since: int
) -> tuple[tuple[Slot, ...], int]:
    """What lies between the frame and the top of the stack, and how many slots of it are left out."""
    count = max(below - top, 0) // 4
    slots = []
    for number in range(1, min(count, MOST_SLOTS) + 1):
        address = below - 4 * number
        value = machine.cpu.peek(address, 4)
        author = authors.get(address)
        if author is None or author.step <= since:
            author = _Author(0, "", "")
        symbol = (session.symbols.name(value) or "") if value else ""
        if "+" in symbol and author.meaning != RETURN:
            symbol = ""  # a number that happens to lie behind a symbol
        slots.append(Slot(address, value, 4, author.meaning, author.by, symbol))
    return tuple(slots), max(count - MOST_SLOTS, 0)
