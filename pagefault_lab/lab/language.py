"""The language of lines that are no code: a layer above the bench speaks it, and plugs itself in here when imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.problem import Problem


class Language(Protocol):
    """What a session expects of it: to find the command that a line begins with (None if it begins with none), to
    execute such a line, and to say what is wrong with one that is neither a command nor code."""

    def find(self, line: str, abbreviated: bool = True) -> Any: ...
    def execute(self, session: Session, line: str, found: Any) -> Iterator[object]: ...
    def unknown(self, session: Session, line: str, also: Iterable[str] = ()) -> Problem: ...


_plugged: list[Language] = []


def plug_in(language: Language) -> None:
    """From now on, sessions understand this language."""
    _plugged[:] = [language]


def spoken() -> Language:
    """The language that was plugged in."""
    if not _plugged:
        raise RuntimeError("import pagefault_lab.commands, so that sessions understand commands")
    return _plugged[0]
