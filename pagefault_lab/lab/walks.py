"""What the page tables say of an access, what the TLB makes of it, and which of them decides."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from pagefault_lab.machine.events import Kind, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import Fault, FaultRaised
from pagefault_lab.machine.paging import DIRTY, LARGE, PRESENT, Lookup, Mapped, PageWalk, walk
from pagefault_lab.machine.registers import PSE
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


def walk_now(machine: Machine, linear: int, kind: Kind = Kind.READ, user: bool = False) -> PageWalk:
    """What the tables of CR3 say of an access, whatever the TLB believes; paging is on."""
    cpu = machine.cpu
    return walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, linear, kind, user)


class Maps(NamedTuple):
    """What an entry of a page table is for: the first linear address that it maps. `level` is PDE or PTE."""

    level: str
    linear: int


def mapped_by(machine: Machine, physical: int) -> Maps | None:
    """What the entry at a physical address maps; None if it is in no table of the present page directory."""
    cpu, frame, index = machine.cpu, physical >> 12, physical >> 2 & 1023
    if frame not in cpu.tables:
        return None
    directory = cpu.cr3 >> 12
    if frame == directory:
        return Maps("PDE", index << 22)
    large = LARGE if cpu.cr4 & PSE else 0
    entries = enumerate(machine.memory.frame(directory))
    above = next(place for place, entry in entries if entry & (PRESENT | large) == PRESENT and entry >> 12 == frame)
    return Maps("PTE", above << 22 | index << 12)


class Cached(NamedTuple):
    """What the TLB holds of an address, None if it does not hold the page; `stale` is how the page tables contradict
    it, "" if they agree."""

    entry: TlbEntry | None
    stale: str


def cached(machine: Machine, linear: int) -> Cached:
    """The TLB's entry for an address, held against the tables."""
    entry = machine.cpu.tlb.entries.get(linear >> 12)
    return Cached(entry, "" if entry is None else contradiction(machine, linear, entry))


def contradiction(machine: Machine, linear: int, entry: TlbEntry) -> str:
    """What the page tables say otherwise of an address than its TLB entry; "" if they agree."""
    found = walk_now(machine, linear)
    if not isinstance(found.end, Mapped):
        return "not present in the page tables"
    differences = []
    if found.end.physical >> 12 != entry.frame:
        differences.append(f"frame {found.end.physical >> 12:#07x}")
    if found.end.writable != entry.writable:
        differences.append("RW" if found.end.writable else "read-only")
    if found.end.user != entry.user:
        differences.append("US" if found.end.user else "supervisor only")
    if entry.dirty and not found.lookups[-1].entry & DIRTY:
        differences.append("not dirty")
    return f"the page tables say {', '.join(differences)}" if differences else ""


def judge(machine: Machine, linear: int, kind: Kind, user: bool) -> PageWalk | TlbHit:
    """What decides an access, by making it on a copy of the machine: the TLB's entry or a walk; paging is on."""
    copy = machine.copy()
    seen: list[PageWalk | TlbHit] = []
    copy.cpu.look_with(seen)
    with suppress(FaultRaised):  # what was seen tells it
        copy.cpu.translate(linear, kind, user)
    return seen[0]


# --- what refused


def is_refused(event: object) -> TypeGuard[PageWalk | TlbHit]:
    """Whether an event is a walk or a TLB entry that refused an access."""
    match event:
        case PageWalk(end=Fault()) | TlbHit(fault=Fault()):
            return True
    return False


def covering(events: Sequence[Any], linear: int) -> SegmentAccess | None:
    """The last segment access among events whose bytes include a linear address; None if none does."""
    for event in reversed(events):
        if isinstance(event, SegmentAccess) and event.linear <= linear < event.linear + event.size:
            return event
    return None


def refused_bit(hit: TlbHit) -> str:
    """The bit that a TLB entry lacks for an access that it refused."""
    return "U/S" if hit.user and not hit.page_user else "R/W"


def is_stale(hit: TlbHit) -> bool:
    """Whether the tables would allow what a TLB entry refused, or refuse it for another reason."""
    if hit.tables is None:
        return False
    verdict = hit.tables.verdict
    return verdict is None or verdict.bit != refused_bit(hit)


def refusing(tables: PageWalk | None) -> Lookup | None:
    """The entry whose bit ended a walk in a fault; None if it did not end so."""
    verdict = tables.verdict if tables is not None else None
    if tables is None or verdict is None:
        return None
    return next(lookup for lookup in tables.lookups if lookup.level == verdict.level)
