"""`p`: what an expression gave."""

from __future__ import annotations

from pagefault_lab.lab.results import Value
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.numbers import in_format, plainly
from pagefault_lab.views.words import printable


@view(Value)
def value(found: Value) -> Lines:
    """`eax + 4 = 0xc (12)`, `eip = 0xc0100340 <page_fault>`."""
    text = in_format(found.value, found.letter) if found.letter else plainly(found.value)
    symbol = f" <{found.symbol}>" if found.symbol else ""
    return Lines.of(Line.of(f"{printable(found.expression)} = ", Span(text, STRONG), symbol))
