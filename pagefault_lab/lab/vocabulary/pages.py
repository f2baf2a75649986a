"""What the page tables and the TLB make of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.vocabulary.terms import Quantity, Structure
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.registers import PG

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.walks import Cached


class _Page(NamedTuple):
    """What a walk for a read by the supervisor ends with."""

    end: Mapped | None


def _page(scope: Scope, argument: int) -> _Page:
    from pagefault_lab.lab.walks import walk_now

    linear = argument & 0xFFFFFFFF
    if not scope.machine.cpu.cr0 & PG:
        return _Page(Mapped(linear, True, True, False, False))
    end = walk_now(scope.machine, linear).end
    return _Page(end if isinstance(end, Mapped) else None)


def _of_page(meaning: str, name: str) -> Quantity:
    instead = "it follows from pde(..) and pte(..)"
    return Quantity(meaning, lambda page: int(getattr(page.end, name)) if page.end else 0, None, instead)


_PAGE: Final = {
    "present": Quantity("both levels are present", lambda page: int(page.end is not None), None, "set pte(..).present"),
    "writable": _of_page("R/W of both levels", "writable"),
    "user": _of_page("U/S of both levels", "user"),
    "global": _of_page("G, if CR4.PGE=1", "global_"),
    "large": _of_page("a 4 MiB page", "large"),
    "physical": _of_page("the physical address", "physical"),
}

PAGE: Final = Structure("what both levels together say of an address", _PAGE, _page, "address")


def _cached(scope: Scope, argument: int) -> Cached:
    from pagefault_lab.lab.walks import cached

    return cached(scope.machine, argument & 0xFFFFFFFF)


_TLB_INSTEAD: Final = "the TLB is filled by walks; `flush` drops entries"


def _of_tlb(meaning: str, name: str) -> Quantity:
    return Quantity(meaning, lambda cached: int(getattr(cached.entry, name)) if cached.entry else 0, None, _TLB_INSTEAD)


_TLB: Final = {
    "present": Quantity("the TLB holds the page", lambda cached: int(cached.entry is not None), None, _TLB_INSTEAD),
    "writable": _of_tlb("R/W of both levels", "writable"),
    "user": _of_tlb("U/S of both levels", "user"),
    "dirty": _of_tlb("a write needs no walk to set D", "dirty"),
    "global": _of_tlb("a load of CR3 keeps it", "global_"),
    "large": _of_tlb("a piece of a 4 MiB page", "large"),
    "frame": _of_tlb("number of the page frame", "frame"),
    "stale": Quantity("the page tables say otherwise", lambda cached: int(bool(cached.stale)), None, _TLB_INSTEAD),
}

TLB: Final = Structure("what the TLB holds of an address", _TLB, _cached, "address")
