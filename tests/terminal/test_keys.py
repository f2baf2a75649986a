"""What a terminal does with keys that nobody reads yet."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from pagefault_lab.terminal import keys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="consoles keep keys as they are")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a terminal that is standard input."""
    import pty

    outside, inside = pty.openpty()
    with os.fdopen(inside) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield outside
    os.close(outside)


def modes() -> tuple[bool, bool, bool]:
    """Whether lines are gathered, keys are shown, and Ctrl-C is a signal."""
    import termios

    local = termios.tcgetattr(sys.stdin.fileno())[3]
    return bool(local & termios.ICANON), bool(local & termios.ECHO), bool(local & termios.ISIG)


@pytest.mark.usefixtures("terminal")
def test_the_modes_of_the_terminal_are_as_they_were_behind_each() -> None:
    assert modes() == (True, True, True)
    with keys.kept():
        assert modes() == (False, False, True)
        with keys.kept(shown=True):
            assert modes() == (False, True, True)
        with keys.gathered():
            assert modes() == (True, True, True)
        assert modes() == (False, False, True)
    assert modes() == (True, True, True)


def test_an_end_of_input_that_was_pressed_while_nobody_reads_is_one_for_who_takes_keys(terminal: int) -> None:
    from prompt_toolkit.input.vt100 import raw_mode

    with keys.kept():
        os.write(terminal, b"a\x04")
        with raw_mode(sys.stdin.fileno()):
            assert os.read(sys.stdin.fileno(), 10) == b"a\x04"


@pytest.mark.parametrize("pressed", [keys.kept, keys.gathered])
def test_lines_that_wait_are_read_one_by_one_and_what_is_behind_them_stays(
    terminal: int, pressed: Callable[[], AbstractContextManager[None]]
) -> None:
    with keys.kept():
        with pressed():
            os.write(terminal, "one\nzwölf\nthr\x04ee".encode())
            select.select([sys.stdin], [], [])  # until they have come
        assert [keys.line() for _ in range(3)] == ["one\n", "zwölf\n", "thr"]
        assert os.read(sys.stdin.fileno(), 10) == b"ee"
