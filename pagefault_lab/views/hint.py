"""Advice in one line, below the step that it is about."""

from __future__ import annotations

from pagefault_lab.lab.advice import Hint
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span, maybe


@view(Hint)
def hint(found: Hint) -> Lines:
    """What is wrong; the rest is told by `why`, or by `advice` while it is still to come."""
    advice = found.advice
    when = f"{advice.when}, " if advice.when else ""
    more = "advice" if advice.when else "why"
    return Lines.of(
        Line.of(Span("advice", BAD), f": {when}{advice.sentence}", maybe(f": {advice.remedy}"), f" (`{more}`)", hang=2)
    )
