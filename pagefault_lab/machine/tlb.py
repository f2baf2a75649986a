"""The translation look-aside buffer: what the processor believes of pages, however stale (SDM vol. 3, 4.10).

It never evicts by itself: an entry stays until INVLPG, a load of CR3, a page fault at its address, or a change of
paging drops it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlbEntry:
    """One page's translation, rights already combined over both levels. `frame` is a physical page number."""

    frame: int
    user: bool
    writable: bool
    dirty: bool
    global_: bool
    large: bool = False


class Tlb:
    """Linear page number to TlbEntry."""

    def __init__(self) -> None:
        self.entries: dict[int, TlbEntry] = {}

    def drop(self, linear: int) -> list[int]:
        """What INVLPG does: the page's entry goes, and with a 4 MiB page all pieces of it; those pages."""
        page = linear >> 12
        pages = [page]
        entry = self.entries.get(page)
        if entry is not None and entry.large:
            pages = [piece for piece in self.entries if piece >> 10 == page >> 10]
        for piece in pages:
            self.entries.pop(piece, None)
        return pages

    def drop_all(self, keep_global: bool) -> None:
        """What a load of CR3 does (global entries stay), or a change of CR0.PG or CR4 (all go)."""
        kept = {page: entry for page, entry in self.entries.items() if keep_global and entry.global_}
        self.entries = kept
