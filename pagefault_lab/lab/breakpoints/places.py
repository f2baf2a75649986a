"""Breakpoints at places in the code: they stop before the instruction there is executed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab import peeking
from pagefault_lab.lab.breakpoints.points import Asked, Breakpoint
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.machine.paging import Mapped, walk
from pagefault_lab.machine.registers import CS, PG, PSE
from pagefault_lab.machine.watches import Watch

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.machine.machine import Machine

PRESENT, LARGE = 1, 0x80


def linear_eip(machine: Machine) -> int:
    """The linear address of the next instruction."""
    cpu = machine.cpu
    return cpu.segments[CS].base + cpu.eip & 0xFFFFFFFF


class AtLinear(Breakpoint):
    """At a linear address; `line` is the line of a source that it was named by, as FILE:LINE."""

    def __init__(self, place: int, line: str = "", temporary: bool = False) -> None:
        super().__init__(temporary)
        self.place = place
        self.line = line
        self._asked = Asked(frozenset((place,)))

    @property
    def what(self) -> str:
        return self.line or f"{self.place:#010x}"

    @property
    def address(self) -> int:
        return self.place

    @property
    def remark(self) -> str:
        if self.breakpoints is None:
            return ""
        mapped = isinstance(peeking.locate(self.breakpoints.session.machine, self.place), int)
        return "" if mapped else "nothing is mapped there now"

    def asks(self, machine: Machine) -> Asked:
        return self._asked

    def happened(self, scope: Scope, known: None) -> int | None:
        here = linear_eip(scope.machine)
        return here if here == self.place else None


class AtSelector(Breakpoint):
    """At CS:EIP, whatever the segment's base then is.

    CS holds the base that the descriptor had when it was loaded: so it may be at either of two linear addresses, until
    the descriptor is written or the tables are loaded anew.
    """

    _CATCH: Final = frozenset((What.GDT, What.LDT))

    def __init__(self, selector: int, offset: int) -> None:
        super().__init__()
        self.selector = selector
        self.offset = offset

    @property
    def what(self) -> str:
        return f"{self.selector:#x}:{self.offset:#010x}"

    def asks(self, machine: Machine) -> Asked:
        from pagefault_lab.machine.segmentation import Descriptor

        cpu = machine.cpu
        bases = {cpu.segments[CS].base} if cpu.segments[CS].selector == self.selector else set()
        table = cpu.ldtr if self.selector & 4 else cpu.gdtr
        place = table.base + (self.selector & 0xFFF8)
        watches: tuple[Watch, ...] = ()
        if self.selector | 7 <= table.limit:
            data, missing = peeking.readable(machine, place, 8)
            if missing is None:
                bases.add(Descriptor(int.from_bytes(data, "little")).base)
            watches = (Watch(place, place + 8, physical=False, reads=False, writes=True),)
        addresses = frozenset(base + self.offset & 0xFFFFFFFF for base in bases)
        return Asked(addresses, watches, self._CATCH)

    def asks_anew(self, machine: Machine) -> bool:
        return bool(machine.caught)

    def happened(self, scope: Scope, known: None) -> int | None:
        cpu = scope.machine.cpu
        stands = cpu.segments[CS].selector == self.selector and cpu.eip == self.offset
        return linear_eip(scope.machine) if stands else None


class AtPhysical(Breakpoint):
    """At a physical address, whichever linear one it is fetched by.

    At these the machine must come back, and wherever they may become others: what the TLB does not hold is found by the
    page tables, and a write to those, or to what leads to them, is noticed.
    """

    _CATCH: Final = frozenset((What.CR0, What.CR3, What.CR4, What.TABLE))

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    @property
    def what(self) -> str:
        return f"phys {self.place:#010x}"

    def asks(self, machine: Machine) -> Asked:
        return Asked(frozenset(linear_addresses(machine, self.place)), catch=self._CATCH)

    def asks_anew(self, machine: Machine) -> bool:
        return any(isinstance(each, Notice) and each.what in self._CATCH for each in machine.caught)

    def happened(self, scope: Scope, known: None) -> int | None:
        here = linear_eip(scope.machine)
        return here if peeking.locate(scope.machine, here) == self.place else None


class Errand(Breakpoint):
    """What a command lets the machine run to: one of these addresses, or what the processor does, if `arrived` says so
    there."""

    def __init__(
        self,
        addresses: Collection[int] = (),
        arrived: Callable[[], bool] | None = None,
        catch: Collection[What] = (),
    ) -> None:
        super().__init__()
        self._asked = Asked(frozenset(addresses), catch=frozenset(catch))
        self._arrived = arrived

    def asks(self, machine: Machine) -> Asked:
        return self._asked

    def happened(self, scope: Scope, known: None) -> bool | None:
        asked, machine = self._asked, scope.machine
        if linear_eip(machine) not in asked.addresses and not any(
            getattr(each, "what", None) in asked.catch for each in machine.caught
        ):
            return None
        return True if self._arrived is None or self._arrived() else None


class Begun(Breakpoint):
    """Where a machine comes to an address from elsewhere: the first iteration of a repeated instruction."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def asks(self, machine: Machine) -> Asked:
        return Asked(frozenset((self.place,)))

    def known(self, scope: Scope) -> bool:
        return linear_eip(scope.machine) == self.place

    def happened(self, scope: Scope, known: Any) -> bool | None:
        return True if not known and linear_eip(scope.machine) == self.place else None


def frames_of(machine: Machine, linear: int) -> set[int]:
    """The frames that lie at a linear address now: by the TLB, which may be stale, and by the page tables."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return {linear >> 12}
    found = walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, linear, Kind.READ, False).end
    frames = {found.physical >> 12} if isinstance(found, Mapped) else set()
    cached = cpu.tlb.entries.get(linear >> 12)
    return frames if cached is None else frames | {cached.frame}


def linear_addresses(machine: Machine, physical: int) -> Iterator[int]:
    """The linear addresses at which a physical one is found now: by the TLB, or by the page tables."""
    cpu, memory = machine.cpu, machine.memory
    if not cpu.cr0 & PG:
        yield physical
        return
    frame, offset = physical >> 12, physical & 0xFFF
    for page, cached in cpu.tlb.entries.items():
        if cached.frame == frame:
            yield page << 12 | offset
    if not memory.exists(cpu.cr3 >> 12):
        return
    for number, directory_entry in enumerate(memory.frame(cpu.cr3 >> 12)):
        if not directory_entry & PRESENT:
            continue
        if directory_entry & LARGE and cpu.cr4 & PSE:
            if directory_entry >> 22 == physical >> 22:
                yield number << 22 | physical & 0x3FFFFF
        elif memory.exists(directory_entry >> 12):
            for place, entry in enumerate(memory.frame(directory_entry >> 12)):
                if entry >> 12 == frame and entry & PRESENT:
                    yield number << 22 | place << 12 | offset
