"""A name and its value."""

from __future__ import annotations

from pagefault_lab.lab.results import Symbol
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, note
from pagefault_lab.views.words import hex32


@view(Symbol)
def symbol(named: Symbol) -> Lines:
    """`0xc0100340  page_fault  code`."""
    return Lines.of(Line.of(Span(hex32(named.value), ADDRESS), "  ", Span(named.name, NAME), note(f"  {named.kind}")))
