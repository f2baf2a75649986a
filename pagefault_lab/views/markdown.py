"""Markdown as lines: the text of lessons, in a column that reads well on any screen.

rich reads it; what is made of it are the blocks of which all views are made. Text is never obeyed: raw HTML stands as
it is written, comments are left out, an address stands behind its link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from pagefault_lab.views.lines import CODE, GLUE, NOTE, STRONG, Block, Line, Lines, Row, Span, note, table
from pagefault_lab.views.words import printable

MOST: Final = 80  # columns
LONGEST_UNBROKEN: Final = 32  # letters of code in a text that are not parted at a blank
_ASSEMBLY: Final = ("asm", "gas", "lab", "s")
_EMPHASIS: Final = {"strong_open": STRONG, "em_open": "italic", "s_open": NOTE, "link_open": "underline"}


@dataclass(frozen=True, slots=True)
class Column:
    """A block in a column of at most MOST characters."""

    block: Block

    def indented(self, by: int) -> Column:
        return replace(self, block=self.block.indented(by))

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        return self.block.rows(min(width, MOST), ascii_only)


def in_column(lines: Lines) -> Lines:
    """Lines that are no longer than is good to read."""
    return Lines(tuple(Column(block) for block in lines.blocks))


def markdown(text: str) -> Lines:
    """The blocks of a text, a blank line between them."""
    from rich.markdown import Markdown

    return Lines(tuple(_Reader(Markdown(printable(text)).parsed).blocks()))


def inline(text: str) -> tuple[Span, ...]:
    """The text of a first paragraph, to be put into a line or a table."""
    from rich.markdown import Markdown

    tokens = Markdown(printable(text)).parsed
    return next((tuple(_spans(token.children or ())) for token in tokens if token.type == "inline"), ())


class _Reader:
    """Goes through markdown-it's tokens, once."""

    def __init__(self, tokens: Iterable[Any]) -> None:
        self._tokens = iter(tokens)

    def blocks(self, end: str = "", tight: bool = False) -> Iterator[Block]:
        """The blocks up to the token that ends what they lie in; if they stand `tight`, with nothing between them."""
        between = False
        for token in self._tokens:
            if token.type == end:
                return
            lines = self._block(token)
            if lines and between and not tight:
                yield Line.of("")
            between = between or bool(lines)
            yield from lines

    def _block(self, token: Any) -> list[Block]:
        match token.type:
            case "paragraph_open":
                return self._paragraph()
            case "heading_open":
                return self._heading(underlined=token.tag in ("h1", "h2"))
            case "fence" | "code_block":
                return _code(token.content, token.info.split(" ")[0])
            case "html_block" if not token.content.lstrip().startswith("<!--"):
                return [Line.of(text) for text in token.content.splitlines()]
            case "hr":
                return [Line.of(note("─" * 20))]
            case "blockquote_open":
                return [Quoted(tuple(self.blocks("blockquote_close")))]
            case "bullet_list_open":
                return list(self._items("bullet_list_close"))
            case "ordered_list_open":
                return list(self._items("ordered_list_close", int(token.attrs.get("start", 1))))
            case "table_open":
                return [self._table()]
        return []

    def _inline(self, end: str) -> list[Span]:
        """What stands in a paragraph, a heading or a cell."""
        spans: list[Span] = []
        for token in self._tokens:
            if token.type == end:
                break
            spans += _spans(token.children or ())
        return spans

    def _paragraph(self) -> list[Block]:
        return [Line(tuple(spans), hang=0) for spans in _parted(self._inline("paragraph_close")) if spans]

    def _heading(self, underlined: bool) -> list[Block]:
        spans = [span if span.style == CODE else span._replace(style=STRONG) for span in self._inline("heading_close")]
        length = min(sum(len(span.text) for span in spans), MOST)
        return [Line(tuple(spans), hang=0), *([Line.of(note("─" * length))] if underlined else [])]

    def _items(self, end: str, number: int | None = None) -> Iterator[Block]:
        """A list, numbered from `number` on, or with bullets."""
        for token in self._tokens:
            if token.type == end:
                return
            mark = "- " if number is None else f"{number}. "
            number = None if number is None else number + 1
            first, *rest = [*self.blocks("list_item_close", tight=True)] or [Line.of("")]
            if isinstance(first, Line):
                yield Line((Span(mark), *first.spans), 2 + first.indent, hang=len(mark))
            else:
                yield Line.of(mark, indent=2)
                rest = [first, *rest]
            yield from (block.indented(2 + len(mark)) for block in rest)

    def _table(self) -> Block:
        heading: list[str] = []
        rows: list[list[Span]] = []
        right: set[int] = set()
        cells: list[Span] = []
        for token in self._tokens:
            match token.type:
                case "table_close":
                    break
                case "tr_open":
                    cells = []
                case "th_open" | "td_open":
                    if "right" in str(token.attrs.get("style", "")):
                        right.add(len(cells))
                    spans = self._inline(token.type.replace("open", "close"))
                    text = "".join(span.text for span in spans)
                    cells.append(spans[0] if len(spans) == 1 else Span(text))
                case "thead_close":
                    heading = [cell.text for cell in cells]
                case "tr_close":
                    rows.append(cells)
        return table(rows[1:] if heading else rows, heading, right=tuple(right), indent=2)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Blocks behind a bar."""

    blocks: tuple[Block, ...]
    indent: int = 0

    def indented(self, by: int) -> Quoted:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        bar = Span(" " * self.indent + ("| " if ascii_only else "│ "), NOTE)
        for block in self.blocks:
            for row in block.rows(max(width - len(bar.text), 1), ascii_only):
                yield [bar, *row]


def _code(text: str, language: str) -> list[Block]:
    """Lines as they are written; assembly in its colours."""
    style = CODE if language in _ASSEMBLY else ""
    return [Line.of(Span(line, style), indent=4, hang=0) for line in text.rstrip("\n").split("\n")]


def _spans(tokens: Iterable[Any]) -> Iterator[Span]:
    """The pieces of a text, each in the style of the innermost emphasis that it stands in; "\n" for a forced break."""
    styles = [""]
    targets: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "html_inline" if not token.content.startswith("<!--"):
                yield Span(token.content, styles[-1])
            case "code_inline":
                short = len(token.content) <= LONGEST_UNBROKEN
                yield note("`")
                yield Span(token.content.replace(" ", GLUE) if short else token.content, CODE)
                yield note("`")
            case "softbreak":
                yield Span(" ")
            case "hardbreak":
                yield Span("\n")
            case "image":
                yield Span(f"[{token.content}] ({token.attrs.get('src', '')})")
            case kind if kind in _EMPHASIS:
                styles.append(_EMPHASIS[kind])
                targets.append(str(token.attrs.get("href", "")))
            case kind if kind.endswith("_close"):
                styles.pop()
                if target := targets.pop():
                    yield note(f" ({target})")


def _parted(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """The lines of a paragraph that has forced breaks."""
    line: list[Span] = []
    for span in spans:
        if span.text == "\n":
            yield line
            line = []
        else:
            line.append(span)
    yield line
