"""Where values become visible: as text on a screen or in a file, or as JSON Lines.

An output has two methods: `show` a value, and `complain` about a wrong line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

from pagefault_lab.problem import Problem, Problems
from pagefault_lab.terminal import look

if TYPE_CHECKING:
    from rich.console import Console

    from pagefault_lab.lab.theme import ThemeChosen

WIDTH = 80  # where nobody can tell


class Output(Protocol):
    """What a loop shows its values on."""

    def show(self, value: object) -> None:
        """Print one value."""

    def complain(self, problem: Problem) -> None:
        """Say what is wrong with a line."""


class Screen:
    """Text for people. With `plain`, or on a stream that knows no Unicode, it is ASCII; with `plain` without colour.

    Problems go to `errors`, if it is given. `remembers_theme`: what is chosen here is a wish for later sessions, too.
    """

    remembers_theme = False

    def __init__(self, plain: bool = False, stream: TextIO | None = None, errors: TextIO | None = None) -> None:
        self.plain = plain
        self.stream = stream or sys.stdout
        self.errors = errors

    @cached_property
    def console(self) -> Console:
        return _console(self.stream, self.plain)

    def show(self, value: object) -> None:
        from pagefault_lab.lab.theme import ThemeChosen

        self.draw(self._dress(value) if isinstance(value, ThemeChosen) else value)

    def draw(self, value: object) -> None:
        """Print what a view makes of it."""
        from pagefault_lab.views import render

        self.console.print(render(value))

    def _dress(self, wish: ThemeChosen) -> ThemeChosen:
        """Draw in the theme that is wished for; which one it is now."""
        if wish.name is not None:
            look.choose(wish.name)
            if self.remembers_theme and self.stream.isatty():
                look.remember()
            self.__dict__.pop("console", None)
        return wish._replace(name=look.chosen())

    def complain(self, problem: Problem) -> None:
        stream = self.errors or self.stream
        console = self.console if self.errors is None else _console(self.errors, self.plain)
        for one in problem.problems if isinstance(problem, Problems) else (problem,):
            for line, style in told(one, console.width):
                if stream.isatty():
                    line = _hung(line, console.width)
                console.print(line, style=style, soft_wrap=True)  # programs read it line by line

    def say(self, text: str) -> None:
        """Print a line that is no value: the prompt's own words, and what was typed there."""
        from pagefault_lab.views.words import printable

        text = printable(text)
        if self.stream.isatty():
            text = "\n".join(_hung(line, self.console.width) for line in text.split("\n"))
        self.console.print(text, soft_wrap=True)


class PromptScreen(Screen):
    """The screen of a line at a terminal's prompt, on which the full-screen view can be opened: `layout_asked` tells
    whether. `typed_ahead` is the next line, if it was typed while this one was still being told."""

    remembers_theme = True
    layout_asked = False
    typed_ahead = ""

    def draw(self, value: object) -> None:
        from pagefault_lab.lab.context import LayoutAsked

        if isinstance(value, LayoutAsked) and value.context is not None:
            self.layout_asked = True
        else:
            super().draw(value)


class JsonLines:
    """One object a line, each with a `kind`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout

    def show(self, value: object) -> None:
        from pagefault_lab.bridges.json_lines import to_json

        self._print(to_json(value))

    def complain(self, problem: Problem) -> None:
        for one in problem.problems if isinstance(problem, Problems) else (problem,):
            self._print(
                {
                    "kind": "problem",
                    "sentence": one.sentence,
                    "hint": one.hint,
                    "file": one.file,
                    "line": one.line,
                    "column": one.column,
                    "text": one.text,
                    "trail": list(one.trail),
                }
            )

    def _print(self, value: dict[str, Any]) -> None:
        import json

        self.stream.write(json.dumps(value) + "\n")
        self.stream.flush()


# --- problems


def _hung(line: str, width: int) -> str:
    """A line of a problem in the width of a terminal, what does not fit below its indented beginning."""
    from textwrap import fill

    if len(line) <= width:
        return line
    return fill(line, width, subsequent_indent="  ", drop_whitespace=True, break_on_hyphens=False)


def told(problem: Problem, width: int = WIDTH) -> Iterator[tuple[str, str]]:
    """A problem's lines and their styles: its place and sentence, the written line, a caret under it, the hint.

    Columns count from 0 in a Problem, and from 1 for people and their editors.
    """
    from pagefault_lab.views.words import printable

    column = None if problem.column is None else problem.column + 1
    place = ":".join(str(part) for part in (problem.file, problem.line, column) if part is not None)
    sentence = f"{place}: {problem.sentence}" if problem.file else problem.sentence
    yield printable(sentence), "strong"
    for step in problem.trail:
        yield f"  {printable(step)}", ""
    if problem.text is not None and problem.text.strip():
        text, caret = _window(problem.text, problem.column, width - 4)
        yield f"  {text}", ""
        if caret is not None:
            yield "  " + " " * caret + "^", "strong"
    if problem.hint:
        yield f"  {printable(problem.hint)}", ""


def _window(text: str, column: int | None, width: int) -> tuple[str, int | None]:
    """The part of a line that fits into `width`, around the column; and where in it a caret for the column stands."""
    from rich.cells import cell_len

    text = "".join(character if character.isprintable() or character == "\t" else "?" for character in text)
    if column is None:
        return _cut(text.expandtabs(8), 0, width), None
    column = min(column, len(text))
    caret = cell_len(text[:column].expandtabs(8))
    text = text.expandtabs(8)
    start = max(0, caret - width * 3 // 4) if cell_len(text) > width else 0
    return _cut(text, start, width), caret - start


def _cut(text: str, start: int, width: int) -> str:
    shown = text[start : start + width]
    if start:
        shown = "..." + shown[3:]
    if len(text) > start + width:
        shown = shown[:-3] + "..."
    return shown


# --- consoles


def _console(stream: TextIO, plain: bool) -> Console:
    """A rich console that prints text as it is: without markup, and without guessing what in it could be coloured."""
    from rich.console import Console

    class QuietConsole(Console):
        def on_broken_pipe(self) -> None:
            raise  # the command line knows how to end

    ascii_only = plain or not _knows_unicode(stream)
    return QuietConsole(
        file=cast(TextIO, Ascii(stream)) if ascii_only else stream,
        color_system=None if plain else "auto",
        no_color=True if plain else None,
        width=None if stream.isatty() else _columns(),
        theme=look.for_rich(),
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False if plain else None,
    )


def _knows_unicode(stream: TextIO) -> bool:
    """Whether a stream takes more than ASCII. In the locale C Python writes UTF-8 too; its screen may know none."""
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    return (stream.encoding or "").lower().startswith("utf") and locale not in ("C", "POSIX")


def _columns() -> int:
    """The width of text that goes into a file or a pipe."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) > 0 else WIDTH


class Ascii:
    """A stream that writes ASCII only. Views write their signs as words then; what else is left becomes `?`."""

    encoding = "ascii"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode("ascii", "replace").decode("ascii"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
