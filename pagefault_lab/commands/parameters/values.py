"""Words that are expressions: numbers, addresses, conditions; and the format in which they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.commands.parameters.words import Kind, Words
from pagefault_lab.lab import expressions, formats
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

# words of an access's circumstances: they could be expressions, and are none
CIRCUMSTANCE: Final = re.compile(r"(user|supervisor)(?![\w=])|(cpl|wp)[ \t]*=[ \t]*([^\s,]*)", re.IGNORECASE)


class Expression(Kind):
    def fits(self, words: Words) -> bool:
        return words.next_word() != "if"

    def read(self, words: Words) -> expressions.Expression:
        words.skip()
        expression, words.position = expressions.read(words.line, words.position)
        return expression

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return expressions.vocabulary(session)


class Number(Expression):
    def read(self, words: Words) -> Any:
        return super().read(words).value(words.session)


class Apart(Expression):
    """One of several: it ends before a sign with a blank before it and none behind, as in `1 -1` or `$esp +16`."""

    _NEXT = re.compile(r"[ \t]+[-+*&~!](?=[\w$%(\[\\'\"~-])")

    def read(self, words: Words) -> Any:
        line = words.line
        words.line = line[: self._end(line, words.skip())]
        try:
            return super().read(words)
        except Problem as problem:
            problem.text = line
            raise
        finally:
            words.line = line

    def _end(self, line: str, start: int) -> int:
        """The first such sign that is in no brackets."""
        depth = 0
        for place in range(start, len(line)):
            depth += (line[place] in "([") - (line[place] in ")]")
            if not depth and place > start and self._NEXT.match(line, place):
                return place
        return len(line)


class Count(Expression):
    def fits(self, words: Words) -> bool:
        return super().fits(words) and not CIRCUMSTANCE.match(words.line, words.skip())

    def read(self, words: Words) -> Any:
        start = words.skip()
        count = super().read(words).value(words.session)
        if count < 1:
            raise words.problem(f"{count} is no count", "a number from 1 on", start)
        return count

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ()


class Address(Expression):
    def read(self, words: Words) -> Any:
        return super().read(words).value(words.session) & 0xFFFFFFFF


class CodeAddress(Address):
    def read(self, words: Words) -> Any:
        if words.line[words.skip() :].startswith("*"):  # gdb's `until *0x1234` means the address itself
            words.position += 1
        return super().read(words)


class Start(Apart, Address):
    pass


class Step(Apart):
    shown = "STEP"


class Datum(Apart, Number):
    shown = "VALUE"

    def read(self, words: Words) -> Any:
        start = words.skip()
        if words.line[start] != '"':
            return super().read(words)
        text = re.compile(r'"((?:[^"\\]|\\.)*)"').match(words.line, start)
        if text is None:
            raise words.problem("the text is not closed", 'a " is missing', start)
        words.position = text.end()
        spellings = re.findall(r"\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)|[^\\]", text[1])
        return b"".join(
            bytes((expressions.character(spelling) & 0xFF,))
            if spelling[0] == "\\"
            else spelling.encode("utf-8", "replace")
            for spelling in spellings
        )


class Length(Expression):
    shown = "END|+BYTES"

    def read(self, words: Words) -> Any:
        start = words.skip()
        relative = words.line[start] == "+"
        number = super().read(words).value(words.session)
        if relative and number < 1:
            raise words.problem(f"{number} is no number of bytes", "a number from 1 on", start)
        return formats.Length(number if relative else number & 0xFFFFFFFF, relative)


class Condition(Expression):
    shown = "if CONDITION"

    def read(self, words: Words) -> expressions.Expression:
        words.word()
        return super().read(words)

    def fits(self, words: Words) -> bool:
        return words.next_word() == "if"

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("if", "a condition follows")]


class Assignment(Expression):
    shown = "EXPRESSION = EXPRESSION"

    def read(self, words: Words) -> Any:
        words.skip()
        if spelled := re.match(r"var(?:iable)?[ \t]+", words.line[words.position :]):  # gdb's `set var x = 5`
            words.position += spelled.end()
        target, source, words.position = expressions.read_assignment(words.line, words.position)
        return target, source


class Format(Kind):
    shown = "/FORMAT"
    _PATTERN = r"(\d*)([xduotcasifz]?)([bhwg]?)([xduotcasiz]?)\Z"

    def read(self, words: Words) -> Any:
        text = words.format or ""
        match = re.match(self._PATTERN, text)
        if match is None or (match[2] and match[4]) or match[2] == "f":
            place = words.line.find("/") + 1
            hint = "a count, then one of x d u o t c a s i z, then a size b h w g: /8xw"
            raise words.problem(f"/{text} is not a format", hint, place)
        return formats.Format(int(match[1]) if match[1] else None, match[2] or match[4] or None, match[3] or None)
