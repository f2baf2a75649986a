"""The prompt of a terminal: editing, completion, colours, history. A key is a command that someone typed for you."""

from __future__ import annotations

import os
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from pagefault_lab.terminal.completion import Words
from pagefault_lab.terminal.highlight import LineLexer
from pagefault_lab.terminal.history import history
from pagefault_lab.terminal.opening import Opening
from pagefault_lab.terminal.toolbar import toolbar

KEYS: dict[str, Callable[[], str]] = {"f7": lambda: "si", "f8": lambda: "back"}
STYLE = Style(
    [
        ("prompt", "bold"),
        ("bottom-toolbar", "reverse"),
        ("pygments.keyword", "ansimagenta"),
        ("pygments.name.function", "bold"),
        ("pygments.name.variable", "ansigreen"),
        ("pygments.name.label", "ansiyellow"),
        ("pygments.literal.number", "ansibrightblue"),
        ("pygments.literal.string", "ansiyellow"),
        ("pygments.comment", "italic"),
    ]
)


def converse(opening: Opening, plain: bool) -> int:
    """Read lines from the terminal and execute them until one leaves; the exit status."""
    lines = reader(opening, plain)
    while True:
        try:
            if not _goes_on(opening, lines.prompt(), plain):
                return 0
        except EOFError:
            return 0
        except KeyboardInterrupt:
            if opening.ready:
                opening.session.abandon()


def _goes_on(opening: Opening, text: str, plain: bool) -> bool:
    """Execute what was entered; False if it leaves the lab."""
    from pagefault_lab.terminal.loop import Ending, enter
    from pagefault_lab.terminal.screen import Screen

    return enter(opening.session, Screen(plain), text) is not Ending.LEAVE


def reader(
    opening: Opening, plain: bool, offered: Callable[[], str] | None = None, foot: Callable[[int], str] | None = None
) -> PromptSession[str]:
    """What reads lines. `offered` is the line that Enter types where nothing is; `foot` the toolbar for a width."""
    lexer = LineLexer(opening)

    def message() -> StyleAndTextTuples:
        from pagefault_lab.terminal.loop import CONTINUATION

        unfinished = opening.ready and opening.session.unfinished
        return [("class:prompt", CONTINUATION if unfinished else opening.glimpse.prompt)]

    def bottom() -> StyleAndTextTuples:
        width = get_app().output.get_size().columns
        text = foot(width) if foot is not None else toolbar(opening.glimpse, width)
        return [("class:bottom-toolbar", text.ljust(width))]

    def placeholder() -> StyleAndTextTuples:
        return lexer.lex_document(Document(offered() if offered is not None else ""))(0)

    lines: PromptSession[str] = PromptSession(
        message,
        lexer=lexer,
        completer=Words(opening),
        complete_while_typing=False,
        history=history(),
        bottom_toolbar=bottom,
        key_bindings=_keys(offered),
        placeholder=placeholder,
        style=STYLE,
        include_default_pygments_style=False,
        color_depth=ColorDepth.DEPTH_1_BIT if plain or os.environ.get("NO_COLOR") else None,
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
        keys.add(key)(_typing(line))
    if offered is not None:
        keys.add("enter", filter=~something_typed)(_typing(offered))
    return keys


def _typing(line: Callable[[], str]) -> Callable[[KeyPressEvent], None]:
    def typed(event: KeyPressEvent) -> None:
        event.current_buffer.text = line()
        event.current_buffer.validate_and_handle()

    return typed
