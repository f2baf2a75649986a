"""`list`: the typed program."""

from __future__ import annotations

from pagefault_lab.lab.results import Listing
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, CODE, NOTE, STRONG, Line, Lines, Span, table
from pagefault_lab.views.words import hex32, printable, short_bytes


@view(Listing)
def listing(program: Listing) -> Lines:
    """A row for each line; => where EIP stands."""
    if not program.lines:
        return Lines.of(Line.of("nothing has been typed yet"))
    rows = [
        (
            Span("=>" if line.here else "", STRONG),
            Span(hex32(line.address), ADDRESS),
            Span(short_bytes(line.bytes), NOTE),
            Span(printable(line.text), CODE),
        )
        for line in program.lines
    ]
    return Lines.of(table(rows))
