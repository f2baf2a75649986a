"""`flush`: what went out of the TLB."""

from __future__ import annotations

from pagefault_lab.lab.page_tables import Flushed
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note, table
from pagefault_lab.views.tlb_table import row
from pagefault_lab.views.words import count, hex32

MOST = 8  # entries that are shown one by one


@view(Flushed)
def flushed(gone: Flushed) -> Lines:
    """The entries, if they are few; of many those that were stale."""
    number = count(len(gone.dropped), "entry").replace("entrys", "entries")
    if not gone.dropped:
        what = "nothing" if gone.linear is None else f"nothing for {hex32(gone.linear)}"
        return Lines.of(Line.of(f"the TLB held {what}"))
    stale = [line for line in gone.dropped if line.stale]
    shown = (gone.dropped if len(gone.dropped) <= MOST else stale)[:MOST]
    more = note("; stale:" if len(stale) <= MOST else f"; {len(stale)} were stale, among them:") if stale else None
    return Lines.of(
        Line.of(f"dropped {number} of the TLB", more if len(gone.dropped) > MOST else ":"),
        table(map(row, shown), ("page", "frame", "rights", ""), indent=2) if shown else None,
    )
