"""The words of a line that a command's parameters are read from, and what each kind of parameter is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class Words:
    """The part of a line that is still to be parsed."""

    def __init__(self, session: Session, line: str, position: int, format: str | None = None) -> None:
        self.session = session
        self.line = line
        self.position = position
        self.format = format

    def skip(self) -> int:
        """Move to the next word; its place."""
        while self.position < len(self.line) and self.line[self.position] in " \t,":
            self.position += 1
        return self.position

    @property
    def at_end(self) -> bool:
        return self.skip() >= len(self.line.rstrip())

    def next_word(self) -> str:
        """The next word; "" at the end."""
        match = re.match(r"[^\s,]*", self.line[self.skip() :])
        return match[0] if match is not None else ""

    def word(self) -> str:
        """The next word, which is left behind."""
        word = self.next_word()
        self.position += len(word)
        return word

    def rest(self) -> str:
        """All that is left."""
        start = self.position
        while start < len(self.line) and self.line[start] in " \t":
            start += 1
        self.position = len(self.line)
        return self.line[start:].rstrip()

    def problem(self, sentence: str, hint: str | None = None, column: int | None = None) -> Problem:
        place = self.skip() if column is None else column
        return Problem(sentence, hint, text=self.line, column=place)


class Kind:
    """How one kind of word is read and completed. `shown` stands in the usage; "" takes the parameter's name."""

    shown = ""
    options: tuple[str, ...] = ()  # all words that fit, where these are a few

    def read(self, words: Words) -> Any:
        """The value of the next words, which are left behind; a Problem if they do not fit."""
        raise NotImplementedError

    def fits(self, words: Words) -> bool:
        """Whether the next word could be meant for this; asked only of parameters that may be left out."""
        return True

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        """(word, meaning) of what can be typed."""
        return ()
