"""What the terminal does with keys while no editor of lines reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompt_toolkit.input import Input

Modes = list[Any]  # as `termios.tcgetattr` gives them
LOCAL, CHARACTERS = 3, 6  # places in them
ENDS = (b"", b"\x04", b"\0")  # of input: Ctrl-D as such, and as a terminal that gathers lines keeps it


def kept(shown: bool = False) -> AbstractContextManager[None]:
    """Keys wait for whoever reads next, and are then what they were when they were pressed. They are `shown` only if
    that is wanted.

    A terminal that gathers lines itself would keep Ctrl-D as a NUL, which is no end of input for an editor. Ctrl-C,
    Ctrl-Z and Ctrl-\\ stay signals.
    """

    def change(modes: Modes) -> None:
        import termios

        modes[LOCAL] &= ~(termios.ICANON | termios.ECHO)
        modes[LOCAL] |= termios.ECHO * shown

    return _changed(sys.stdin.fileno(), change)


def gathered() -> AbstractContextManager[None]:
    """The terminal itself gathers a line and shows it, for what reads one without an editor."""

    def change(modes: Modes) -> None:
        import termios

        modes[LOCAL] |= termios.ICANON | termios.ECHO

    return _changed(sys.stdin.fileno(), change)


def line() -> str:
    """A line that the terminal gathers, with its end, and no key behind it: those are for whoever reads next. Ctrl-D
    ends it, also one that waits already."""
    if sys.platform == "win32":
        return sys.stdin.readline()
    terminal, found = sys.stdin.fileno(), bytearray()
    with gathered():
        while not found.endswith(b"\n") and (key := os.read(terminal, 1)) not in ENDS:
            found += key
    return found.decode(sys.stdin.encoding)


def interruptible(keys: Input) -> AbstractContextManager[None]:
    """Within an editor, which takes keys as they are: Ctrl-C is a signal, the others wait unseen."""
    if sys.platform == "win32":
        return keys.cooked_mode()

    def change(modes: Modes) -> None:
        import termios

        modes[LOCAL] |= termios.ISIG
        for other in (termios.VQUIT, termios.VSUSP):
            modes[CHARACTERS][other] = b"\0"

    return _changed(keys.fileno(), change)


@contextmanager
def _changed(terminal: int, change: Callable[[Modes], None]) -> Iterator[None]:
    """Change the modes of a terminal for a while. Windows has none: its consoles keep keys as they are."""
    if sys.platform == "win32":
        yield
        return
    import termios

    before = termios.tcgetattr(terminal)
    changed = termios.tcgetattr(terminal)
    change(changed)
    termios.tcsetattr(terminal, termios.TCSANOW, changed)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
