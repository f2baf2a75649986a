"""Going back has come to a breakpoint."""

from __future__ import annotations

from pagefault_lab.lab.breakpoints.told import Reached
from pagefault_lab.views import view
from pagefault_lab.views.breakpoint_list import where
from pagefault_lab.views.lines import STRONG, Line, Lines, Span


@view(Reached)
def reached(found: Reached) -> Lines:
    """`breakpoint 1: 0xc0100340 <page_fault>`."""
    line = found.breakpoint
    return Lines.of(Line.of(Span(f"{line.title} {line.number}", STRONG), ": ", *where(line), hang=2))
