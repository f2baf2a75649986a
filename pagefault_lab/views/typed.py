"""A line that was placed. One that is executed at once is told by its step."""

from __future__ import annotations

from pagefault_lab.lab.results import Typed
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NOTE, Line, Lines, Span, maybe
from pagefault_lab.views.words import count, data_bytes, hex32, printable

SHOWN = 12  # bytes of a block


@view(Typed)
def typed(line: Typed) -> Lines:
    """`0x0804b000  89 03  movl %eax,(%ebx)`, for what is not executed at once."""
    if line.executes:
        return Lines()
    data = data_bytes(line.bytes[:SHOWN]) + (" …" if len(line.bytes) > SHOWN else "")
    size = count(len(line.bytes), "byte")
    first = printable(line.line).partition("\n")[0]
    return Lines.of(
        Line.of(Span(hex32(line.address), ADDRESS), f"  {size} placed: ", Span(data, NOTE), maybe(f"  {first}"))
    )
