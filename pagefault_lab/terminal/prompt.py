"""The prompt of a terminal: editing, completion, colours, history. A key is a command that someone typed for you."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import BaseStyle, DynamicStyle, Style

from pagefault_lab.terminal import look
from pagefault_lab.terminal.completion import Words
from pagefault_lab.terminal.highlight import LineLexer
from pagefault_lab.terminal.history import history
from pagefault_lab.terminal.opening import Opening
from pagefault_lab.terminal.screen import PromptScreen
from pagefault_lab.terminal.toolbar import SHOWN_KEYS, fitting, toolbar
from pagefault_lab.views.prompts import CONTINUATION

if TYPE_CHECKING:
    from pagefault_lab.terminal.guide import Guide
    from pagefault_lab.terminal.layout import Layout

KEYS = {"f7": "si", "f8": "back", "f10": "layout", "c-x a": "layout"}


def style() -> BaseStyle:
    """How the line and what stands around it look, in the theme that is chosen at the time."""
    return DynamicStyle(lambda: _style_of(look.chosen()))


@cache
def _style_of(theme: str) -> Style:
    return Style([*look.for_keys()])


def color_depth(plain: bool) -> ColorDepth | None:
    """None: as many colours as the terminal has."""
    return ColorDepth.DEPTH_1_BIT if plain or os.environ.get("NO_COLOR") else None


def converse(opening: Opening, plain: bool, guide: Guide | None = None) -> int:
    """Read lines from the terminal and execute them until one leaves; the exit status."""
    lines = reader(opening, plain) if guide is None else reader(opening, plain, guide.offered, foot_of(guide))

    @cache
    def layout() -> Layout:
        from pagefault_lab.terminal.layout import Layout

        return Layout(opening, plain, lines.history, guide)

    text = "" if guide is None else guide.typed_ahead
    while True:
        try:
            text = text or lines.prompt()
            screen = PromptScreen(plain) if guide is None else guide.screen(plain)
            if not _goes_on(opening, text, screen, layout):
                return 0
            text = screen.typed_ahead
        except EOFError:
            return 0
        except KeyboardInterrupt:
            text = ""
            if opening.ready:
                opening.session.abandon()


def foot_of(guide: Guide) -> Callable[[int], str]:
    """The line at the bottom of the screen, for a width: where one stands, and keys."""
    return lambda width: fitting((*guide.where(), *SHOWN_KEYS), width)


def _goes_on(opening: Opening, text: str, screen: PromptScreen, layout: Callable[[], Layout]) -> bool:
    """Execute what was entered; False if it leaves the lab, perhaps from the full-screen view that it has opened."""
    from pagefault_lab.terminal.loop import Ending, enter

    if enter(opening.session, screen, text) is Ending.LEAVE:
        return False
    return layout().run() if screen.layout_asked else True


def message(opening: Opening) -> StyleAndTextTuples:
    """What stands before the line."""
    unfinished = opening.ready and opening.session.unfinished
    return [("class:prompt", CONTINUATION if unfinished else opening.glimpse.prompt)]


def reader(
    opening: Opening, plain: bool, offered: Callable[[], str] | None = None, foot: Callable[[int], str] | None = None
) -> PromptSession[str]:
    """What reads lines. `offered` is the line that Enter types where nothing is; `foot` the toolbar for a width."""
    lexer = LineLexer(opening)

    def bottom() -> StyleAndTextTuples:
        width = get_app().output.get_size().columns
        text = foot(width) if foot is not None else toolbar(opening.glimpse, width)
        return [("class:bottom-toolbar", text.ljust(width))]

    def placeholder() -> StyleAndTextTuples:
        return lexer.lex_document(Document(offered() if offered is not None else ""))(0)

    lines: PromptSession[str] = PromptSession(
        lambda: message(opening),
        lexer=lexer,
        completer=Words(opening),
        complete_while_typing=False,
        history=history(),
        bottom_toolbar=bottom,
        key_bindings=_keys(offered),
        placeholder=placeholder,
        style=style(),
        include_default_pygments_style=False,
        color_depth=color_depth(plain),
        enable_suspend=True,
    )

    def once(_: object) -> None:
        if not opening.ready:
            opening.start(lines.app.invalidate)

    lines.app.after_render += once
    return lines


def _keys(offered: Callable[[], str] | None) -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def something_typed() -> bool:
        return bool(get_app().current_buffer.text)

    @keys.add("c-c", filter=something_typed)
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    for key, line in KEYS.items():
        keys.add(*key.split(), eager=True)(_typing(line))
    if offered is not None:
        keys.add("enter", filter=~something_typed)(_typing(offered))
    return keys


def _typing(line: str | Callable[[], str]) -> Callable[[KeyPressEvent], None]:
    def typed(event: KeyPressEvent) -> None:
        event.current_buffer.text = line if isinstance(line, str) else line()
        event.current_buffer.validate_and_handle()

    return typed
