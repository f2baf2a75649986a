"""A breakpoint was made."""

from __future__ import annotations

from pagefault_lab.lab.results import BreakpointSet
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import hex32, printable


@view(BreakpointSet)
def breakpoint_set(made: BreakpointSet) -> Lines:
    """`breakpoint 1 at 0xc0100340 <page_fault>`."""
    kind = "temporary breakpoint" if made.temporary else "breakpoint"
    symbol = f" <{made.symbol}>" if made.symbol else ""
    condition = f" if {printable(made.condition)}" if made.condition else ""
    return Lines.of(Line.of(f"{kind} {made.number} at {hex32(made.address)} (linear){symbol}{condition}"))
