"""A step as it is told: with the names of the addresses that occur in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.walks import is_stale
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, GateRead, StackChosen
from pagefault_lab.machine.events import Access, Kind, Reason, TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.operands import Memory, Target
from pagefault_lab.machine.paging import Mapped, PageWalk, walk
from pagefault_lab.machine.registers import MASK, PG
from pagefault_lab.machine.step import Step

if TYPE_CHECKING:
    from pagefault_lab.lab.authors import Written
    from pagefault_lab.machine.machine import Machine

FARTHEST: Final = 4096  # what lies further behind a symbol has nothing to do with it
NameOf = Callable[[int], "str | None"]  # a linear address to `symbol+0x4`


@dataclass(frozen=True, slots=True)
class Story:
    """One step; `names` are the symbols of addresses in it, as `symbol` or `symbol+0x4`.

    `text` is the instruction, disassembled; "" if none was fetched. `stale` are the walks for accesses that the TLB
    allowed, by linear address, where the tables say otherwise. `changed` tells by linear address who made the TLB
    stale, for those and for accesses that it refused.
    """

    step: Step
    names: Mapping[int, str]
    text: str
    stale: Mapping[int, PageWalk] = field(default_factory=dict)
    changed: Mapping[int, Written] = field(default_factory=dict)


def tell(
    step: Step,
    name_of: NameOf | None = None,
    machine: Machine | None = None,
    author_of: Callable[[PageWalk], Written | None] | None = None,
) -> Story:
    """A step with names from `name_of`, which gives an address's symbol or None; `machine` has just made it.

    `author_of` gives the last write to the entries of a walk, None if it is not known.
    """
    from pagefault_lab.assembler.disassembler import text_of

    names: dict[int, str] = {}
    if name_of is not None:
        for address in dict.fromkeys(addresses(step)):
            name = name_of(address)
            if name and _distance(name) < FARTHEST:
                names[address] = name
        for number in numbers(step):
            name = name_of(number)
            if name and "+" not in name:
                names[number] = name
    text = text_of(step.instruction, step.eip, names.get) if step.instruction is not None else ""
    stale = dict(_stale(step, machine)) if machine is not None else {}
    changed = {}
    if author_of is not None:
        refused = {hit.linear: hit.tables for hit in step.all_events() if isinstance(hit, TlbHit) and is_stale(hit)}
        for linear, tables in (stale | refused).items():
            author = author_of(tables) if tables is not None else None
            if author is not None:
                changed[linear] = author
    return Story(step, names, text, stale, changed)


def _stale(step: Step, machine: Machine) -> Iterator[tuple[int, PageWalk]]:
    """The accesses that the TLB allowed and the tables would refuse, or send elsewhere."""
    cpu = machine.cpu
    for event in step.all_events():
        if isinstance(event, TlbHit) and event.fault is None and event.kind is not Kind.FETCH and cpu.cr0 & PG:
            found = walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, event.linear, event.kind, event.user)
            if not isinstance(found.end, Mapped) or found.end.physical != event.physical:
                yield event.linear, found


def _distance(name: str) -> int:
    """How far behind its symbol a name points."""
    return int(name.rpartition("+")[2], 0) if "+" in name else 0


def numbers(step: Step) -> Iterator[int]:
    """Numbers in a step that may be addresses: what went over the stack or into memory."""
    for event in step.events:
        if isinstance(event, Access) and event.size == 4 and event.reason in (Reason.STACK, Reason.OPERAND):
            yield event.value


def addresses(step: Step) -> Iterator[int]:
    """Every address in a step for which a reader may want a name."""
    yield step.linear
    for change in step.changes:
        if change.register == "eip":
            yield change.after
    if step.instruction is not None:
        for operand in step.instruction.operands:
            match operand:
                case Target():
                    yield step.eip + step.instruction.length + operand.displacement & MASK[operand.size]
                case Memory(base=None, index=None):
                    yield operand.displacement & MASK[operand.address_size]
    descriptor: int | None = None  # where the code segment's descriptor was read: the first table access for it
    for event in step.all_events():
        match event:
            case Access(reason=Reason.TABLE, linear=linear) if descriptor is None:
                descriptor = linear
            case CodeChosen(selector=selector) if descriptor is not None:
                yield descriptor - (selector & 0xFFF8) & 0xFFFFFFFF
            case Access(reason=Reason.OPERAND, linear=linear):
                yield linear
            case PageWalk(linear=linear, end=Fault()):
                yield linear
            case GateRead(vector=vector, gate=gate, address=address):
                yield from (gate.offset, address - 8 * vector & 0xFFFFFFFF)
                descriptor = None
            case StackChosen(tss_base=base):
                yield base
            case Entered(eip=eip):
                yield eip
            case Delivery(fault=fault, saved_eip=eip):
                yield eip
                if fault.linear is not None:
                    yield fault.linear
