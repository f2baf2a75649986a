"""One access under every combination of what decides it, each built from nothing: what judges `whatif` and `matrix`.

What an access comes to is found by letting a new machine make it, with the real instruction, in the real ring.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

from builders import DIRECTORY, two_rings

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.tlb import TlbEntry

TARGET = 0x800000  # in a directory entry of its own
TARGET_TABLE, TARGET_FRAME = 0x90000, 0x91000
TARGET_PDE = DIRECTORY + 4 * (TARGET >> 22)
NOPS = 0x90909090
ENTRY_BITS = range(8)
BITS = {"P": 1, "R/W": 2, "U/S": 4}
CODE = {Kind.READ: bytes.fromhex("8b03"), Kind.WRITE: bytes.fromhex("8903"), Kind.FETCH: bytes.fromhex("ffe3")}

Key = tuple[object, ...]  # names one change


class Situation(NamedTuple):
    """An access to TARGET; `cached` is the U/S and R/W that the TLB holds of the page, None if it holds nothing."""

    kind: Kind
    cpl: int
    wp: bool
    pde: int
    pte: int
    cached: tuple[bool, bool] | None = None

    def machine(self) -> Machine:
        """A machine about to make the access."""
        machine = two_rings(CODE[self.kind], cpl=self.cpl, wp=self.wp, ebx=TARGET, eax=0x1234)
        machine.memory.write(TARGET_PDE, 4, TARGET_TABLE | self.pde)
        machine.memory.write(TARGET_TABLE, 4, TARGET_FRAME | self.pte)
        machine.memory.write(TARGET_FRAME, 4, NOPS)
        if self.kind is Kind.FETCH:
            machine.step()  # the jump itself touches nothing: the fetch at its target does
        if self.cached is not None:
            user, writable = self.cached
            machine.cpu.tlb.entries[TARGET >> 12] = TlbEntry(TARGET_FRAME >> 12, user, writable, True, False)
        return machine

    def changes(self) -> Iterator[Key]:
        """Every single change."""
        yield from product(("PDE", "PTE"), BITS)
        yield ("CPL",)
        yield ("WP",)
        yield from (("access", kind) for kind in Kind if kind is not self.kind)
        if self.cached is not None:
            yield ("TLB",)

    def after(self, *changes: Key) -> Situation:
        """The situation after changes."""
        changed = self
        for change in changes:
            match change:
                case ("PDE", name):
                    changed = changed._replace(pde=changed.pde ^ BITS[str(name)])
                case ("PTE", name):
                    changed = changed._replace(pte=changed.pte ^ BITS[str(name)])
                case ("CPL",):
                    changed = changed._replace(cpl=3 - changed.cpl)
                case ("WP",):
                    changed = changed._replace(wp=not changed.wp)
                case ("access", kind):
                    assert isinstance(kind, Kind)
                    changed = changed._replace(kind=kind)
                case ("TLB",):
                    changed = changed._replace(cached=None)
        return changed

    def pairs(self) -> Iterator[frozenset[Key]]:
        """Every two changes that can be made together."""
        for one, other in combinations(self.changes(), 2):
            if not one[0] == other[0] == "access":
                yield frozenset((one, other))


@cache
def fault_in(situation: Situation) -> Fault | None:
    """What the access meets: an exception, or nothing."""
    deliveries = situation.machine().step().deliveries
    return deliveries[0].fault if deliveries else None


def flips(situation: Situation) -> dict[Key, Fault | None]:
    """Every single change that makes the access end otherwise, and how."""
    found = {change: fault_in(situation.after(change)) for change in situation.changes()}
    return {change: fault for change, fault in found.items() if fault != fault_in(situation)}


ALL = [Situation(kind, cpl, wp, pde, pte) for kind, cpl, wp, pde, pte in product(
    Kind, (0, 3), (False, True), ENTRY_BITS, ENTRY_BITS
)]  # fmt: skip
