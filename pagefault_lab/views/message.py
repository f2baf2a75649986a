"""One sentence."""

from __future__ import annotations

from pagefault_lab.lab.results import Message
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span
from pagefault_lab.views.words import lines_of


@view(Message)
def message(said: Message) -> Lines:
    """The sentence, in its style."""
    sign, style = {"good": ("✓ ", GOOD), "warning": ("! ", BAD)}.get(said.style, ("", ""))
    return Lines.of(*(Line.of(Span(sign, style) if sign else None, Span(text, style)) for text in lines_of(said.text)))
