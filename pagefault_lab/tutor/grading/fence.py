"""A fence around the process that repeats a stranger's lines: a second one, where a session's doors are the first.

What a line was given by files is in the submission, and what it wrote was written where it was typed. So a replay needs
no file but the lab's own and the lesson's, no other program and no network. Whatever it tries beyond that ends it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pagefault_lab.tutor.grading.limits import Limits

_FORBIDDEN: Final = (
    "os.", "subprocess.", "shutil.", "socket.", "ctypes.", "tempfile.", "glob.", "ftplib.", "http.", "urllib.",
    "smtplib.", "sqlite3.", "webbrowser.", "winreg.", "fcntl.", "resource.", "signal.pthread_kill", "pty.", "_winapi.",
)  # fmt: skip
_ALLOWED: Final = ("os.listdir", "os.scandir")  # of importing; they tell nothing that a line could show


class Fenced(BaseException):
    """The process was about to do what a replay never does."""


def close(readable: Iterable[Path]) -> None:
    """From now on, this process may read what lies in these folders, and do nothing else to its computer."""
    roots = tuple(os.path.realpath(folder) + os.sep for folder in (*map(str, readable), *_of_python()))

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):
                return
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            place = os.path.realpath(os.fsdecode(path))
            if writes or not place.startswith(roots):
                raise Fenced(f"open {place}")
        elif event.startswith(_FORBIDDEN) and event not in _ALLOWED:
            raise Fenced(event)

    sys.addaudithook(look)


def _of_python() -> list[str]:
    """Where modules come from that are imported late."""
    return [each for each in sys.path if os.path.isdir(each)]


def bound(limits: Limits) -> None:
    """Let the system end this process where it takes too much, as far as the system can."""
    try:
        import resource
    except ImportError:
        return
    memory, seconds = limits.memory << 20, limits.seconds
    for kind, most in (
        ("RLIMIT_CORE", (0, 0)),
        ("RLIMIT_CPU", (seconds, seconds + 5)),
        ("RLIMIT_AS", (memory, memory)),
        ("RLIMIT_DATA", (memory, memory)),
        ("RLIMIT_FSIZE", (0, 0)),
    ):
        try:
            resource.setrlimit(getattr(resource, kind), most)
        except (AttributeError, ValueError, OSError):  # this system knows no such limit
            continue
