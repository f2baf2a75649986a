"""`save`: the lines are in a file."""

from __future__ import annotations

from pagefault_lab.lab.results import Saved
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import count, printable


@view(Saved)
def saved(done: Saved) -> Lines:
    """How many, and where."""
    return Lines.of(Line.of(f"{count(done.lines, 'line')} saved to {printable(done.path)}"))
