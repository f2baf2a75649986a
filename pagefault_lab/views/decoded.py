"""A number taken apart: its bits drawn as boxes, then each field with what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pagefault_lab.lab.decode import Decoded, Field
from pagefault_lab.views import view
from pagefault_lab.views.lines import NOTE, STRONG, Line, Lines, Row, Span, note, table


@view(Decoded)
def decoded(number: Decoded) -> Lines:
    """The heading, the drawing, the fields, the sentence."""
    cells = []
    for field in number.fields:
        if not field.meaning:
            continue
        place = f"bit {field.low}" if field.high == field.low else f"bits {field.high}..{field.low}"
        cells.append((note(place), Span(field.name, STRONG), f"= {_value(field)}", field.meaning))
    return Lines.of(
        Line.of(f"{number.value:#0{number.bits // 4 + 2}x} as {number.what}: ", Span(number.sentence, STRONG), hang=2),
        Drawing(number.fields, 2),
        table(cells, indent=2),
    )


def _value(field: Field) -> str:
    width = field.high - field.low + 1
    return str(field.value) if width < 4 else _hexadecimal(field)


def _hexadecimal(field: Field) -> str:
    return f"{field.value:#0{(field.high - field.low + 4) // 4 + 2}x}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes from the highest bit down: the places, the names, the values; in several strips where it is too wide."""

    fields: tuple[Field, ...]
    indent: int = 0

    def indented(self, by: int) -> Drawing:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        strip: list[tuple[str, str, str]] = []
        used = self.indent + 1
        wide = self.fields[0].high > 31
        for field in self.fields:
            box = _box(field)
            size = max(map(len, box)) + 1
            if strip and (used + size > width or (wide and field.high == 31)):
                yield from self._strip(strip, ascii_only)
                strip, used = [], self.indent + 1
            strip.append(box)
            used += size
        yield from self._strip(strip, ascii_only)

    def _strip(self, boxes: list[tuple[str, str, str]], ascii_only: bool) -> Iterator[Row]:
        widths = [max(map(len, box)) for box in boxes]
        indent = " " * self.indent
        wall = "|" if ascii_only else "│"
        places = " ".join(box[0].center(width) for box, width in zip(boxes, widths, strict=True))
        yield [Span(f"{indent} {places}".rstrip(), NOTE)]
        for row in (1, 2):
            inside = wall.join(box[row].center(width) for box, width in zip(boxes, widths, strict=True))
            yield [Span(f"{indent}{wall}{inside}{wall}", STRONG if row == 2 else "")]


def _box(field: Field) -> tuple[str, str, str]:
    one = field.high == field.low
    places = str(field.low) if one else f"{field.high}..{field.low}"
    width = field.high - field.low + 1
    if field.name == "0" and not field.value:
        return places, "0", "0"
    value = f"{field.value:0{width}b}" if width <= 5 else _hexadecimal(field)
    return places, field.name.partition(" ")[0] if field.name != "S type" else "S type", value
