"""The past was changed."""

from __future__ import annotations

from pagefault_lab.lab.results import NewFuture
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count


@view(NewFuture)
def new_future(future: NewFuture) -> Lines:
    """What is no longer in the history."""
    gone = count(future.lines, "line")
    if future.steps:
        steps = count(future.steps, "step")
        gone = f"{steps} in {gone}" if future.lines else steps  # without one, what was left of the line that it is in
    return Lines.of(Line.of("a new future begins here; ", note(f"the old one, {gone}, is gone"), hang=2))
