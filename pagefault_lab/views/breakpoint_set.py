"""A breakpoint was made."""

from __future__ import annotations

from pagefault_lab.lab.breakpoints.told import BreakpointSet
from pagefault_lab.views import view
from pagefault_lab.views.breakpoint_list import details, where
from pagefault_lab.views.lines import Line, Lines, note


@view(BreakpointSet)
def breakpoint_set(made: BreakpointSet) -> Lines:
    """`breakpoint 1: 0xc0100340 <page_fault>`."""
    line = made.breakpoint
    kind = "temporary " if line.temporary else ""
    words = ", ".join(filter(None, ["off" if not line.enabled else "", line.remark]))
    told = note(f"  {words}") if words else None
    return Lines.of(Line.of(f"{kind}{line.title} {line.number}: ", *where(line), told, hang=2), *details(line, 2))
