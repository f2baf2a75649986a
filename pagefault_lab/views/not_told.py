"""Steps of a typed line that are too many to be told."""

from __future__ import annotations

from pagefault_lab.lab.results import NotTold
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count


@view(NotTold)
def not_told(found: NotTold) -> Lines:
    """`… 3,064 steps more …`."""
    return Lines.of(Line.of(note(f"… {count(found.steps, 'step')} more …")))
