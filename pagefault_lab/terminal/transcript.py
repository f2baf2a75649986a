"""What lines have said, kept as values, so that it can be shown in any width: the output of the full-screen view."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from pagefault_lab.problem import Problem
from pagefault_lab.terminal import look
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.views.words import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST = 1000  # values that are kept


class Sheet(Screen):
    """A screen that is text: with the escape sequences that the terminal has for colours, in lines of a width."""

    def __init__(self, width: int, plain: bool) -> None:
        super().__init__(plain, _Stream())
        self.console.width = width

    def say(self, text: str) -> None:
        self.console.print(printable(text))

    @property
    def text(self) -> str:
        assert isinstance(self.stream, _Stream)
        return self.stream.getvalue()


class _Stream(StringIO):
    """A stream that is like the terminal, but for what becomes of the text."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a StringIO has none
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return True


def drawn(renderable: RenderableType, width: int, plain: bool) -> str:
    """A renderable on such a sheet."""
    sheet = Sheet(width, plain)
    sheet.console.print(renderable)
    return sheet.text


class Transcript(Screen):
    """An output that keeps what it is to show. `closes`: a line has asked to close the full-screen view.
    `tells_a_part`: it begins a part of a lesson, which is to be read from its beginning."""

    remembers_theme = True

    def __init__(self, plain: bool) -> None:
        super().__init__(plain)
        self.closes = self.tells_a_part = False
        self._kept: deque[Callable[[Screen], object]] = deque(maxlen=MOST)
        self._drawn: deque[list[str]] = deque(maxlen=MOST)  # the rows of the first of them
        self._drawn_for: tuple[str, int] | None = None  # the theme and the width of these rows

    def rows(self, width: int) -> list[str]:
        """All of it, with escape sequences, in rows of at most that width."""
        if self._drawn_for != (look.chosen(), width):
            self._drawn_for = (look.chosen(), width)
            self._drawn.clear()
        for tell in islice(self._kept, len(self._drawn), None):
            sheet = Sheet(width, self.plain)
            tell(sheet)
            self._drawn.append(sheet.text.splitlines())
        return [row for rows in self._drawn for row in rows]

    def complain(self, problem: Problem) -> None:
        self._keep(lambda screen: screen.complain(problem))

    def say(self, text: str) -> None:
        self._keep(lambda screen: screen.say(text))

    def draw(self, value: object) -> None:
        from pagefault_lab.lab.context import Context, LayoutAsked
        from pagefault_lab.tutor.told import PartBegun

        if isinstance(value, LayoutAsked):
            self.closes = value.context is None
            if not self.closes:
                self.say("this is the full-screen view; `layout off`, or Ctrl-D on an empty line, closes it")
        elif not isinstance(value, Context):  # which the panes show
            self.tells_a_part = self.tells_a_part or isinstance(value, PartBegun)
            self._keep(lambda screen: screen.draw(value))

    def _keep(self, tell: Callable[[Screen], object]) -> None:
        if len(self._kept) == MOST and self._drawn:
            self._drawn.popleft()  # what is forgotten
        self._kept.append(tell)
