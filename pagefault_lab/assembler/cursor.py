"""A place in a statement's text, moved on by reading: names, numbers, expressions, strings, commas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from pagefault_lab.assembler import expressions
from pagefault_lab.assembler.expressions import Expression
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.symbols import SymbolEntry

NAME: Final = re.compile(r'[ \t]*(?:([A-Za-z_.$\x80-\U0010FFFF][\w.$]*)|"((?:[^"\\]|\\.)+)")')
_SPACE: Final = re.compile(r"[ \t]*")
_STRING: Final = re.compile(r'[ \t]*"((?:[^"\\]|\\.)*)"')
_CHARACTER: Final = re.compile(r"\\(?:[0-9]{1,3}|x[0-9A-Fa-f]+|.)|[^\\]", re.DOTALL)
_WORD: Final = re.compile(r"[ \t]*([^\s,]+)")


class Scope(Protocol):
    """Where an expression finds its names."""

    def symbol(self, name: str, column: int) -> SymbolEntry: ...
    def local_label(self, number: int, way: str, column: int) -> SymbolEntry: ...
    def here(self) -> Expression: ...
    def offset_table(self, column: int) -> SymbolEntry: ...
    def offset_slot(self, symbol: SymbolEntry, column: int) -> SymbolEntry: ...
    def known(self, value: Expression) -> int | None: ...


class Cursor:
    """Reads `text` from `position` on. What a method does not find where it stands is a `Problem` with its column."""

    __slots__ = ("position", "scope", "text")

    def __init__(self, text: str, position: int, scope: Scope) -> None:
        self.text = text
        self.position = position
        self.scope = scope

    def skip_space(self) -> int:
        """Move to the next character that is no blank; its place."""
        self.position = _SPACE.match(self.text, self.position).end()  # type: ignore[union-attr]
        return self.position

    @property
    def at_end(self) -> bool:
        return self.skip_space() >= len(self.text)

    def peek(self) -> str:
        """The next character that is no blank, or ""."""
        self.skip_space()
        return self.text[self.position : self.position + 1]

    def take(self, character: str) -> bool:
        """Move behind `character` if it is next."""
        if self.peek() != character:
            return False
        self.position += 1
        return True

    def expect(self, character: str, where: str) -> None:
        if not self.take(character):
            raise Problem(f"a {character} is missing {where}", column=self.position)

    def end(self) -> None:
        """Nothing may be left."""
        if not self.at_end:
            rest = self.text[self.position :]
            word = rest if len(rest) <= 20 else rest[:17] + "..."
            raise Problem(f"{word} is more than can stand here", "the statement ends before it", column=self.position)

    def rest(self) -> str:
        """All that is left, without blanks around it."""
        self.skip_space()
        text = self.text[self.position :].rstrip()
        self.position = len(self.text)
        return text

    def name(self, what: str = "a name") -> str:
        match = NAME.match(self.text, self.position)
        if match is None:
            raise Problem(f"{what} is missing here", column=self.skip_space())
        self.position = match.end()
        return match[1] or match[2]

    def word(self) -> str:
        """What stands before the next blank or comma; "" if nothing does."""
        match = _WORD.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[1]

    def string(self) -> bytes:
        """A string in double quotes, its escapes resolved; characters beyond ASCII as UTF-8."""
        match = _STRING.match(self.text, self.position)
        if match is None:
            start = self.skip_space()
            if self.peek() == '"':
                raise Problem("this string is not closed", 'a " is missing', column=start)
            raise Problem("a string is missing here", 'strings are written in "double quotes"', column=start)
        self.position = match.end()
        if "\\" not in match[1]:
            return match[1].encode("utf-8", "replace")
        found = bytearray()
        for piece in _CHARACTER.findall(match[1]):
            if piece[0] == "\\":
                found += expressions.character(piece).to_bytes(4, "little").rstrip(b"\0") or b"\0"
            else:
                found += piece.encode("utf-8", "replace")
        return bytes(found)

    def expression(self) -> Expression:
        return expressions.read(self)

    def number(self, what: str) -> int:
        """An expression whose value is known here."""
        start = self.skip_space()
        value = self.expression()
        known = value if type(value) is int else self.scope.known(value)
        if known is None:
            raise Problem(
                f"{what} must be known here",
                "it depends on a symbol that is not defined before this line, or on an address",
                column=start,
            )
        return known

    def optional_number(self, what: str) -> int | None:
        """A number, or None if a comma or the end comes first."""
        return None if self.peek() in (",", "") else self.number(what)
