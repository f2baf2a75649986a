"""What the page tables say of an access, and what the TLB makes of it: the `walk` command, and who is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import DIRTY, Mapped, PageWalk, walk
from pagefault_lab.machine.registers import PG
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


class AskedWalk(NamedTuple):
    """A walk that somebody asked for; nothing was changed by it. `walk` is None while paging is off.

    `cached` is what the TLB holds of the page: with it, the processor would not walk for this access. `stale` tells how
    the tables contradict that, "" if they agree. `symbol` names the address.
    """

    linear: int
    walk: PageWalk | None
    cached: TlbEntry | None
    stale: str
    symbol: str


def ask(machine: Machine, linear: int, kind: Kind, user: bool, symbol: str = "") -> AskedWalk:
    """Walk for an access of that kind, by a user or by the supervisor."""
    if not machine.cpu.cr0 & PG:
        return AskedWalk(linear, None, None, "", symbol)
    cached = machine.cpu.tlb.entries.get(linear >> 12)
    stale = "" if cached is None else contradiction(machine, linear, cached)
    return AskedWalk(linear, walk_now(machine, linear, kind, user), cached, stale, symbol)


def walk_now(machine: Machine, linear: int, kind: Kind = Kind.READ, user: bool = False) -> PageWalk:
    """What the tables of CR3 say of an access, whatever the TLB believes; paging is on."""
    cpu = machine.cpu
    return walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, linear, kind, user)


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
