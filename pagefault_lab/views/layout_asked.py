"""`layout` where there is no terminal for it: what it would show."""

from __future__ import annotations

from pagefault_lab.lab.context import LayoutAsked
from pagefault_lab.views import context, view
from pagefault_lab.views.lines import Line, Lines, note


@view(LayoutAsked)
def layout_asked(asked: LayoutAsked) -> Lines:
    """The context; the full-screen view is for the prompt of a terminal."""
    if asked.context is None:
        return Lines.of(Line.of(note("the full-screen view is not open")))
    return context.context(asked.context)
