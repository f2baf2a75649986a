"""Words that name something, and text that is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pagefault_lab.commands.parameters.words import Kind, Words
from pagefault_lab.problem import closest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class Word(Kind):
    def read(self, words: Words) -> Any:
        return words.word()


class Name(Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ((name, f"{address:#010x}") for name, address in session.symbols.items())


class Rest(Kind):
    def read(self, words: Words) -> Any:
        return words.rest()


class Topic(Rest):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.assembler import statement_words
        from pagefault_lab.commands import get, spellings

        topics = {
            "expressions": "what p, set, display, conditions and addresses are made of",
            "instructions": "all that can be executed",
        }
        return (statement_words() | {name: get(name).summary for name in spellings()} | topics).items()


class World(Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.worlds import WORLDS

        return WORLDS.items()


class Part(Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.tutor.attempt import attempt_of

        return [(row.exercise or str(row.part), row.title) for row in attempt_of(session).overview().rows]


class OneOf(Kind):
    def __init__(self, options: tuple[str, ...]) -> None:
        self.options = options
        self.shown = "|".join(options)

    def read(self, words: Words) -> Any:
        start = words.skip()
        word = words.word()
        fitting = [option for option in self.options if option.startswith(word)]
        if word in self.options or len(fitting) == 1:
            return word if word in self.options else fitting[0]
        hint = closest(word, self.options) or " or ".join(self.options)
        raise words.problem(f"{word} does not fit here", hint, start)

    def fits(self, words: Words) -> bool:
        return any(option.startswith(words.next_word()) for option in self.options)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ((option, "") for option in self.options)
