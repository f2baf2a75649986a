"""`symbols`: names by value."""

from __future__ import annotations

from pagefault_lab.lab.results import SymbolList
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, note, table
from pagefault_lab.views.words import hex32


@view(SymbolList)
def symbol_list(listed: SymbolList) -> Lines:
    """A row for each."""
    if not listed.symbols:
        return Lines.of(Line.of("no symbols"))
    rows = [(Span(hex32(found.value), ADDRESS), Span(found.name, NAME), note(found.kind)) for found in listed.symbols]
    return Lines.of(table(rows))
