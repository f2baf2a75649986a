"""All that the page tables say of one address: each kind of access, by a user and by the supervisor, for both WP."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.walks import cached
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import PageWalk, walk
from pagefault_lab.machine.registers import PG, WP
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


class RightsMatrix(NamedTuple):
    """Twelve walks for one address, none while paging is off; each tells whose, which access and which CR0.WP.

    `cpl` and `write_protect` are those of the present. `cached` is what the TLB holds of the page, and `stale` how the
    tables contradict that, "" if they agree. `symbol` names the address.
    """

    linear: int
    symbol: str
    walks: tuple[PageWalk, ...]
    cpl: int
    write_protect: bool
    cached: TlbEntry | None
    stale: str


def matrix_of(machine: Machine, linear: int, symbol: str = "") -> RightsMatrix:
    """The matrix of an address: what walks would find, made without any effect, whatever the TLB believes."""
    cpu = machine.cpu
    write_protect = bool(cpu.cr0 & WP)
    if not cpu.cr0 & PG:
        return RightsMatrix(linear, symbol, (), cpu.cpl, write_protect, None, "")
    entry, stale = cached(machine, linear)
    walks = tuple(
        walk(machine.memory, cr0, cpu.cr3, cpu.cr4, linear, kind, user)
        for user, cr0, kind in product((True, False), (cpu.cr0 & ~WP, cpu.cr0 | WP), Kind)
    )
    return RightsMatrix(linear, symbol, walks, cpu.cpl, write_protect, entry, stale)
