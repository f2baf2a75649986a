"""Which steps a trace has: by what they did, by the ring they began in, by where they lie, by what they touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from pagefault_lab.lab.runner import faulted
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.events import Access, Kind, PortAccess
from pagefault_lab.machine.notices import LOADS, What
from pagefault_lab.machine.operands import ControlRegister
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.step import Step


class Range(NamedTuple):
    """Linear addresses from `start` up to `end`, which is the first behind them; they may go around the top."""

    start: int
    end: int

    def meets(self, linear: int, size: int) -> bool:
        """Whether one of `size` bytes at an address lies in the range."""
        return (linear - self.start & 0xFFFFFFFF) < (self.end - self.start & 0xFFFFFFFF) or (
            (self.start - linear & 0xFFFFFFFF) < size
        )


LOADING: Final = ("mov_to_control", "lmsw", "clts", "lgdt", "lidt", "lldt", "ltr")  # instructions


def _interrupted(step: Step) -> bool:
    return any(delivery.source is not Source.EXCEPTION for delivery in step.deliveries)


def _walked(step: Step) -> bool:
    return any(isinstance(event, PageWalk) for event in step.all_events())


def _changed_ring(step: Step) -> bool:
    return any(change.register == "cpl" for change in step.changes)


def _used_a_port(step: Step) -> bool:
    return any(isinstance(event, PortAccess) for event in step.events)


def _loaded(step: Step) -> bool:
    """Whether the step has loaded a system register but CR2. The value may be the one that was there."""
    instruction = step.instruction
    if (
        instruction is None
        or instruction.form.name not in LOADING
        or instruction.operands[-1:] == (ControlRegister(2),)
    ):
        return False
    return all(delivery.fault.trap for delivery in step.deliveries if delivery.source is Source.EXCEPTION)


ACCESSES: Final = {
    "reads": (Kind.READ, "memory was read, but for the fetch"),
    "writes": (Kind.WRITE, "memory was written"),
}


class Doing(NamedTuple):
    """A kind of step: what it did, as its story shows. Each such step is one of those that have these `notices`."""

    meaning: str
    did: Callable[[Step], bool]
    notices: tuple[What, ...] = ()  # () if there are none of it


DOINGS: Final = {
    "faults": Doing("an exception was delivered", faulted, (What.FAULT,)),
    "interrupts": Doing("an interrupt was delivered: from outside, or INT n", _interrupted, (What.INTERRUPT,)),
    "rings": Doing("CPL changed", _changed_ring, (What.RING,)),
    "walks": Doing("page tables were walked", _walked),
    "ports": Doing("a port was read or written", _used_a_port, (What.PORT,)),
    "loads": Doing("CR0, CR3, CR4, GDTR, IDTR, LDTR or TR was loaded", _loaded, LOADS),
}
KINDS: Final = {
    **{name: doing.meaning for name, doing in DOINGS.items()},
    **{name: meaning for name, (_, meaning) in ACCESSES.items()},
}


class Wanted(NamedTuple):
    """The steps that are wanted: those that fit each of the four; what is empty fits all.

    `kinds` are names of KINDS, of which one suffices; `rings` those in which a step began; `ranges` where instructions
    lie. `touched` is memory, of which a step must have read or written some: if `kinds` has reads or writes, then in
    this way.
    """

    kinds: frozenset[str] = frozenset()
    rings: frozenset[int] = frozenset()
    ranges: tuple[Range, ...] = ()
    touched: tuple[Range, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are steps that are not wanted."""
        return any(self)

    def also(self, other: Wanted) -> Wanted:
        """With what another one names, too."""
        return Wanted(
            self.kinds | other.kinds, self.rings | other.rings, self.ranges + other.ranges, self.touched + other.touched
        )

    @property
    def notices(self) -> tuple[What, ...]:
        """What the processor notices of every step that is wanted, at any speed; () if it takes a look at each."""
        found = [DOINGS[kind].notices if kind in DOINGS else () for kind in self.kinds]
        return tuple(what for each in found for what in each) if all(found) else ()

    def has(self, step: Step) -> bool:
        """Whether a step is wanted; what is judged soonest comes first."""
        if self.rings and step.cpl not in self.rings:
            return False
        if self.ranges and not any(each.meets(step.linear, _length(step)) for each in self.ranges):
            return False
        if not (self.kinds or self.touched):
            return True
        ways = {access.kind for access in self._accesses(step)}
        if self.touched and not ways:
            return False
        return not self.kinds or any(
            ACCESSES[kind][0] in ways if kind in ACCESSES else DOINGS[kind].did(step) for kind in self.kinds
        )

    def _accesses(self, step: Step) -> Iterator[Access]:
        for access in step.accesses():
            if access.kind is not Kind.FETCH and (
                not self.touched or any(each.meets(access.linear, access.size) for each in self.touched)
            ):
                yield access

    @property
    def words(self) -> str:
        """As `trace` is told it: `faults writes ring 3 range 0x00001000 0x00001100`."""
        return " ".join(
            (
                *(kind for kind in KINDS if kind in self.kinds),
                *(f"ring {ring}" for ring in sorted(self.rings)),
                *(f"range {start:#010x} {end:#010x}" for start, end in self.ranges),
                *(f"touching {start:#010x} {end:#010x}" for start, end in self.touched),
            )
        )


ALL: Final = Wanted()


def _length(step: Step) -> int:
    return step.instruction.length if step.instruction is not None else 1
