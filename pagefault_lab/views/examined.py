"""`x` and `xp`: what lies in memory."""

from __future__ import annotations

from pagefault_lab.lab.results import Examined
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, table
from pagefault_lab.views.missing import sentence
from pagefault_lab.views.numbers import in_format
from pagefault_lab.views.words import escaped, hex32

LONGEST = 50  # characters of a row's values


@view(Examined)
def examined(memory: Examined) -> Lines:
    """Rows of as many values as fit 80 columns; the symbol behind the first address."""
    rows: list[tuple[str | Span, ...]] = []
    if memory.letter == "s":
        rows = [(Span(hex32(address), ADDRESS), f'"{escaped(text)}"') for address, text in _strings(memory)]
    else:
        texts = [in_format(int(value), memory.letter, memory.size) for value in memory.values]
        width = max(map(len, texts), default=1)
        across = max(1, 1 << ((LONGEST + 2) // (width + 2)).bit_length() - 1)
        for start in range(0, len(texts), across):
            address = memory.address + start * memory.size & 0xFFFFFFFF
            rows.append(
                (Span(hex32(address), ADDRESS), "  ".join(text.rjust(width) for text in texts[start : start + across]))
            )
    where = "physical" if memory.physical else f"<{memory.symbol}>" if memory.symbol else ""
    return Lines.of(
        Line.of(Span(where, NAME), ":") if where else None,
        table(rows),
        Line.of(*sentence(memory.missing)) if memory.missing is not None else None,
    )


def _strings(memory: Examined) -> list[tuple[int, str]]:
    found = []
    address = memory.address
    for text in memory.values:
        found.append((address, str(text)))
        address = address + len(str(text)) + 1 & 0xFFFFFFFF
    return found
