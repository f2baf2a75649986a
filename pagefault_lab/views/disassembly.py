"""`disas`: instructions in order."""

from __future__ import annotations

from pagefault_lab.lab.results import CodeLine, Disassembly
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, BAD, CODE, NAME, NOTE, STRONG, Line, Lines, Span
from pagefault_lab.views.words import hex32, short_bytes

BYTES = 8  # that are shown of an instruction


@view(Disassembly)
def disassembly(code: Disassembly, with_bytes: bool = True) -> Lines:
    """A row for each instruction, => where EIP stands, * at a breakpoint; a symbol on a line of its own."""
    width = max((len(short_bytes(line.bytes, BYTES)) for line in code.lines), default=0) if with_bytes else None
    lines: list[Line] = []
    for line in code.lines:
        if line.label:
            lines.append(Line.of(Span(f"<{line.label}>:", NAME), indent=4))
        lines.append(row(line, width))
    if code.unmapped is not None:
        lines.append(Line.of(Span(f"nothing is mapped at {hex32(code.unmapped)}", BAD)))
    return Lines(tuple(lines))


def row(line: CodeLine, width: int | None = 0) -> Line:
    """Mark, address, bytes in a column of that width (None: no bytes), text with symbol."""
    mark = ("=>" if line.here else "  ") + ("*" if line.breakpoint else " ")
    symbol = f" <{line.symbol}>" if line.symbol and f"<{line.symbol}>" not in line.text else ""
    return Line.of(
        Span(f"{mark} ", STRONG),
        Span(hex32(line.address), ADDRESS),
        Span(f"  {short_bytes(line.bytes, BYTES):<{width}}  " if width is not None else "  ", NOTE),
        Span(line.text, CODE),
        Span(symbol, NAME) if symbol else None,
        hang=18 + (width or 0),
    )
