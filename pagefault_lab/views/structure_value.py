"""`p` of a structure: all its fields."""

from __future__ import annotations

from pagefault_lab.lab.results import FieldValue, StructureValue
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Part, Span, note, table
from pagefault_lab.views.numbers import briefly, in_format, plainly
from pagefault_lab.views.words import printable

_COUNTS = ("step", "count")  # fields that are no bits or addresses: `goto` and the timeline have them in decimal


@view(StructureValue)
def structure_value(found: StructureValue) -> Lines:
    """What it is, then a row for each field, as it is written behind the dot."""
    number = ""
    if found.value is not None:
        number = f" = {in_format(found.value, found.letter) if found.letter else plainly(found.value)}"
    heading = Line.of(Span(printable(found.expression), STRONG), number, note(f"  {found.meaning}"))
    return Lines.of(heading, table([_row(field, found.letter) for field in found.fields], indent=2))


def _row(field: FieldValue, letter: str) -> tuple[Part, ...]:
    if field.value is None:
        return Span(f".{field.name}", STRONG), "-", note(field.meaning)
    told = str if field.name in _COUNTS else briefly
    number = in_format(field.value, letter) if letter else told(field.value)
    symbol = f" <{field.symbol}>" if field.symbol else ""
    return Span(f".{field.name}", STRONG), number + symbol, note(field.meaning)
