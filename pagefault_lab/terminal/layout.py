"""The full-screen view: the context above, what the lines have said below it, and a prompt that takes any line.

A line is executed in the thread that draws, as at the ordinary prompt: keys that come meanwhile wait, in their order,
and Ctrl-C is a signal. A key is a line that someone typed for you (KEYS).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, Dimension, Float, FloatContainer, HSplit, UIContent, UIControl, Window
from prompt_toolkit.layout import Layout as Arrangement
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.widgets import SearchToolbar

from pagefault_lab.lab.context import Context, context
from pagefault_lab.problem import count
from pagefault_lab.terminal.completion import Words
from pagefault_lab.terminal.entry import bug
from pagefault_lab.terminal.guide import Guide
from pagefault_lab.terminal.highlight import LineLexer
from pagefault_lab.terminal.keys import interruptible
from pagefault_lab.terminal.loop import Ending, enter
from pagefault_lab.terminal.opening import Opening
from pagefault_lab.terminal.prompt import color_depth, message, style
from pagefault_lab.terminal.toolbar import fitting
from pagefault_lab.terminal.transcript import Transcript, drawn
from pagefault_lab.views import context as pictured
from pagefault_lab.views.panes import rule


class Key(NamedTuple):
    """A function key, the letter that does the same behind Ctrl-X, the line that they type, and what it is for."""

    function: str
    letter: str
    line: str
    purpose: str


KEYS: Final = (
    Key("F1", "h", "help layout", "help"),
    Key("F5", "c", "c", "continue"),
    Key("F6", "r", "reverse-continue", "reverse"),
    Key("F7", "s", "si", "step"),
    Key("F8", "b", "reverse-stepi", "back"),
    Key("F9", "n", "ni", "next"),
    Key("F10", "a", "layout off", "leave"),
)
LEAST: Final = (64, 16)  # columns and rows of a screen on which the context is shown
FURNITURE: Final = 3  # rows for the rule above the output, the prompt and the keys


class Layout:
    """The view of one session."""

    def __init__(self, opening: Opening, plain: bool, earlier: History, guide: Guide | None = None) -> None:
        self._opening = opening
        self._plain = plain
        self._guide = guide
        self._transcript = Transcript(plain)
        self._context: Context | None = None
        self._running = False
        self._reading = False  # whether the output has the whole screen
        self._below = 0  # rows of output below those that are shown
        search = SearchToolbar()
        line = Buffer(
            completer=Words(opening), complete_while_typing=False, history=earlier, multiline=False,
            accept_handler=self._entered,
        )  # fmt: skip
        control = BufferControl(
            line, lexer=LineLexer(opening), search_buffer_control=search.control,
            input_processors=[BeforeInput(lambda: message(opening))],
        )  # fmt: skip
        rows = HSplit(
            [
                Window(Drawn(self._draw_context), height=lambda: Dimension.exact(self._context_rows)),
                Window(Drawn(self._draw_rule), height=1),
                Window(Drawn(self._draw_output)),
                search,
                Window(control, height=Dimension(min=1, max=4), wrap_lines=True, dont_extend_height=True),
                Window(Drawn(self._draw_keys), height=1, style="class:bottom-toolbar"),
            ]
        )
        menu = Float(CompletionsMenu(max_height=8, scroll_offset=1), xcursor=True, ycursor=True)
        self._line = line
        self._application: Application[bool] = Application(
            Arrangement(FloatContainer(rows, [menu]), focused_element=control),
            key_bindings=self._keys(),
            style=style(),
            include_default_pygments_style=False,
            color_depth=color_depth(plain),
            full_screen=True,
        )

    def run(self) -> bool:
        """Show it until it is closed; False if the lab is to be left."""
        self._transcript.closes = False
        self._look()
        return self._application.run()

    # --- lines

    def _entered(self, line: Buffer) -> bool:
        """Execute what was entered. While it runs, the line is empty already."""
        text = line.text or (self._guide.offered() if self._guide is not None else "")
        line.append_to_history()
        line.reset()
        self._execute(text)
        return False

    def _execute(self, text: str) -> None:
        session, transcript, application = self._opening.session, self._transcript, self._application
        steps, earlier = session.machine.steps, len(self._said())
        if text.strip():
            transcript.say("".join(part for _, part, *_ in message(self._opening)) + text)
        self._reading, self._below = False, 0
        transcript.tells_a_part = False
        self._running = True
        application.renderer.render(application, application.layout)
        try:
            with interruptible(application.input):
                ending = enter(session, transcript, text)
        finally:
            self._running = False
        self._look()
        if ending is Ending.LEAVE:
            application.exit(result=False)
        elif transcript.closes:
            application.exit(result=True)
        elif transcript.tells_a_part or session.machine.steps == steps:
            self._read(len(self._said()) - earlier)

    def _read(self, rows: int) -> None:
        """Give a line and what it has said the whole screen, from the beginning, if its answer does not fit else."""
        self._reading = rows - 1 > self._output_rows
        if self._reading:
            self._below = max(rows - self._output_rows, 0)

    def _look(self) -> None:
        """Find out where the session stands. If that is a bug of ours, it is told, and the session goes on."""
        try:
            self._context = context(self._opening.session)
        except Exception as error:
            self._context = None
            for sentence in bug(error):
                self._transcript.say(sentence)

    # --- keys

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        for key in KEYS:
            for pressed in ((key.function.lower(),), ("c-x", key.letter)):
                keys.add(*pressed, eager=True)(self._typing(key.line))

        @Condition
        def nothing_typed() -> bool:
            return not self._line.text

        @keys.add("c-c", filter=~is_searching)
        @keys.add("<sigint>")
        def give_up(event: KeyPressEvent) -> None:
            if not self._line.text and self._opening.session.unfinished:
                self._opening.session.abandon()
            self._line.reset()

        @keys.add("c-d", filter=nothing_typed & ~is_searching)
        def leave(event: KeyPressEvent) -> None:
            event.app.exit(result=True)

        @keys.add("c-z")
        def suspend(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        @keys.add("pageup")
        def earlier(event: KeyPressEvent) -> None:
            if self._reading:
                most = max(len(self._said()) - self._output_rows, 0)
                self._below = min(self._below + self._output_rows - 1, most)
            self._reading = True

        @keys.add("pagedown")
        def later(event: KeyPressEvent) -> None:
            self._reading = self._below > 0
            self._below = max(self._below - self._output_rows + 1, 0)

        return keys

    def _typing(self, line: str) -> Callable[[KeyPressEvent], None]:
        def typed(event: KeyPressEvent) -> None:
            self._execute(line)

        return typed

    # --- what is drawn

    @property
    def _context_rows(self) -> int:
        """As many rows as the context gets: none while the output is read, or on a screen that is too small."""
        rows, columns = self._application.output.get_size()
        if self._reading or columns < LEAST[0] or rows < LEAST[1]:
            return 0
        return rows - FURNITURE - max(4, (rows - 12) // 3)

    @property
    def _output_rows(self) -> int:
        """As many rows as the output gets, while nothing is typed that takes several."""
        return max(self._application.output.get_size().rows - FURNITURE - self._context_rows, 1)

    def _said(self) -> list[str]:
        """The rows of the output."""
        return self._transcript.rows(self._application.output.get_size().columns)

    def _draw_context(self, width: int, height: int) -> str:
        return drawn(pictured.filling(self._context, height), width, self._plain) if self._context else ""

    def _draw_rule(self, width: int, height: int) -> str:
        title = "output" if self._guide is None else fitting(self._guide.where(), width).strip()
        if self._below:
            title += f": {count(self._below, 'row')} below, PgDn"
        elif self._reading:
            title += ": PgDn shows the rest again"
        elif not self._context_rows:
            title += f" (too small for more: {LEAST[0]}x{LEAST[1]})"
        return drawn(rule(title), width, self._plain)

    def _draw_output(self, width: int, height: int) -> str:
        rows = self._said()
        end = max(len(rows) - self._below, min(height, len(rows)))
        return "\n".join(rows[max(end - height, 0) : end])

    def _draw_keys(self, width: int, height: int) -> str:
        if self._running:
            return " running: Ctrl-C stops it".ljust(width)
        return fitting((*(f"{key.function} {key.purpose}" for key in KEYS), "PgUp PgDn"), width).ljust(width)


class Drawn(UIControl):
    """Text with escape sequences, drawn for the width and the height that there is."""

    def __init__(self, draw: Callable[[int, int], str]) -> None:
        self._draw = draw

    def create_content(self, width: int, height: int | None) -> UIContent:
        lines: list[StyleAndTextTuples] = [*split_lines(to_formatted_text(ANSI(self._draw(width, height or 0))))]
        return UIContent(lambda number: lines[number], line_count=len(lines), show_cursor=False)
