"""A picture as SVG: the same places as in text, on paper.

Black on white, with the white drawn: it prints, and looks the same on a dark page. What failed is marked by a sign and
by words; its colour only repeats that. Nothing outside of the file is needed; the same picture gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from pagefault_lab.lab.pictures import BEGINNING, Picture
from pagefault_lab.views.drawing import Drawing, Frame, Wire, place, row_text
from pagefault_lab.views.lines import BAD, STRONG, Line
from pagefault_lab.views.words import printable

COLUMNS: Final = 100  # at most: on A4 they are as wide as this text in a book
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8, 18, 12
FONT_SIZE: Final = 13
FONTS: Final = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', 'Courier New', monospace"
INK, PALE, FAILED = "#000000", "#e8e8e8", "#a03000"  # the last one is dark on paper too
STYLES: Final = {STRONG: ' font-weight="bold"', BAD: f' font-weight="bold" fill="{FAILED}"'}
REFUSED: Final = "✗"
DROP: Final = 5  # from the middle of a row down to the line on which letters stand
POINT_LONG, POINT_WIDE = 8, 4  # an arrow's head


def svg_of(picture: Picture) -> str:
    """The picture as a file of its own; as a part of an HTML page the same text will do."""
    drawing = place(picture, COLUMNS)
    columns = max(drawing.width, min(COLUMNS, max(map(len, (picture.title, *_said(picture))))))
    above = [(row, STRONG) for row in _broken(picture.title, columns)]
    below = [(row, _style(text)) for text in _said(picture) for row in _broken(text, columns)]
    first = len(above) + 1  # the drawing's first row; an empty one before it, and one behind it
    last = first + drawing.height + 1 + len(below)
    width, height = columns * CELL_WIDTH + 2 * MARGIN, last * CELL_HEIGHT + 2 * MARGIN
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" style="max-width:100%;height:auto">',
        f"<title>{_escaped(picture.title)}</title>",
        f"<desc>{_escaped(_told(picture))}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<g font-family="{FONTS}" font-size="{FONT_SIZE}" fill="{INK}" stroke-linejoin="round">',
        *(_text(0, number, text, style) for number, (text, style) in enumerate(above)),
        *_drawn(drawing, first),
        *(_text(0, number, text, style) for number, (text, style) in enumerate(below, last - len(below))),
        "</g>",
        "</svg>",
    )
    return BEGINNING + "\n".join(parts) + "\n"


def _told(picture: Picture) -> str:
    """The picture for those who cannot see it: each box with its rows, what leads where, and what is said below."""
    cells = [cell._replace(title=f"{strip.title}, {cell.title}") for strip in picture.strips for cell in strip.cells]
    lines = [f"{box.title}: {'; '.join(row_text(row) for row in box.rows)}." for box in (*cells, *picture.boxes)]
    boxes = {box.key: box for box in (*cells, *picture.boxes)}
    for arrow in picture.arrows:
        source, target = boxes[arrow.source.box], boxes[arrow.target.box]
        lines.append(f"{source.title} ({row_text(source.rows[arrow.source.row])}) leads to {target.title}.")
    return "\n".join((*lines, *_said(picture)))


def _said(picture: Picture) -> list[str]:
    """What is said below it: what stopped the processor, and the notes."""
    return [*([f"{REFUSED} {picture.refusal}"] if picture.refusal else []), *picture.notes]


def _style(text: str) -> str:
    return BAD if text.startswith(REFUSED) else ""


def _broken(text: str, columns: int) -> list[str]:
    rows = Line.of(printable(text), hang=2).rows(columns, False)
    return ["".join(span.text for span in row) for row in rows]


def _drawn(drawing: Drawing, first: int) -> Iterator[str]:
    """Boxes, then arrows, then words, the drawing's first row being the page's row `first`."""
    for frame in drawing.frames:
        yield from _frame(frame, first)
    for wire in drawing.wires:
        yield from _wire(wire, first)
    for words in drawing.words:
        if words.text:
            yield _text(words.x, first + words.y, words.text, words.style)


def _frame(frame: Frame, first: int) -> Iterator[str]:
    """The box, its title's ground first. The walls lie where text has them: in the middle of a character."""
    x, y = _x(frame.x), MARGIN + (first + frame.y) * CELL_HEIGHT
    width, height = (frame.width - 1) * CELL_WIDTH, (frame.height - 1) * CELL_HEIGHT + CELL_HEIGHT // 3
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{CELL_HEIGHT}" fill="{PALE}"/>'
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="{INK}"/>'


def _wire(wire: Wire, first: int) -> Iterator[str]:
    """The line, and its head, whose tip touches the wall."""
    points = [(_x(x), _y(first + y)) for x, y in wire.points]
    x, y = points[-1]
    if wire.head == "v":
        points[0] = (points[0][0], points[0][1] - CELL_HEIGHT // 2 + CELL_HEIGHT // 3)  # the wall of a strip
        tip = (x, y + CELL_HEIGHT // 2)
        points[-1] = (x, tip[1] - POINT_LONG)
        corners = [(x - POINT_WIDE, points[-1][1]), (x + POINT_WIDE, points[-1][1])]
    else:
        ahead = 1 if wire.head == ">" else -1
        tip = (x + ahead * CELL_WIDTH, y)
        points[-1] = (tip[0] - ahead * POINT_LONG, y)
        corners = [(points[-1][0], y - POINT_WIDE), (points[-1][0], y + POINT_WIDE)]
    yield f'<polyline points="{_listed(points)}" fill="none" stroke="{INK}"/>'
    yield f'<polygon points="{_listed([tip, *corners])}"/>'


def _listed(points: list[tuple[int, int]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _x(column: int) -> int:
    """The middle of a column."""
    return MARGIN + column * CELL_WIDTH + CELL_WIDTH // 2


def _y(row: int) -> int:
    """The middle of a row."""
    return MARGIN + row * CELL_HEIGHT + CELL_HEIGHT // 2


def _text(column: int, row: int, text: str, style: str = "") -> str:
    """Words that take the columns they were placed in, whatever the font."""
    x, y, length = MARGIN + column * CELL_WIDTH, _y(row) + DROP, len(text) * CELL_WIDTH
    return (
        f'<text x="{x}" y="{y}" textLength="{length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"'
        f"{STYLES.get(style, '')}>{_escaped(text)}</text>"
    )


def _escaped(text: str) -> str:
    return escape(printable(text))
