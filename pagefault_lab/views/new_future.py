"""The past was changed."""

from __future__ import annotations

from pagefault_lab.lab.results import NewFuture
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count


@view(NewFuture)
def new_future(future: NewFuture) -> Lines:
    """What is no longer in the history."""
    steps = f"{count(future.steps, 'step')} in " if future.steps else ""
    gone = steps + count(future.lines, "line")
    return Lines.of(Line.of("a new future begins here; ", note(f"the old one, {gone}, is gone"), hang=2))
