"""`picture`: a diagram in text, drawn with the lines of boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

from pagefault_lab.lab.pictures import Picture
from pagefault_lab.views import view
from pagefault_lab.views.drawing import Drawing, place
from pagefault_lab.views.lines import BAD, STRONG, Line, Lines, Row, Span, note
from pagefault_lab.views.words import printable

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8  # the directions in which a line goes on from a character
SIGNS: Final = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
ASCII_SIGNS: Final = " |-+||++-+-+++++"


@view(Picture)
def picture(shown: Picture) -> Lines:
    """What it is, the drawing, what stopped the processor, and notes."""
    return Lines.of(
        Line.of(Span(printable(shown.title), STRONG), hang=2),
        Sheet(shown),
        Line.of(Span(f"✗ {printable(shown.refusal)}", BAD), hang=2) if shown.refusal else None,
        *(Line.of(note(printable(text)), hang=2) for text in shown.notes),
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture's boxes and arrows, drawn for the width that there is."""

    picture: Picture
    indent: int = 0

    def indented(self, by: int) -> Sheet:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        for row in drawn(place(self.picture, width - self.indent, ascii_only), ascii_only):
            yield [Span(" " * self.indent), *row] if self.indent else row


def drawn(drawing: Drawing, ascii_only: bool = False) -> Iterator[Row]:
    """The rows of a drawing."""
    lines = [[0] * drawing.width for _ in range(drawing.height)]
    signs: dict[tuple[int, int], tuple[str, str]] = {}
    for frame in drawing.frames:
        right, bottom = frame.x + frame.width - 1, frame.y + frame.height - 1
        for side in (((frame.x, frame.y), (right, frame.y)), ((frame.x, bottom), (right, bottom)),
                       ((frame.x, frame.y), (frame.x, bottom)), ((right, frame.y), (right, bottom))):  # fmt: skip
            _line(lines, *side)
    for wire in drawing.wires:
        for side in pairwise(wire.points):
            _line(lines, *side)
        signs[wire.points[-1]] = (wire.head, "")
    titles = {(frame.x + 2, frame.y) for frame in drawing.frames}
    for words in drawing.words:
        in_wall = (words.x, words.y) in titles  # a title is set off from the wall that it stands in
        text, first = (f" {words.text} ", words.x - 1) if in_wall else (words.text, words.x)
        signs.update({(first + place, words.y): (sign, words.style) for place, sign in enumerate(text)})
    walls = ASCII_SIGNS if ascii_only else SIGNS
    for y in range(drawing.height):
        row = [signs.get((x, y)) or (walls[lines[y][x]], "") for x in range(drawing.width)]
        yield [Span("".join(sign for sign, _ in group), style) for style, group in _runs(row)]


def _runs(row: list[tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for style, group in groupby(row, lambda sign: sign[1]):
        yield style, list(group)


def _line(lines: list[list[int]], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw from one point to another in the same column or row; lines that meet are joined."""
    (x1, y1), (x2, y2) = sorted((start, end))
    for x in range(x1, x2):
        lines[y1][x] |= RIGHT
        lines[y1][x + 1] |= LEFT
    for y in range(y1, y2):
        lines[y][x1] |= DOWN
        lines[y + 1][x1] |= UP
