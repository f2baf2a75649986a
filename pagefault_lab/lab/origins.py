"""Who wrote it: the instruction, or the line by which the host did, that last wrote some bytes or a register.

Neither memory nor registers are indexed. The history is searched backwards, from mark to mark, by executing it again on
a copy in which the place knows when it is written; a stretch in which the frame of the bytes was not touched is passed
over. So the cost is that of running through what was done since. All writes are found like the last one: whoever asks
for more of them lets the search go on. What processor and host did is told apart: what a
stretch leaves, and what was there when the next one began, differ by what the host did.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, Self

from pagefault_lab.lab.history import History, Visitor, replay
from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.memory import Frame
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES
from pagefault_lab.machine.segmentation import SystemSegment, TableRegister
from pagefault_lab.machine.watches import Watch
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

CHUNK: Final = 10_000  # steps between two looks at what was written
LOADS: Final = {
    "cr0": What.CR0, "cr3": What.CR3, "cr4": What.CR4, "idtr": What.IDT, "gdtr": What.GDT, "ldtr": What.LDT,
    "tr": What.TASK,
}  # fmt: skip
REGISTERS: Final = (*NAMES_32, *SEGMENT_NAMES, "cr2", *LOADS)


class Origin(NamedTuple):
    """Who wrote it last. For an instruction: the step, where it stands and what it is; `line` is "".

    For the host's doing `line` is the user's line (or what began the history), `step` the number of steps that had been
    made then, and `address`, `text` and `symbol` are empty. `before` and `after` are what it wrote over, and wrote: of
    bytes as a little-endian number, of a segment register the selector, of a table register the base.
    """

    step: int
    line: str
    address: int
    text: str
    symbol: str
    before: int
    after: int
    steps_ago: int


class Write(NamedTuple):
    """One write: of an instruction in step number `step`, or of the host's `line` when so many steps had been made."""

    session: Session
    step: int
    line: str
    before: int
    after: int
    by_host: bool

    @property
    def address(self) -> int:
        """The linear address of the instruction; 0 if the host did it."""
        return 0 if self.by_host else self.session.history.story(self.step).linear

    def told(self) -> Origin:
        """All that there is to say about it."""
        session, step = self.session, self.step
        ago = session.machine.steps - step
        if self.by_host:
            return Origin(step, self.line, 0, "", "", self.before, self.after, ago)
        from pagefault_lab.assembler.disassembler import text_of

        made = session.history.story(step)
        text = text_of(made.instruction, made.eip, session.symbols.name) if made.instruction is not None else ""
        symbol = session.symbols.name(made.linear) or ""
        return Origin(step, "", made.linear, text, symbol, self.before, self.after, ago)


def origin_of_bytes(session: Session, physical: int, size: int, before: int | None = None) -> Origin | None:
    """Who wrote any of `size` bytes of one frame last, before step number `before` (where the session stands)."""
    return _newest(writes_to_bytes(session, physical, size, before))


def writes_to_bytes(session: Session, physical: int, size: int, before: int | None = None) -> Iterator[Write]:
    """All writes to any of `size` bytes of one frame, newest first; of the host's those that have changed them."""
    if physical >> 12 != physical + size - 1 >> 12:
        raise ValueError("the bytes lie in two frames")
    frame = physical >> 12

    def prepare(machine: Machine) -> Tripwire:
        watched = Tripwire(machine.memory.frame(frame))
        watched.places = range(physical >> 2 & 1023, (physical + size - 1 >> 2 & 1023) + 1)
        machine.memory.frames[frame] = watched
        return watched

    watch = Watch(physical, physical + size, physical=True, reads=False, writes=True)
    return _search(session, prepare, lambda machine: machine.memory.read(physical, size), watch, before)


def origin_of_register(session: Session, name: str) -> Origin | None:
    """Who wrote a register last; one of REGISTERS. A part of a general register is all of it here."""
    if name in NAMES_32:
        number = NAMES_32.index(name)
        return _of_listed(session, "registers", number, lambda machine: machine.cpu.registers[number])
    if name in SEGMENT_NAMES:
        number = SEGMENT_NAMES.index(name)
        return _of_listed(session, "segments", number, lambda machine: machine.cpu.segments[number].selector)
    if name == "cr2":
        return _newest(_search(session, _watch_cr2, lambda machine: machine.cpu.cr2))
    if name not in LOADS:
        raise Problem(f"nobody keeps who wrote {name}", f"of these it can be asked: {' '.join(REGISTERS)}")
    return _of_load(session, name)


class Written(Protocol):
    """What knows whether a place was written since `written` was set to False."""

    written: bool


class _Wired:
    """What knows whether one of some places of it was written, as fast as it may be written."""

    places: Container[int] = ()
    written = False

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self.places:
            self.written = True
        super().__setitem__(key, value)  # type: ignore[misc]


