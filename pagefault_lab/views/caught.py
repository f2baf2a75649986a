"""The processor did what was to be caught."""

from __future__ import annotations

from pagefault_lab.lab.breakpoints.told import Caught
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.timeline import words
from pagefault_lab.views.watched import done_by


@view(Caught)
def caught(what: Caught) -> Lines:
    """`catchpoint 3: #PF 0x7 cr2=0x08049000`, and below it who did it."""
    title = Span(f"catchpoint {what.number}: ", STRONG) if what.number is not None else None
    return Lines.of(Line.of(title, words(what.event), hang=2), done_by(what.by))
