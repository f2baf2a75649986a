"""A line that goes on with the next one."""

from __future__ import annotations

from pagefault_lab.lab.results import Unfinished
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import printable


@view(Unfinished)
def unfinished(block: Unfinished) -> Lines:
    """What it waits for."""
    return Lines.of(Line.of(note(f"... waits for {printable(block.waits_for)}"), hang=4))
