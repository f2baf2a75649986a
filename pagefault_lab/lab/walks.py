"""The `walk` command: what the page tables say of an access, and what the TLB would make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import PageWalk, walk
from pagefault_lab.machine.registers import PG
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


class AskedWalk(NamedTuple):
    """A walk that somebody asked for; nothing was changed by it. `walk` is None while paging is off.

    `cached` is what the TLB holds of the page: with it, the processor would not walk for this access. `symbol` names
    the address.
    """

    linear: int
    walk: PageWalk | None
    cached: TlbEntry | None
    symbol: str


def ask(machine: Machine, linear: int, kind: Kind, user: bool, symbol: str = "") -> AskedWalk:
    """Walk for an access of that kind, by a user or by the supervisor."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return AskedWalk(linear, None, None, symbol)
    found = walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, linear, kind, user)
    return AskedWalk(linear, found, cpu.tlb.entries.get(linear >> 12), symbol)
