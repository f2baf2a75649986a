"""Words about accesses to memory: read or write, by whom, to which page with which rights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.commands.parameters.names import OneOf
from pagefault_lab.commands.parameters.values import CIRCUMSTANCE, Address
from pagefault_lab.commands.parameters.words import Kind, Words
from pagefault_lab.lab import formats
from pagefault_lab.machine.events import Kind as AccessKind
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class Frame(Address):
    def fits(self, words: Words) -> bool:
        return re.fullmatch("[rwusRWUS]+", words.next_word()) is None  # those are Rights, without a frame


class Access(Address):
    shown = "read|write|fetch ADDRESS"
    options = tuple(kind.value for kind in AccessKind)

    def fits(self, words: Words) -> bool:
        return not CIRCUMSTANCE.match(words.line, words.skip())

    def read(self, words: Words) -> Any:
        start = words.skip()
        word = words.next_word()
        kind = words.word() if word in self.options else None
        if words.at_end or not self.fits(words):
            raise words.problem("ADDRESS is missing", f"whatif {kind} $esp")
        try:
            address = super().read(words)
        except Problem as problem:
            meant = closest(word, self.options) if problem.column == start else None
            problem.hint = meant or problem.hint
            raise
        after = OneOf(self.options)  # as `walk` has it
        if kind is None and not words.at_end and after.fits(words):
            kind = after.read(words)
        return formats.AccessTo(AccessKind(kind or "read"), address)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [*((kind, "an address follows") for kind in self.options), *super().choices(session)]


class Circumstance(Kind):
    shown = "user|supervisor|cpl=N|wp=N"
    options = ("user", "supervisor")
    _VALUES: Final = {"cpl": 4, "wp": 2}

    def fits(self, words: Words) -> bool:
        return CIRCUMSTANCE.match(words.line, words.skip()) is not None

    def read(self, words: Words) -> Any:
        """As many as there are; a Problem if two of them contradict each other."""
        found: dict[str, int] = {}
        while match := CIRCUMSTANCE.match(words.line, words.skip()):
            name = (match[2] or "cpl").lower()
            most = self._VALUES[name]
            number = match[3] if match[2] else "3" if match[1].lower() == "user" else "0"
            if number not in map(str, range(most)):
                raise words.problem(f"{name.upper()} cannot be {number or 'nothing'}", f"{name}=0 to {name}={most - 1}")
            if found.setdefault(name, int(number)) != int(number):
                raise words.problem(f"{name.upper()} is said twice", "one of " + self.shown)
            words.position = match.end()
        return formats.Circumstances(found.get("cpl"), bool(found["wp"]) if "wp" in found else None)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("user", "CPL 3"), ("supervisor", "CPL 0"), *((f"{name}=0", "") for name in self._VALUES)]


class Rights(Kind):
    shown = "RIGHTS"

    def read(self, words: Words) -> Any:
        start = words.skip()
        letters = words.word().lower()
        for place, letter in enumerate(letters):
            if letter not in "rwus":
                hint = "r read-only, w or rw writable, u for users too, s for the supervisor only"
                raise words.problem(f"{letter} is no right of a page", hint, start + place)
        if {"u", "s"} <= set(letters):
            hint = "u for users and the supervisor, s for the supervisor only"
            raise words.problem("u and s exclude each other", hint, start)
        writable = "w" in letters if {"r", "w"} & set(letters) else None
        return formats.Rights(writable, "u" in letters if {"u", "s"} & set(letters) else None)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [
            ("r", "read-only"), ("rw", "writable"), ("u", "for users too"), ("s", "for the supervisor only"),
            ("ru", "read-only, for users too"), ("rwu", "writable, for users too"),
        ]  # fmt: skip
