"""`poke`: what was put into memory, and what was there before."""

from __future__ import annotations

from pagefault_lab.lab.poking import Poked, PokedValue
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, table
from pagefault_lab.views.words import count, escaped, hex32, short_bytes, sized

MOST = 16  # values; of more the number is told


@view(Poked)
def poked(change: Poked) -> Lines:
    """A row for each value."""
    shown, more = change.values[:MOST], len(change.values[MOST:])
    return Lines.of(
        Line.of(Span(f"<{change.symbol}>", NAME), ":") if change.symbol else None,
        table(map(_row, shown)),
        Line.of(f"and {count(more, 'value')} more") if more else None,
    )


def _row(value: PokedValue) -> tuple[str | Span, ...]:
    if value.text:
        before, after = short_bytes(value.before), f'"{escaped(value.after.decode("latin-1"))}"'
    else:
        before, after = (sized(int.from_bytes(part, "little"), len(part)) for part in (value.before, value.after))
    return Span(hex32(value.address), ADDRESS), f"{before} -> {after}"
