"""Files that a tool makes of a lesson: written anew each time, but never over a file that the tool has not made."""

from __future__ import annotations

from pathlib import Path

from pagefault_lab.problem import Problem
from pagefault_lab.worlds.files import Files


def write(path: Path, text: str, beginning: str, what: str) -> None:
    """Write a text that begins in this way, as all of its kind do, `what` being the word for them. A Problem if a file
    is there that does not, or if it cannot be written."""
    try:
        with path.open("rb") as file:
            old = file.read(len(beginning.encode("utf-8")))
    except FileNotFoundError:
        old = b""
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    if old not in (b"", beginning.encode("utf-8")):
        raise Problem(f"{path} is there already, and is no {what}", "give it another name")
    Files().write(path, text)
