"""The screen of a lesson: what a part has to tell is shown a screen at a time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from pagefault_lab.terminal import keys
from pagefault_lab.terminal.screen import PromptScreen
from pagefault_lab.tutor.told import AskShown, LessonLine, LessonShown, PartBegun, PredictShown, ProseShown, TaskShown

if TYPE_CHECKING:
    from rich.segment import Segment

FURNITURE: Final = 3  # rows for the line that was typed, the prompt and the toolbar
TOGETHER: Final = 3  # rows that follow a line of the lesson before it may be parted from what it says
MORE: Final = "-- Enter shows the rest --"


class LessonScreen(PromptScreen):
    """The screen of one line. `ends` is called when the end of the lesson was shown."""

    def __init__(self, plain: bool, ends: Callable[[], object]) -> None:
        super().__init__(plain)
        self._ends = ends
        self._room: int | None = None  # rows until one has to wait; None while no part is told, or nobody reads
        self._above = 0  # rows that stand above the part
        self._gap: bool | None = None  # whether the last row drawn was blank; None before the first

    def greet(self, sentences: Iterable[str]) -> None:
        """Say something at the top of the first screen, below the title."""
        from pagefault_lab.views.lines import Line, Lines
        from pagefault_lab.views.markdown import in_column

        greeting = in_column(Lines.of(*(Line.of(each, indent=2, hang=0) for each in sentences)))
        self.console.print(greeting)
        self._above = len(list(greeting.rows(self.console.width)))

    def draw(self, value: object) -> None:
        if isinstance(value, PartBegun) and _someone_reads(self):
            self._room = self._height - self._above
        if self._room is None and not isinstance(value, ProseShown | TaskShown | AskShown | PredictShown):
            super().draw(value)
            self._gap = False
        else:
            self._draw_in_pages(value)
        if isinstance(value, LessonShown) and value.over:
            self._ends()

    @property
    def _height(self) -> int:
        return max(os.get_terminal_size(sys.stdout.fileno()).lines - FURNITURE, 1)

    def _draw_in_pages(self, value: object) -> None:
        """Draw as much as there is room for; the rest when someone has read that."""
        from rich.segment import Segment, Segments

        from pagefault_lab.views import render

        rows = self._parted(self.console.render_lines(render(value), pad=False), value)
        while rows:
            fitting = self._fitting(rows, value)
            for row in rows[:fitting]:
                self.console.print(Segments([*row, Segment.line()]), end="")
            rows = rows[fitting:]
            if self._room is not None:
                self._room = max(self._room - fitting, 0)
                if rows:
                    self._wait()

    def _parted(self, rows: list[list[Segment]], value: object) -> list[list[Segment]]:
        """The rows of a value, with one blank row between it and what is above it, where there is to be one."""
        if rows and isinstance(value, ProseShown) and self._gap and _is_blank(rows[0]):
            rows = rows[1:]
        elif isinstance(value, TaskShown | AskShown | PredictShown) and self._gap is False:
            rows = [[], *rows]
        if rows:
            self._gap = _is_blank(rows[-1])
        return rows

    def _fitting(self, rows: list[list[Segment]], value: object) -> int:
        """How many rows are shown before one has to wait. Nobody waits for blank ones at the end."""
        room = self._room
        written = max((number for number, row in enumerate(rows, 1) if not _is_blank(row)), default=0)
        needed = written + (TOGETHER if isinstance(value, LessonLine) else 0)
        if room is None or needed <= room:
            return len(rows)
        if needed <= self._height and not isinstance(value, ProseShown):
            return 0
        blank = [place for place, row in enumerate(rows[: room + 1]) if _is_blank(row)]
        if blank and blank[-1]:
            return blank[-1]
        return 0 if len(rows) <= self._height else min(room, len(rows))

    def _wait(self) -> None:
        """Wait until someone has read what is to be seen. Ctrl-C, Ctrl-D and a line wait no more."""
        from rich.control import Control
        from rich.segment import ControlType

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.console.print(MORE, style="note", end=" ")
            self.console.file.flush()
            line = keys.line()
        except KeyboardInterrupt:
            line = ""
            self.console.print()
        except UnicodeDecodeError:
            line = "\n"
        finally:
            signal.signal(signal.SIGINT, before)
        self.typed_ahead = line.strip() if line.strip().isprintable() else ""  # else it was keys for a prompt
        goes_on = line.endswith("\n") and not self.typed_ahead
        self._room = self._height if goes_on else None
        if goes_on:
            up = (ControlType.CURSOR_UP, 1)
            self.console.control(Control(ControlType.CARRIAGE_RETURN, up, (ControlType.ERASE_IN_LINE, 2)))


def _is_blank(row: list[Segment]) -> bool:
    return not "".join(each.text for each in row).strip()


def _someone_reads(screen: PromptScreen) -> bool:
    """Whether someone sees a screen of known height, and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not screen.console.is_dumb_terminal
