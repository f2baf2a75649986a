"""`info tlb`: what the TLB really holds, however stale."""

from __future__ import annotations

from pagefault_lab.lab.tables import TlbLine, TlbTable
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, NAME, Line, Lines, Span, note, table
from pagefault_lab.views.words import count, hex32


@view(TlbTable)
def tlb_table(shown: TlbTable) -> Lines:
    """A row for each page; what a walk would find differently now is said."""
    if not shown.paging:
        return Lines.of(Line.of("paging is off (CR0.PG=0): there is no TLB to look at"))
    entries = count(len(shown.lines), "entry").replace("entrys", "entries")
    heading = Line.of(f"TLB: {entries}", note(" (the real TLB; for the page tables: info mem, walk ADDRESS)"))
    return Lines.of(heading, table(map(row, shown.lines), ("page", "frame", "rights", ""), indent=2))


def row(line: TlbLine) -> tuple[str | Span, ...]:
    """Page, frame, rights, and how it is stale, or else the symbol there."""
    entry = line.entry
    rights = f"{'RW' if entry.writable else '--'} {'US' if entry.user else '--'} {'D' if entry.dirty else '-'}"
    rights += f"{' G' if entry.global_ else ''}{' PS' if entry.large else ''}"
    more = Span(f"STALE: {line.stale}", BAD) if line.stale else Span(f"<{line.symbol}>" if line.symbol else "", NAME)
    return hex32(line.linear), hex32(entry.frame << 12), rights, more
