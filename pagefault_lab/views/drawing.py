"""A picture placed: where its boxes, words and arrows lie, in columns and rows. Text and SVG are drawn from this alone.

Boxes stand in lanes, between the lanes are gutters. An arrow leaves its row, goes to a column of the gutter that is its
own there (a channel), along it, and into the row that it leads to; so none ever passes through a box.

    lane g-1       gutter g      lane g
    | row  |--------+            |      |
    |      |        |            |      |
    |      |        +----------->| row  |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple
from unicodedata import combining, east_asian_width

from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, Row, Strip
from pagefault_lab.views.channels import Run, channels
from pagefault_lab.views.lines import BAD, NOTE, STRONG, plain
from pagefault_lab.views.words import hex32, printable, sized

ALL: Final = 1 << 16  # characters of a row
# how a picture is tried, from the best to the last that fits: with the words that can be left out, with wide gutters,
# and with at most so many characters in a row
ATTEMPTS: Final = (
    (True, True, ALL), (True, False, ALL), (False, True, ALL), (False, False, ALL),
    (False, False, 44), (False, False, 36), (False, False, 28),
)  # fmt: skip
Point = tuple[int, int]  # column, row


class Frame(NamedTuple):
    """A box: its corner, its size with the walls, and its title, which stands in the upper wall."""

    x: int
    y: int
    width: int
    height: int
    title: str


class Words(NamedTuple):
    """Text at a place, in a style of views/lines.py."""

    x: int
    y: int
    text: str
    style: str = ""


class Wire(NamedTuple):
    """An arrow: from the wall of a box along these points to beside the wall of another one, where its head is."""

    points: tuple[Point, ...]
    head: str  # one of < > v


@dataclass
class Drawing:
    """All that is to be drawn, in columns and rows."""

    width: int = 0
    height: int = 0
    frames: list[Frame] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)


def place(picture: Picture, width: int, ascii_only: bool = False) -> Drawing:
    """The picture in at most `width` columns: with all its words, without those that are not needed, or, on a narrow
    screen, its boxes one below the other."""
    for attempt in ATTEMPTS:
        drawing = _Placed(picture, width, ascii_only, *attempt).drawing
        if drawing.width <= width:
            return drawing
    return _Placed(_stacked(picture), width, ascii_only, False, False, max(width - 4, 8)).drawing


def _stacked(picture: Picture) -> Picture:
    """The same in one lane, where each row says to which box its arrow leads."""
    titles = {box.key: box.title for box in picture.boxes}
    leads = {(arrow.source.box, arrow.source.row): titles[arrow.target.box] for arrow in reversed(picture.arrows)}

    def named(box: Box) -> Iterator[Row]:
        for number, row in enumerate(box.rows):
            target = leads.get((box.key, number))
            yield row._replace(note=f"{row.note} -> {target}".strip()) if target else row

    boxes = tuple(box._replace(lane=0, rows=tuple(named(box))) for box in picture.boxes)
    return picture._replace(boxes=boxes, arrows=())


# --- the words of a box


class _Texts:
    """A box's title and rows as text."""

    def __init__(self, box: Box, ascii_only: bool, more: bool, roomy: bool, most: int) -> None:
        self.title = _shown(box.title, ascii_only)
        in_columns = roomy or any(row.at is not None for row in box.rows)
        named = [row for row in box.rows if row.number is not None or row.at is not None]
        names = max((len(row.name) for row in named), default=0) if in_columns else 0
        cut = "..." if ascii_only else "…"
        self.rows = []
        for row in box.rows:
            text = _shown(row_text(row, names, more), ascii_only)
            numbers = len(_shown(row_text(row._replace(note=""), names, False), ascii_only))  # these are never cut
            if len(text) > max(most, numbers):
                text = text[: max(most - len(cut), numbers)] + cut
            self.rows.append((text, BAD if row.failed else ""))
        self.width = max([len(self.title) + 4, *(len(text) + 4 for text, _ in self.rows)])
        self.height = len(self.rows) + 2


def row_text(row: Row, names: int = 0, more: bool = True) -> str:
    """A row as text, what it is called as wide as `names`."""
    in_columns = row.number is not None or (row.at is not None and row.name)
    parts = (
        "✗" if row.failed else "",
        hex32(row.at) if row.at is not None else "",
        row.name.ljust(names) if in_columns else row.name,
        sized(row.number, row.size) if row.number is not None else "",
        row.note,
        row.more if more else "",
    )
    return " ".join(part for part in parts if part).rstrip()


