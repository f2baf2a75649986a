"""A hint of a lesson."""

from __future__ import annotations

from pagefault_lab.tutor.told import HintShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import behind
from pagefault_lab.views.lines import STRONG, Lines, Span


@view(HintShown)
def hint_shown(hint: HintShown) -> Lines:
    """`hint 1 of 3: ...`."""
    again = " again, there is no other" if hint.again else ""
    return behind(hint.text, Span(f"hint {hint.number} of {hint.hints}", STRONG), f"{again}: ")
