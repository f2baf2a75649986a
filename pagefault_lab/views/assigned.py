"""`set`: what was changed."""

from __future__ import annotations

from pagefault_lab.lab.results import Assigned
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.words import printable


@view(Assigned)
def assigned(change: Assigned) -> Lines:
    """`eax: 0x0->0x5`."""
    before = f"{change.before:#x}->" if change.before is not None else ""
    return Lines.of(Line.of(Span(printable(change.expression), STRONG), f": {before}{change.after:#x}"))