def _shown(text: str, ascii_only: bool) -> str:
    """Text that takes one column for each character, whatever a guest has named its symbols."""
    text = printable(text).replace("\n", " ")
    if ascii_only:
        return plain(text)
    if text.isascii():
        return text
    return "".join("?" if combining(sign) or east_asian_width(sign) in "WF" else sign for sign in text)


# --- places


class _Placed:
    """Places everything: rows first, from lane to lane, then the channels of the arrows, then columns."""

    def __init__(self, picture: Picture, width: int, ascii_only: bool, more: bool, roomy: bool, most: int) -> None:
        self.picture = picture
        self.roomy = roomy
        self.drawing = Drawing()
        self.texts = {box.key: _Texts(box, ascii_only, more, roomy, most) for box in picture.boxes}
        self.ascii_only = ascii_only
        self.boxes = {box.key: box for box in picture.boxes}
        self.lanes = [
            [box for box in picture.boxes if box.lane == lane]
            for lane in range(max((box.lane for box in picture.boxes), default=-1) + 1)
        ]
        self.from_strips = [arrow for arrow in picture.arrows if arrow.source.box not in self.boxes]
        self.top: dict[str, int] = {}  # the row of each box's upper wall
        self.left: dict[str, int] = {}  # the column of its left wall
        self.across: dict[str, int] = {}  # how wide it is drawn
        cells = [
            (strip, [_Texts(cell, ascii_only, more, roomy, most) for cell in strip.cells]) for strip in picture.strips
        ]
        above = [each for each in cells if not each[0].below]
        below = [each for each in cells if each[0].below]
        height = sum(self._strip_height(texts, width) for _, texts in above) + bool(self.from_strips)
        for lane in self.lanes:
            self._stack(lane, height)
        self._columns()
        self._place_strips(above, 0, width)
        for box in picture.boxes:
            self._frame(self.texts[box.key], self.left[box.key], self.top[box.key], self.across[box.key])
        bottom = max((self.top[key] + self.texts[key].height for key in self.top), default=height)
        self._place_strips(below, bottom, width)
        self._measure()

    def _stack(self, lane: list[Box], height: int) -> None:
        """One box under the other, none higher than the row whence its first arrow comes."""
        for box in lane:
            arrow = next((arrow for arrow in self.picture.arrows if arrow.target.box == box.key), None)
            if arrow is not None and arrow.source.box in self.top:
                height = max(height, self._row_of(arrow.source) - 1 - arrow.target.row)
            self.top[box.key] = height
            height += self.texts[box.key].height

    def _row_of(self, end: End) -> int:
        return self.top[end.box] + 1 + end.row

    # --- columns

    def _columns(self) -> None:
        """Gutter, lane, gutter, lane ...: each gutter as wide as its arrows need."""
        gutters: list[list[tuple[Arrow, Run]]] = [[] for _ in range(len(self.lanes) + 1)]
        for arrow in self.picture.arrows:
            if arrow.source.box in self.boxes:
                gutter, run = self._run(arrow)
                gutters[gutter].append((arrow, run))
        column = 0
        wires: list[tuple[Arrow, Run, int]] = []
        for gutter, inside in enumerate(gutters):
            chosen = channels([run for _, run in inside])
            heads = int(any(not run.target_right for _, run in inside))  # a column for heads that point to the left
            step = 2 if self.roomy else 1
            for (arrow, run), channel in zip(inside, chosen, strict=True):
                wires.append((arrow, run, column + heads + channel * step))
            bends = [channel for (_, run), channel in zip(inside, chosen, strict=True) if not run.straight]
            needed = heads + 1 + (max(bends) * step + 1 if bends else 0) if inside else 0
            outer = gutter in (0, len(self.lanes))
            column += max(needed, 0 if outer else 5 if self.roomy else 2)
            for box in self.lanes[gutter] if gutter < len(self.lanes) else ():
                self.left[box.key] = column
            column += self._lane_width(gutter)
        for arrow, run, channel in wires:
            self._wire(arrow, run, channel)

    def _lane_width(self, lane: int) -> int:
        """How wide the boxes of a lane are drawn; 0 behind the last one."""
        boxes = self.lanes[lane] if lane < len(self.lanes) else []
        width = max((self.texts[box.key].width for box in boxes), default=0)
        self.across.update({box.key: width for box in boxes})
        return width

    def _run(self, arrow: Arrow) -> tuple[int, Run]:
        """The gutter that an arrow runs in (gutter n is on the left of lane n), and its run there."""
        source, target = self.boxes[arrow.source.box].lane, self.boxes[arrow.target.box].lane
        gutter = max(source, target) + (source == target and not arrow.left)
        if abs(source - target) > 1:
            raise ValueError(f"an arrow from lane {source} to lane {target}")
        return gutter, Run(self._row_of(arrow.source), self._row_of(arrow.target), source == gutter, target == gutter)

    def _wire(self, arrow: Arrow, run: Run, channel: int) -> None:
        source, target = arrow.source.box, arrow.target.box
        start = self.left[source] if run.source_right else self.left[source] + self.across[source] - 1
        end = self.left[target] - 1 if run.target_right else self.left[target] + self.across[target]
        bends = () if run.straight else ((channel, run.source), (channel, run.target))
        points = ((start, run.source), *bends, (end, run.target))
        self.drawing.wires.append(Wire(tuple(dict.fromkeys(points)), ">" if run.target_right else "<"))

    # --- strips

    def _rows_of(self, texts: list[_Texts], width: int) -> list[list[_Texts]]:
        """The cells of a strip that stand beside each other; those for which there is no room go below."""
        rows: list[list[_Texts]] = [[]]
        for text in texts:
            if rows[-1] and sum(each.width - 1 for each in rows[-1]) + text.width > width:
                rows.append([])
            rows[-1].append(text)
        return rows

    def _strip_height(self, texts: list[_Texts], width: int) -> int:
        return 1 + len(self._rows_of(texts, width)) * max(text.height for text in texts)

    def _place_strips(self, strips: Sequence[tuple[Strip, list[_Texts]]], height: int, width: int) -> None:
        for strip, texts in strips:
            first = self._places(strip, texts)[0]
            self.drawing.words.append(Words(first, height, _shown(strip.title, self.ascii_only), NOTE))
            tall = max(text.height for text in texts)
            cells = iter(strip.cells)
            for number, row in enumerate(self._rows_of(texts, width)):
                top = height + 1 + number * tall
                for text, (left, right) in zip(row, pairwise(self._places(strip, row)), strict=True):
                    self._frame(text, left, top, right - left + 1, tall)
                    self._drop(next(cells), left, right, top + tall - 1)
            height += self._strip_height(texts, width)

    def _places(self, strip: Strip, texts: list[_Texts]) -> list[int]:
        """The columns of the walls. A cell stands above the box to which its arrow leads, if it has one."""
        targets = {arrow.source.box: arrow.target.box for arrow in self.from_strips}
        above = [targets.get(cell.key) for cell in strip.cells[: len(texts)]]
        first = above[0]
        walls = [self.left[first] if first is not None else 0]
        for here, after, text in zip(above, [*above[1:], None], texts, strict=True):
            wall = walls[-1] + text.width - 1
            if here is not None:
                end = self.left[here] + self.across[here]
                wall = max(wall, (end + self.left[after]) // 2 if after is not None else end - 1)
            walls.append(wall)
        return walls

    def _drop(self, cell: Box, left: int, right: int, bottom: int) -> None:
        """The arrow from a cell straight down to its box."""
        for arrow in self.from_strips:
            if arrow.source.box == cell.key:
                target = arrow.target.box
                start = max(left + 1, self.left[target] + 1)
                end = min(right - 1, self.left[target] + self.across[target] - 2)
                column = (start + end) // 2
                self.drawing.wires.append(Wire(((column, bottom), (column, self.top[target] - 1)), "v"))

    # --- what is drawn

    def _frame(self, text: _Texts, x: int, y: int, width: int, height: int | None = None) -> None:
        self.drawing.frames.append(Frame(x, y, width, height or text.height, text.title))
        self.drawing.words.append(Words(x + 2, y, text.title, STRONG))
        for number, (words, style) in enumerate(text.rows, y + 1):
            self.drawing.words.append(Words(x + 2, number, words, style))

    def _measure(self) -> None:
        drawing = self.drawing
        right = [frame.x + frame.width for frame in drawing.frames]
        right += [words.x + len(words.text) for words in drawing.words]
        right += [column + 1 for wire in drawing.wires for column, _ in wire.points]
        drawing.width = max(right, default=0)
        drawing.height = max((frame.y + frame.height for frame in drawing.frames), default=0)
