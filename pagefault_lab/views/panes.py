"""Panes: parts of a page side by side under a rule with their titles, each with as much as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from pagefault_lab.views.lines import NOTE, STRONG, Lines, Row, Span

BORDER: Final = {False: ("─", "─┬ ", " │ "), True: ("-", "-+ ", " | ")}  # by whether the screen knows ASCII only


class Pane(NamedTuple):
    """One part; `width` None: what the others leave. With `ends` its last rows are shown if not all can be."""

    title: str
    lines: Lines
    width: int | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Panes:
    """A row of panes, at most as high as `height`, the rule included; with `fills` exactly."""

    panes: tuple[Pane, ...]
    height: int
    fills: bool = False

    def indented(self, by: int) -> Panes:
        """Panes are as wide as the page."""
        return self

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        line, joint, bar = BORDER[ascii_only]
        widths = self._widths(width - len(bar) * (len(self.panes) - 1))
        yield _joined([_rule(pane, wide, line) for pane, wide in zip(self.panes, widths, strict=True)], joint)
        most = self.height - 1
        columns = [_cut(pane, wide, most, ascii_only) for pane, wide in zip(self.panes, widths, strict=True)]
        for number in range(most if self.fills else max(map(len, columns))):
            cells = [rows[number] if number < len(rows) else [] for rows in columns]
            yield _joined([*map(_padded, cells[:-1], widths), cells[-1]], bar)

    def _widths(self, width: int) -> list[int]:
        """Those without a width of their own share what is left."""
        free = width - sum(pane.width or 0 for pane in self.panes)
        sharing = [place for place, pane in enumerate(self.panes) if pane.width is None]
        widths = [pane.width or free // len(sharing) for pane in self.panes]
        if sharing:
            widths[sharing[0]] += free % len(sharing)
        return widths


def rule(title: str) -> Lines:
    """A rule over the whole width."""
    return Lines.of(Panes((Pane(title, Lines()),), 1))


def _rule(pane: Pane, width: int, line: str) -> Row:
    title = pane.title[: width - 1] + " "
    return [Span(title, STRONG), Span(line * (width - len(title)), NOTE)]


def _cut(pane: Pane, width: int, most: int, ascii_only: bool) -> list[Row]:
    """The first rows of a pane, or its last ones."""
    rows = [*pane.lines.rows(width, ascii_only)]
    return rows[max(len(rows) - most, 0) :] if pane.ends else rows[:most]


def _padded(row: Row, width: int) -> Row:
    return [*row, Span(" " * (width - sum(len(span.text) for span in row)))]


def _joined(rows: list[Row], by: str) -> Row:
    """Rows side by side, with a border between them."""
    joined = list(rows[0])
    for row in rows[1:]:
        joined += [Span(by, NOTE), *row]
    return joined
