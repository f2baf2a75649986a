"""Two-level paging: what the tables say of a linear address (SDM vol. 3, 4.3 and 4.6).

    linear address     31        22 21        12 11          0
                      | directory  |   table    |   offset    |

    PDE, PTE   31            12 11 9 8 7  6 5 4   3   2  1  0
              | frame          |avl |G|PS|D|A|PCD|PWT|US|RW|P|
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault, page_fault
from pagefault_lab.machine.memory import Memory
from pagefault_lab.machine.registers import PGE, PSE, WP

PRESENT, WRITABLE, USER, WRITE_THROUGH, CACHE_DISABLE = 0x1, 0x2, 0x4, 0x8, 0x10
ACCESSED, DIRTY, LARGE, GLOBAL = 0x20, 0x40, 0x80, 0x100

# Error code of a page fault
CODE_PROTECTION, CODE_WRITE, CODE_USER, CODE_RESERVED = 0x1, 0x2, 0x4, 0x8

LARGE_RESERVED: Final = 0x003FF000  # bits 21..12 of a 4 MiB PDE; without PSE-36 they are reserved


@dataclass(frozen=True, slots=True)
class Lookup:
    """One entry that a walk read: `level` is "PDE" or "PTE", `address` its physical address."""

    level: str
    table: int
    index: int
    address: int
    entry: int

    @property
    def present(self) -> bool:
        return bool(self.entry & PRESENT)

    @property
    def writable(self) -> bool:
        return bool(self.entry & WRITABLE)

    @property
    def user(self) -> bool:
        return bool(self.entry & USER)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the walk: what it demands, at which level, and whether it held. `bit` names the bit that decided."""

    text: str
    level: str
    bit: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Mapped:
    """A walk that ended well: the physical address, and the rights that both levels together give."""

    physical: int
    writable: bool
    user: bool
    global_: bool
    large: bool


@dataclass(frozen=True, slots=True)
class PageWalk:
    """What the tables say of one access. Nothing is changed by making it."""

    linear: int
    kind: Kind
    user: bool
    write_protect: bool  # CR0.WP
    directory: int  # CR3's page directory base
    lookups: tuple[Lookup, ...]
    rules: tuple[Rule, ...]  # in the order judged; the last one failed if the end is a Fault
    end: Mapped | Fault

    @property
    def verdict(self) -> Rule | None:
        """The rule that failed, or None when the access is allowed."""
        return self.rules[-1] if isinstance(self.end, Fault) else None

    def updates(self) -> tuple[tuple[int, int], ...]:
        """(physical address, new entry) of the entries in which a finished walk sets A, and D in the leaf of a write.

        A walk that ends in a fault sets nothing, not even the PDE's A (Bochs and 386 testers agree).
        """
        if isinstance(self.end, Fault):
            return ()
        found = []
        for lookup in self.lookups:
            entry = lookup.entry | ACCESSED
            if self.kind is Kind.WRITE and lookup is self.lookups[-1]:
                entry |= DIRTY
            if entry != lookup.entry:
                found.append((lookup.address, entry))
        return tuple(found)


def walk(memory: Memory, cr0: int, cr3: int, cr4: int, linear: int, kind: Kind, user: bool) -> PageWalk:
    """Walk the page tables for one access, as CR0.PG=1 has it. Reads, changes nothing, never raises.

    `user` is whether the access counts as a user's: CPL 3 and not a table (SDM vol. 3, 4.6).
    """
    lookups: list[Lookup] = []
    rules: list[Rule] = []
    wp = bool(cr0 & WP)
    directory = cr3 & 0xFFFFF000
    code = (CODE_WRITE if kind is Kind.WRITE else 0) | (CODE_USER if user else 0)

    def finish(end: Mapped | Fault) -> PageWalk:
        return PageWalk(linear, kind, user, wp, directory, tuple(lookups), tuple(rules), end)

    def holds(text: str, level: str, bit: str, condition: bool) -> bool:
        rules.append(Rule(text, level, bit, condition))
        return condition

    def look_up(level: str, table: int, index: int) -> Lookup:
        address = table + 4 * index
        lookup = Lookup(level, table, index, address, memory.read(address, 4))
        lookups.append(lookup)
        return lookup

    pde = look_up("PDE", directory, linear >> 22)
    if not holds("the page table is present", "PDE", "P", pde.present):
        return finish(page_fault(code, linear))
    large = bool(pde.entry & LARGE and cr4 & PSE)
    if large:
        reserved = not pde.entry & LARGE_RESERVED
        if not holds("reserved bits are 0", "PDE", "21..12", reserved):
            return finish(page_fault(code | CODE_PROTECTION | CODE_RESERVED, linear))
        leaf = pde
        physical = pde.entry & 0xFFC00000 | linear & 0x3FFFFF
    else:
        leaf = look_up("PTE", pde.entry & 0xFFFFF000, linear >> 12 & 0x3FF)
        if not holds("the page is present", "PTE", "P", leaf.present):
            return finish(page_fault(code, linear))
        physical = leaf.entry & 0xFFFFF000 | linear & 0xFFF
    protection = page_fault(code | CODE_PROTECTION, linear)
    if user:
        for lookup in lookups:
            if not holds("a user may reach it", lookup.level, "U/S", lookup.user):
                return finish(protection)
    if kind is Kind.WRITE and (user or wp):
        who = "a user" if user else "the supervisor, with CR0.WP=1,"
        for lookup in lookups:
            if not holds(f"{who} may write it", lookup.level, "R/W", lookup.writable):
                return finish(protection)
    return finish(
        Mapped(
            physical,
            all(lookup.writable for lookup in lookups),
            all(lookup.user for lookup in lookups),
            bool(leaf.entry & GLOBAL and cr4 & PGE),
            large,
        )
    )
