"""`info break`: the breakpoints."""

from __future__ import annotations

from pagefault_lab.lab.results import BreakpointList
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, table
from pagefault_lab.views.words import hex32, printable


@view(BreakpointList)
def breakpoint_list(shown: BreakpointList) -> Lines:
    """A row for each."""
    if not shown.breakpoints:
        return Lines.of(Line.of("no breakpoints"))
    rows = []
    for found in shown.breakpoints:
        condition = f"if {printable(found.condition)}" if found.condition else ""
        symbol = Span(f"<{found.symbol}>" if found.symbol else "", NAME)
        kind = "once" if found.temporary else ""
        rows.append((str(found.number), Span(hex32(found.address), ADDRESS), str(found.hits), kind, symbol, condition))
    return Lines.of(table(rows, ("number", "linear", "hits", "", "", ""), right=(0, 2)))
