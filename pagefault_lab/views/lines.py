"""Lines of text that know how to fit: what nearly all views are made of.

A line is spans. A span may be marked as only wanted where there is room; a line that is too long still is broken at
spaces, and goes on further to the right. A screen without UTF-8 gets words and ASCII for the few signs in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# the meaning is in the sign or the words; colour only repeats it, as the theme says (themes.py)
GOOD, BAD, NOTE, STRONG, ADDRESS, NAME = "good", "bad", "note", "strong", "address", "name"
CODE: Final = "code"  # assembly: code.py has a style for each token

GLUE: Final = "\u00a0"  # a space at which no line is broken
ASCII: Final = str.maketrans(
    {
        "✓": "ok", "✗": "NO", "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+",
        "┬": "+", "┴": "+", "…": "...", "·": ".", "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "×": "x",
    }
)  # fmt: skip
GAP: Final = 2  # between the columns of a table


class Span(NamedTuple):
    """Text in one style. `wanted` False: left out where the line would not fit with it."""

    text: str
    style: str = ""
    wanted: bool = True


Part: TypeAlias = "str | Span | None"
Row: TypeAlias = list[Span]  # one row of the screen


def note(text: str) -> Span:
    """Text that explains rather than tells."""
    return Span(text, NOTE)


def glued(text: str) -> str:
    """Text that is not broken at its spaces."""
    return text.replace(" ", GLUE)


def maybe(text: str, style: str = NOTE) -> Span:
    """Text for wide screens."""
    return Span(text, style, False)


class Block(Protocol):
    """A part of a page: rows for a width."""

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]: ...

    def indented(self, by: int) -> Block: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `hang` is how much further its continuation is indented."""

    spans: tuple[Span, ...]
    indent: int = 0
    hang: int = 4

    @classmethod
    def of(cls, *parts: Part, indent: int = 0, hang: int = 4) -> Line:
        """A line of texts and spans; None is left out."""
        return cls(tuple(_span(part) for part in parts if part is not None), indent, hang)

    def indented(self, by: int) -> Line:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        spans = [span._replace(text=plain(span.text)) for span in self.spans] if ascii_only else list(self.spans)
        too_long = self.indent + sum(len(span.text) for span in spans) - width
        for place in range(len(spans) - 1, -1, -1):
            if too_long <= 0:
                break
            if not spans[place].wanted:
                too_long -= len(spans.pop(place).text)
        if too_long <= 0:
            yield [Span(" " * self.indent), *spans] if self.indent else spans
        else:
            yield from self._broken(spans, width)

    def _broken(self, spans: list[Span], width: int) -> Iterator[Row]:
        hanging = min(self.indent + self.hang, width * 3 // 4)
        start = column = self.indent
        row = [Span(" " * start)]
        for word in _words(spans):
            if column + _length(word) > width and column > start:
                yield _trimmed(row)
                start = column = hanging
                row = [Span(" " * start)]
                word = _without_space(word)
            for text, style, _ in word:
                while column + len(text.rstrip()) > width:
                    yield [*row, Span(text[: width - column], style)]
                    text = text[width - column :]
                    start = column = hanging
                    row = [Span(" " * start)]
                text = text[: max(width - column, 0)]  # only spaces are cut here
                row.append(Span(text, style))
                column += len(text)
        yield _trimmed(row)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells in columns; each column as wide as its widest cell, the last one broken like a line.

    `optional` are columns that are left out, last first, where the table would not fit.
    """

    cells: tuple[tuple[Span, ...], ...]
    heading: tuple[str, ...] = ()
    optional: tuple[int, ...] = ()
    indent: int = 0
    right: tuple[int, ...] = ()  # columns that are aligned to the right

    def indented(self, by: int) -> Table:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        lines = [tuple(Span(text, STRONG) for text in self.heading)] if self.heading else []
        lines += self.cells
        if ascii_only:
            lines = [tuple(span._replace(text=plain(span.text)) for span in line) for line in lines]
        count = max(map(len, lines), default=0)
        widths = [max((len(line[at].text) for line in lines if at < len(line)), default=0) for at in range(count)]
        shown = [at for at in range(count) if widths[at]]
        for column in reversed(self.optional):
            if self.indent + sum(widths[at] + GAP for at in shown) - GAP > width and column in shown:
                shown.remove(column)
        hang = sum(widths[at] + GAP for at in shown[:-1])
        for line in lines:
            spans: list[Span] = []
            for at in shown:
                cell = line[at] if at < len(line) else Span("")
                blank = " " * (widths[at] - len(cell.text))
                if at in self.right:
                    spans += [Span(blank), cell]
                    blank = ""
                else:
                    spans.append(cell)
                if at != shown[-1]:
                    spans.append(Span(blank + " " * GAP))
            while spans and not spans[-1].text.strip():
                spans.pop()
            yield from Line(tuple(spans), self.indent, hang).rows(width, False)


def table(
    cells: Iterable[Sequence[Part]],
    heading: Sequence[str] = (),
    optional: Sequence[int] = (),
    right: Sequence[int] = (),
    indent: int = 0,
) -> Table:
    """A table of texts and spans."""
    rows = tuple(tuple(_span(part or "") for part in row) for row in cells)
    return Table(rows, tuple(heading), tuple(optional), indent, tuple(right))


@dataclass(frozen=True, slots=True)
class Lines:
    """Blocks one below the other: the renderable that views give."""

    blocks: tuple[Block, ...] = ()

    @classmethod
    def of(cls, *parts: Block | Lines | None) -> Lines:
        """Lines from blocks and other lines, in order; None is left out."""
        blocks: list[Block] = []
        for part in parts:
            if isinstance(part, Lines):
                blocks += part.blocks
            elif part is not None:
                blocks.append(part)
        return cls(tuple(blocks))

    def indented(self, by: int = 2) -> Lines:
        return Lines(tuple(block.indented(by) for block in self.blocks))

    def rows(self, width: int, ascii_only: bool = False) -> Iterator[Row]:
        for block in self.blocks:
            yield from block.rows(width, ascii_only)

    def text(self, width: int = 80, ascii_only: bool = False) -> str:
        """As plain text without any style: what a test compares."""
        rows = ("".join(span.text for span in row) for row in self.rows(width, ascii_only))
        return "\n".join(row.replace(GLUE, " ").rstrip() for row in rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        from pagefault_lab.views.code import coloured
        from pagefault_lab.views.themes import DEFAULT, THEMES

        without_a_theme = THEMES[DEFAULT].styles  # a console that somebody else has made
        for row in self.rows(options.max_width, options.ascii_only):
            for text, style, _ in row:
                text = text.replace(GLUE, " ")
                for piece, named in coloured(text) if style == CODE else ((text, style),):
                    looks = console.get_style(named, default=without_a_theme.get(named, named)) if named else None
                    yield Segment(piece, looks)
            yield Segment.line()


def _span(part: str | Span) -> Span:
    return part if isinstance(part, Span) else Span(part)


def plain(text: str) -> str:
    """As ASCII; glue stays, so that lines are broken where they would be with every sign at hand."""
    if text.isascii():
        return text
    parts = text.replace("✓ OK", "OK").translate(ASCII).split(GLUE)
    return GLUE.join(part.encode("ascii", "replace").decode() for part in parts)


def _words(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """The words of a line, each with the spaces before it; a word may go on over several spans."""
    word: list[Span] = []
    for text, style, _ in spans:
        for piece in re.findall(" *[^ ]+| +", text):
            if word and piece.startswith(" "):
                yield word
                word = []
            word.append(Span(piece, style))
    if word:
        yield word


def _length(word: list[Span]) -> int:
    return len("".join(span.text for span in word).rstrip())


def _without_space(word: list[Span]) -> list[Span]:
    """A word without the spaces before it."""
    word = list(word)
    while word and not word[0].text.lstrip():
        word.pop(0)
    return [word[0]._replace(text=word[0].text.lstrip()), *word[1:]] if word else []


def _trimmed(row: Row) -> Row:
    """A row without spaces at its end."""
    while row and not row[-1].text.rstrip():
        row.pop()
    return [*row[:-1], row[-1]._replace(text=row[-1].text.rstrip())] if row else []
