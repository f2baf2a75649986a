"""The worlds that there are."""

from __future__ import annotations

from pagefault_lab.lab.results import Worlds
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Lines, Span, table


@view(Worlds)
def worlds(known: Worlds) -> Lines:
    """A row for each, a star at the present one."""
    rows = [("*" if name == known.present else "", Span(name, STRONG), text) for name, text in known.worlds]
    return Lines.of(table(rows))
