"""The lines of earlier sessions, kept in the user's folder; where that cannot be, those of this session."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from pagefault_lab.terminal.folders import state_folder


class KeptHistory(FileHistory):
    """A file that may become unreadable or full at any time, which is no reason to stop."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def history() -> History:
    """What the arrow keys go through."""
    folder = state_folder()
    return KeptHistory(str(folder / "history")) if folder is not None else InMemoryHistory()
