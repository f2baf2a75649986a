"""Breakpoints are gone."""

from __future__ import annotations

from pagefault_lab.lab.breakpoints.told import BreakpointsDeleted
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines


@view(BreakpointsDeleted)
def breakpoints_deleted(gone: BreakpointsDeleted) -> Lines:
    """Their numbers."""
    if not gone.numbers:
        return Lines.of(Line.of("there was no breakpoint"))
    numbers = ", ".join(map(str, gone.numbers))
    return Lines.of(Line.of(f"deleted breakpoint{'s' if len(gone.numbers) > 1 else ''} {numbers}"))
