"""What the host has made stale: the TLB's word against that of the page tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pagefault_lab.lab.stale_translations import Misled, StaleTranslation, StaleTranslations
from pagefault_lab.machine.paging import DIRTY, Mapped
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, NAME, Line, Lines, Span, note, table
from pagefault_lab.views.words import count, doing, hex32, rights, who

MOST = 6  # pages; of more the number is told


@view(StaleTranslations)
def stale_translations(stale: StaleTranslations) -> Lines:
    """A row for each page, what follows from it, and how to end it."""
    shown, more = stale.pages[:MOST], len(stale.pages[MOST:])
    alone = len(stale.pages) == 1
    flush = f"`flush {hex32(stale.pages[0].linear)}` drops the entry" if alone else "`flush` drops all entries"
    return Lines.of(
        Line.of(Span("STALE", BAD), ": the TLB answers before the tables, and still says otherwise:"),
        table(map(_row, shown), ("page", "TLB", "tables", ""), optional=(3,), indent=2),
        Line.of(f"and {count(more, 'page')} more, marked in `info tlb`", indent=2) if more else None,
        *_consequences(stale.pages),
        Line.of(note(flush), indent=2),
    )


def _row(page: StaleTranslation) -> tuple[str | Span, ...]:
    entry, end = page.entry, page.tables.end
    if isinstance(end, Mapped):
        dirty = bool(page.tables.lookups[-1].entry & DIRTY)
        tables = _translation(end.physical, end.writable, end.user, dirty)
    else:
        tables = "not present" if page.tables.lookups[-1].entry & 1 == 0 else "reserved bits set"
    held = _translation(entry.frame << 12, entry.writable, entry.user, entry.dirty)
    return hex32(page.linear), held, tables, Span(f"<{page.symbol}>" if page.symbol else "", NAME)


def _translation(physical: int, writable: bool, user: bool, dirty: bool) -> str:
    return f"{hex32(physical)} {rights(True, writable, user)} {'D' if dirty else '-'}"


def _consequences(pages: tuple[StaleTranslation, ...]) -> Iterator[Line]:
    """Which accesses end otherwise than the tables say; pages for which they are the same in one line."""
    alike = {misled: [*same] for misled, same in groupby(sorted(pages, key=_misled), _misled)}
    for misled, same in alike.items():
        which = "" if len(alike) == 1 else f"{hex32(same[0].linear)}: " if len(same) == 1 else f"{len(same)} pages: "
        allowed, refused = _accesses(misled, True), _accesses(misled, False)
        if allowed:
            yield Line.of(f"{which}still allowed: {allowed}", indent=2, hang=2)
        if refused:
            more = note("; the page fault drops the entry")
            yield Line.of(f"{which}still refused: {refused}", more, indent=2, hang=2)


def _misled(page: StaleTranslation) -> tuple[Misled, ...]:
    return page.misled


def _accesses(misled: tuple[Misled, ...], allowed: bool) -> str:
    return ", ".join(f"{who(each.user)} {doing(each.kind)}" for each in misled if each.allowed == allowed)
