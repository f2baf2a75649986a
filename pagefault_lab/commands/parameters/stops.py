"""Words about where to stop: places in code, memory that is watched, events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.commands.parameters.values import Apart, Expression, Length
from pagefault_lab.commands.parameters.words import Words
from pagefault_lab.lab import formats

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class CodePlace(Expression):
    shown = "PLACE"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab.breakpoints.making import read_place

        place, words.position = read_place(words.session, words.line, words.skip())
        return place

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("phys", "a physical address follows"), *super().choices(session)]


class Watchable(Apart):
    shown = "[-l] [phys] EXPRESSION [+BYTES]"
    _HERE: Final = re.compile(r"-l(?:ocation)?[ \t]+")
    _PHYSICAL: Final = re.compile(r"phys(?:ical)?[ \t]+(?=[^\s\[])")

    def read(self, words: Words) -> Any:
        here, physical = (self._passed(words, pattern) for pattern in (self._HERE, self._PHYSICAL))
        if words.at_end:
            raise words.problem("EXPRESSION is missing", "watch u32[0x08049000]", len(words.line.rstrip()))
        expression = super().read(words)
        size = None
        if not words.at_end and words.line[words.skip()] == "+":
            size = Length().read(words).number
        return formats.Watched(expression, size, physical, here)

    def _passed(self, words: Words, pattern: re.Pattern[str]) -> bool:
        """Whether the next word is this one, which then is left behind."""
        match = pattern.match(words.line, words.skip())
        words.position = match.end() if match is not None else words.position
        return match is not None

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("phys", "a physical address follows"), *super().choices(session)]


class Catchable(Apart):
    shown = "EVENT [ARGUMENT ...]"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab.breakpoints import catchpoints

        start = words.skip()
        name = words.next_word()
        kind = catchpoints.KINDS.get(name)
        if kind is None:
            raise catchpoints.unknown_kind(name).placed(text=words.line, column=start)
        words.word()
        begin = words.skip()
        arguments: list[Any] = []
        while not words.at_end and words.next_word() != "if":
            if len(arguments) == len(kind.parameters):
                takes = " and ".join(kind.parameters) or "nothing"
                raise words.problem(f"{words.next_word()} is more than {name} takes", f"{name} takes {takes}")
            vector = catchpoints.vector_of(words.next_word()) if name == "fault" else None
            if vector is not None:
                words.word()
                arguments.append(vector)
            else:
                arguments.append(super().read(words))
                arguments[-1].value(words.session)
        return name, tuple(arguments), words.line[begin : words.position].rstrip()

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.lab.breakpoints.catchpoints import KINDS

        return [(name, kind.meaning) for name, kind in KINDS.items()]
