"""Where in a TOML text its keys and values stand; tomllib reads the values, and tells no places."""

from __future__ import annotations

import re
import tomllib
from typing import Final, NamedTuple, TypeAlias

Keys: TypeAlias = tuple[str | int, ...]  # the way to a value: keys of tables, numbers in arrays

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_PLAIN: Final = re.compile(r"[^,\]}#\n]*")  # a number, a date, true or false
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
STRING: Final = re.compile(
    r'"""(?s:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''(?s:.)*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\n[ \t\n]*|.)")


class Place(NamedTuple):
    """Where a value stands: its key (in an array: itself) begins at `key`, itself at `start`, and ends at `end`."""

    key: int
    start: int
    end: int


class Places:
    """The places in a text that tomllib can read, whose lines end in line feeds."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[Keys, Place] = {}
        self._lengths: dict[Keys, int] = {}  # of arrays of tables
        self._scan()

    def of(self, keys: Keys) -> Place:
        """The place of the value at these keys; of what it lies in, if there is none."""
        while keys and keys not in self._places:
            keys = keys[:-1]
        return self._places.get(keys, Place(0, 0, 0))

    def inside(self, keys: Keys, offset: int) -> int:
        """Where the character at `offset` of the string at these keys stands."""
        place = self.of(keys)
        written = self.text[place.start : place.end]
        quotes = 3 if written[:3] in ('"""', "'''") else 1
        at = quotes + (quotes == 3 and written[3:4] == "\n")
        if written[:1] == "'":
            return min(place.start + at + offset, place.end - quotes)
        while at < len(written) - quotes:
            escape = _ESCAPE.match(written, at)
            length = 1 if escape is None else 0 if "\n" in escape[0] else 1
            if length > offset:
                break
            offset -= length
            at = at + 1 if escape is None else escape.end()
        return place.start + at

    # --- one statement after the other

    def _scan(self) -> None:
        table: Keys = ()
        at = self._behind(_BLANK, 0)
        while at < len(self.text):
            if self.text[at] == "[":
                brackets = 2 if self.text.startswith("[[", at) else 1
                names, end = self._names(at + brackets)
                table = self._table(names, brackets == 2)
                end += brackets
                if brackets == 2:
                    self._places.setdefault(table[:-1], Place(at, at, end))
                self._places.setdefault(table, Place(at, at, end))
            else:
                end = self._pair(table, at)
            at = self._behind(_BLANK, end)

    def _table(self, names: Keys, another: bool) -> Keys:
        """The table that a header names: in arrays of tables the last one, or at the end `another`."""
        keys: Keys = ()
        for number, name in enumerate(names, 1):
            keys = (*keys, name)
            if another and number == len(names):
                self._lengths[keys] = self._lengths.get(keys, 0) + 1
            if keys in self._lengths:
                keys = (*keys, self._lengths[keys] - 1)
        return keys

    def _pair(self, table: Keys, at: int) -> int:
        """Read `key = value`; its end."""
        names, equals = self._names(at)
        start = self._behind(_SPACE, equals + 1)
        return self._value((*table, *names), at, start)

    def _names(self, at: int) -> tuple[Keys, int]:
        """The names of a dotted key, and the place of what follows."""
        names: list[str] = []
        while True:
            at = self._behind(_SPACE, at)
            if self.text[at] in "\"'":
                end = self._behind(STRING, at)
                (name,) = tomllib.loads(f"{self.text[at:end]} = 0")
            else:
                end = self._behind(_BARE, at)
                name = self.text[at:end]
            names.append(name)
            end = self._behind(_SPACE, end)
            if self.text[end] != ".":
                return tuple(names), end
            at = end + 1

    def _value(self, keys: Keys, key: int, start: int) -> int:
        """Read a value; its end."""
        match self.text[start]:
            case "[":
                end = self._array(keys, start)
            case "{":
                end = self._inline_table(keys, start)
            case '"' | "'":
                end = self._behind(STRING, start)
            case _:
                end = self._behind(_PLAIN, start)
        self._places[keys] = Place(key, start, end)
        return end

    def _array(self, keys: Keys, start: int) -> int:
        number = 0
        at = self._behind(_BLANK, start + 1)
        while self.text[at] != "]":
            at = self._behind(_BLANK, self._value((*keys, number), at, at))
            number += 1
            if self.text[at] == ",":
                at = self._behind(_BLANK, at + 1)
        return at + 1

    def _inline_table(self, keys: Keys, start: int) -> int:
        at = self._behind(_BLANK, start + 1)
        while self.text[at] != "}":
            at = self._behind(_BLANK, self._pair(keys, at))
            if self.text[at] == ",":
                at = self._behind(_BLANK, at + 1)
        return at + 1

    def _behind(self, pattern: re.Pattern[str], at: int) -> int:
        """Where what begins at a place, and is of this pattern, ends."""
        match = pattern.match(self.text, at)
        return match.end() if match is not None else at