class Tripwire(_Wired, Frame):
    """A frame that does."""

    def __new__(cls, frame: Frame) -> Self:
        return super().__new__(cls, "I", frame)  # type: ignore[return-value]


class _WiredList(_Wired, list[Any]):
    """A list that does."""


class _WithCr2(Cpu):
    """A processor that knows whether CR2 was written: by a page fault or by MOV."""

    written = False

    @property
    def cr2(self) -> int:
        return self._cr2

    @cr2.setter
    def cr2(self, value: int) -> None:
        self.written = True
        self._cr2 = value


def _watch_cr2(machine: Machine) -> _WithCr2:
    state = machine.cpu.save()
    machine.cpu = cpu = _WithCr2(machine.memory, machine.ports)
    cpu.restore(state)
    return cpu


def _of_listed(session: Session, registers: str, number: int, value_in: Callable[[Machine], int]) -> Origin | None:
    """Who wrote a place of one of the processor's lists last."""

    def prepare(machine: Machine) -> _WiredList:
        watched = _WiredList(getattr(machine.cpu, registers))
        watched.places = (number,)
        setattr(machine.cpu, registers, watched)
        return watched

    return _newest(_search(session, prepare, value_in))


def _newest(writes: Iterator[Write]) -> Origin | None:
    write = next(writes, None)
    return write.told() if write is not None else None


def _search(
    session: Session,
    prepare: Callable[[Machine], Written],
    value_in: Callable[[Machine], int],
    watch: Watch | None = None,
    before: int | None = None,
) -> Iterator[Write]:
    """Search back, a chunk of steps at a time: the writes to a place, newest first.

    `prepare` makes a place of a copy know when it is written. Of memory that is a frame's word; `watch` then are the
    very bytes.
    """
    history = session.history
    after = value_in(session.machine if before is None else history.machine_at(before))
    visitor: Visitor | None = None
    for place, until in history.stretches_backwards(before, watch.start >> 12 if watch else None):
        if visitor is None:
            visitor = Visitor(history, place)
            watched = prepare(visitor.machine)
        visitor.stand_at(place)
        machine = visitor.machine
        start = value_in(machine)
        chunks = []
        while machine.steps < until:
            _check_goes_on(session)
            watched.written = False
            began = machine.steps
            replay(machine, min(CHUNK, until - began))
            if watched.written:
                chunks.append(began)
        if value_in(machine) != after:
            yield _by_host(session, place, until, value_in(machine), after)
        for began in reversed(chunks):
            _check_goes_on(session)
            visitor.stand_at(place)
            replay(machine, began - machine.steps)
            found: list[Write] = []
            known, end = value_in(machine), min(began + CHUNK, until)
            if watch is not None:
                machine.cpu.watch((watch,))
            while machine.steps < end:
                watched.written = False
                machine.run(1 if watch is None else end - machine.steps)
                if watched.written if watch is None else machine.caught:
                    was, known = known, value_in(machine)
                    found.append(Write(session, machine.steps - 1, "", was, known, by_host=False))
            machine.cpu.watch(())
            yield from reversed(found)
        after = start


def _check_goes_on(session: Session) -> None:
    """A Problem if Ctrl-C came."""
    if session.runner.interrupted:
        raise Problem("the search was stopped", "the session stands where it stood")


def _of_load(session: Session, name: str) -> Origin | None:
    """Who loaded a system register last. The processor's loads are in the chronicle; the host's lie between marks."""
    history = session.history
    event = session.chronicle.last(LOADS[name])
    before = after = None
    if event is not None:
        machine = history.machine_at(event.step)
        before = getattr(machine.cpu, name)
        machine.step()
        after = getattr(machine.cpu, name)
    now = getattr(session.machine.cpu, name)
    for place, until in history.stretches_backwards():
        checkpoint = history.checkpoints.kept[place]
        loaded = event is not None and checkpoint.steps <= event.step < until
        left = after if loaded else Cpu.saved(checkpoint.cpu, name)
        if left != now:
            return _by_host(session, place, until, _number(left), _number(now)).told()
        if loaded and event is not None:
            return Write(session, event.step, "", _number(before), _number(after), by_host=False).told()
        now = left
    return None


def _number(register: Any) -> int:
    """What is told of a system register."""
    match register:
        case TableRegister(base):
            return base
        case SystemSegment(selector):
            return selector
    return int(register)


def _by_host(session: Session, place: int, steps: int, before: int, after: int) -> Write:
    history: History = session.history
    line = next((mark.line for mark in reversed(history.marks[: place + 1]) if mark.line), "")
    return Write(session, steps, line, before, after, by_host=True)
