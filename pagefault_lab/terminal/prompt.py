"""The prompt of a terminal: editing, completion, colours, history. A key is a command that someone typed for you."""

from __future__ import annotations

import os
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
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

KEYS = {"f7": "si", "f8": "back"}
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
    reader = _reader(opening, plain)
    status: int | None = None
    while status is None:
        try:
            status = _perform(opening, reader.prompt(), plain)
        except EOFError:
            status = 0
        except KeyboardInterrupt:
            if opening.ready:
                opening.session.abandon()
    return status


def _perform(opening: Opening, text: str, plain: bool) -> int | None:
    """Execute a line, or several that were pasted, up to the first that is wrong; the exit status if one leaves."""
    from pagefault_lab.terminal.entry import bug
    from pagefault_lab.terminal.loop import Ending, Loop
    from pagefault_lab.terminal.screen import Screen

    session = opening.session
    screen = Screen(plain)
    loop = Loop(session, screen)
    lines = text.splitlines() or [""]
    for number, line in enumerate(lines, 1):
        try:
            ending = loop.perform(line) if text.strip() or session.unfinished else loop.repeat()
        except Exception as error:
            for sentence in bug(error):
                screen.say(sentence)
            return None
        if ending is Ending.LEAVE:
            return 0
        if ending is not Ending.DONE:
            if session.unfinished:
                screen.say("  another line may take its place; Ctrl-C gives the block up")
            if number < len(lines):
                screen.say(f"  what was pasted after it was not executed: {len(lines) - number} lines")
            return None
    return None


def _reader(opening: Opening, plain: bool) -> PromptSession[str]:
    def message() -> StyleAndTextTuples:
        from pagefault_lab.terminal.loop import CONTINUATION

        unfinished = opening.ready and opening.session.unfinished
        return [("class:prompt", CONTINUATION if unfinished else opening.glimpse.prompt)]

    def bottom() -> StyleAndTextTuples:
        width = get_app().output.get_size().columns
        return [("class:bottom-toolbar", toolbar(opening.glimpse, width).ljust(width))]

    reader: PromptSession[str] = PromptSession(
        message,
        lexer=LineLexer(opening),
        completer=Words(opening),
        complete_while_typing=False,
        history=history(),
        bottom_toolbar=bottom,
        key_bindings=_keys(),
        style=STYLE,
        include_default_pygments_style=False,
        color_depth=ColorDepth.DEPTH_1_BIT if plain or os.environ.get("NO_COLOR") else None,
        enable_suspend=True,
    )

    def once(_: object) -> None:
        if not opening.ready:
            opening.start(reader.app.invalidate)

    reader.app.after_render += once
    return reader


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def something_typed() -> bool:
        return bool(get_app().current_buffer.text)

    @keys.add("c-c", filter=something_typed)
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    for key, line in KEYS.items():
        keys.add(key)(_typing(line))
    return keys


def _typing(line: str) -> Callable[[KeyPressEvent], None]:
    def typed(event: KeyPressEvent) -> None:
        event.current_buffer.text = line
        event.current_buffer.validate_and_handle()

    return typed
