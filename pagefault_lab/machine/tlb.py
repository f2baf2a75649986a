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

    def drop(self, linear: int, large_pages: bool) -> list[int]:
        """What INVLPG does: the page's entry goes, and all pieces of a 4 MiB page around it (4.10.4.1); those pages.

        `large_pages`: whether there can be any.
        """
        page = linear >> 12
        pages = [page]
        if large_pages:
            around = range(page & ~0x3FF, (page | 0x3FF) + 1)
            pages += [piece for piece in around if piece != page and self._is_large(piece)]
        for piece in pages:
            self.entries.pop(piece, None)
        return pages

    def _is_large(self, page: int) -> bool:
        entry = self.entries.get(page)
        return entry is not None and entry.large

    def drop_all(self, keep_global: bool) -> None:
        """What a load of CR3 does (global entries stay), or a change of CR0.PG or CR4 (all go)."""
        kept = {page: entry for page, entry in self.entries.items() if keep_global and entry.global_}
        self.entries = kept
