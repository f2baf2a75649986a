"""What is said when the processor has shut down, behind the story of the step that did it."""

from __future__ import annotations

from pagefault_lab.lab.rescue import GivenUp
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.rescue import handler, repair


@view(GivenUp)
def given_up(end: GivenUp) -> Lines:
    """What would have saved it, and what can be done now."""
    saved = None
    if end.saving is not None:
        change = Span(repair(end.saving.repair), STRONG)
        saved = Line.of("with ", change, f" it would have entered {handler(end.saving)}", hang=2)
    but = ", but for CR2" if end.cr2 else ""
    return Lines.of(
        saved,
        Line.of(f"registers are as before it{but}; `why` tells more, `back` undoes it", hang=2),
    )
