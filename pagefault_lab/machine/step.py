"""A step as a value: one instruction, or one delivery of an interrupt, and everything observable about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pagefault_lab.machine.decoder import Instruction
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.events import Access, Kind
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


class Change(NamedTuple):
    """A register that differs after the step. Table registers show as `gdtr.base`, `gdtr.limit`."""

    register: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Retired:
    """The instruction completed."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A handler was entered, by a fault, a trap or an external interrupt; the last delivery succeeded."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class ShutDown:
    """The processor gave up: a fault could not be delivered, nor the double fault."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The processor is halted and no interrupt is to be taken; nothing was done."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The guest needs a part of the processor that is not simulated; nothing was done."""

    what: str


End: TypeAlias = Retired | Interrupted | ShutDown | Waiting | Unsupported


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did. `number` is the count of steps before it; cs, eip, cpl are those it began with.

    `instruction` is None if none was fetched. `events` is flat and in order (events.py, paging.PageWalk,
    delivery.Delivery); what happened inside a delivery is in the Delivery. `changes` are the registers that differ.
    """

    number: int
    cs: int
    eip: int
    linear: int
    cpl: int
    instruction: Instruction | None
    events: tuple[Any, ...]
    changes: tuple[Change, ...]
    end: End

    def all_events(self) -> Iterator[Any]:
        """Every event in order, those inside deliveries included; the Delivery itself comes before its events."""
        for event in self.events:
            yield event
            if isinstance(event, Delivery):
                yield from event.events

    @property
    def own_events(self) -> tuple[Any, ...]:
        """The events of the instruction itself, in order: all but deliveries."""
        return tuple(event for event in self.events if not isinstance(event, Delivery))

    def accesses(self, kind: Kind | None = None) -> Iterator[Access]:
        """Memory accesses in order, of one kind if given."""
        for event in self.all_events():
            if isinstance(event, Access) and (kind is None or event.kind is kind):
                yield event

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Deliveries through the IDT in this step, a software interrupt's among them."""
        return tuple(event for event in self.events if isinstance(event, Delivery))


REGISTERS: Final = (
    *NAMES_32, "eip", "eflags", *SEGMENT_NAMES, "cr0", "cr2", "cr3", "cr4", "ldtr", "tr",
    "gdtr.base", "gdtr.limit", "idtr.base", "idtr.limit", "cpl",
    "dr0", "dr1", "dr2", "dr3", "dr6", "dr7",
)  # fmt: skip


def visible(cpu: Cpu) -> tuple[int, ...]:
    """The registers' values in the order of REGISTERS."""
    segments = cpu.segments
    debug = cpu.debug
    return (
        *cpu.registers, cpu.eip, cpu.eflags,
        segments[0].selector, segments[1].selector, segments[2].selector,
        segments[3].selector, segments[4].selector, segments[5].selector,
        cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, cpu.ldtr.selector, cpu.tr.selector,
        cpu.gdtr.base, cpu.gdtr.limit, cpu.idtr.base, cpu.idtr.limit, cpu.cpl,
        debug[0], debug[1], debug[2], debug[3], debug[6], debug[7],
    )  # fmt: skip


def changes(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[Change, ...]:
    """The registers that differ between two `visible` values."""
    if before == after:
        return ()
    return tuple(
        Change(name, old, new) for name, old, new in zip(REGISTERS, before, after, strict=True) if old != new
    )
