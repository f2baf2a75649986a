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

    def drop(self, linear: int) -> None:
        """What INVLPG does: the page's entry goes, and with a 4 MiB page all pieces of it."""
        page = linear >> 12
        entry = self.entries.pop(page, None)
        if entry is not None and entry.large:
            first = page & ~0x3FF
            for piece in [piece for piece in self.entries if piece & ~0x3FF == first]:
                del self.entries[piece]

    def drop_all(self, keep_global: bool) -> None:
        """What a load of CR3 does (global entries stay), or a change of CR0.PG or CR4 (all go)."""
        kept = {page: entry for page, entry in self.entries.items() if keep_global and entry.global_}
        self.entries = kept
