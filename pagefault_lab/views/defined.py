"""Names that a line has defined."""

from __future__ import annotations

from pagefault_lab.lab.results import Defined
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, Line, Lines, Span
from pagefault_lab.views.words import hex32


@view(Defined)
def defined(names: Defined) -> Lines:
    """`spot = 0x0804b003`."""
    return Lines.of(*(Line.of(Span(found.name, NAME), f" = {hex32(found.value)}") for found in names.symbols))
