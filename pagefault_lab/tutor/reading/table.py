"""TOML in a lesson: what is wrong with it has its place in the file."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab import expressions
from pagefault_lab.problem import Problem
from pagefault_lab.tutor import quoting
from pagefault_lab.tutor.lesson import Lines
from pagefault_lab.tutor.reading.file import UNSEEN, File, sentence_of_unseen
from pagefault_lab.tutor.schema import Misfit, read
from pagefault_lab.tutor.toml_places import Keys, Places

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression

_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOO_DEEP: Final = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){20}")  # tomllib takes long for dotted keys


class Table:
    """A text of TOML, whose first line has the number `first` in a file. It `is_sound` if nothing was wrong so far."""

    def __init__(self, file: File, lines: list[str], first: int) -> None:
        self.file = file
        self.lines = lines
        self.first = first
        self.text = "\n".join(lines)
        self.expressions: dict[Keys, Expression] = {}
        self.table: dict[str, Any] = {}
        self.is_sound = self._load()

    def _load(self) -> bool:
        """Whether it is TOML."""
        try:
            if match := _TOO_DEEP.search(self.text):
                self._complain_at(match.start(), "these keys are nested too deeply", "write a dot less")
                return False
            self.table = tomllib.loads(self.text)
            self.places = Places(self.text)
        except RecursionError:
            self.file.complain("this TOML is nested too deeply", "a lesson needs three levels", self.first)
            return False
        except tomllib.TOMLDecodeError as error:
            sentence, line, column = _TOML_PLACE.sub("", str(error)), len(self.lines), 0
            if (place := _TOML_PLACE.search(str(error))) and place[1]:
                line, column = int(place[1]), int(place[2]) - 1
            hint = "key = \"text\", key = 10, or a longer text between two '''"
            self._complain_in(line, column, f"this is not TOML: {sentence}", hint)
            return False
        except ValueError:  # all that Python tells of it is how to change this
            self.file.complain("a number in this TOML has thousands of digits", None, self.first)
            return False
        return True

    def check(self, name: str) -> None:
        """Complain about all that does not fit the schema's definition of this name, and is wrong in its strings."""
        before = len(self.file.problems)
        for found in read(self.table, name):
            if isinstance(found, Misfit):
                self.complain(found.keys, found.sentence, found.hint)
            elif unseen := UNSEEN.search(found.text):
                self.complain(found.keys, sentence_of_unseen(unseen[0]), None, unseen.start())
            elif found.format == "text":
                for problem in quoting.problems(found.text):
                    self.complain(found.keys, problem.sentence, problem.hint, problem.column or 0)
            elif found.format == "expression":
                try:
                    self.expressions[found.keys] = expressions.parse(found.text.replace("\n", " "))
                except Problem as problem:
                    self.complain(found.keys, problem.sentence, problem.hint, problem.column or 0)
        self.is_sound = len(self.file.problems) == before

    def complain(self, keys: Keys, sentence: str, hint: str | None = None, inside: int | None = None) -> None:
        """Keep a problem of the value at these keys: of its key, or of a place `inside` of a string. Without keys, of
        the whole text: in the line above it."""
        if not keys:
            self.file.complain(sentence, hint, self.first - 1)
        else:
            place = self.places.of(keys).key if inside is None else self.places.inside(keys, inside)
            self._complain_at(place, sentence, hint)

    def _complain_at(self, place: int, sentence: str, hint: str | None) -> None:
        before = self.text[:place]
        self._complain_in(before.count("\n") + 1, place - before.rfind("\n") - 1, sentence, hint)

    def _complain_in(self, line: int, column: int, sentence: str, hint: str | None) -> None:
        """`line` counts from 1 in this text, which the file may have indented; behind it is the line that ends it."""
        number = self.first + line - 1
        indented = len(self.file.lines[number - 1]) - len(self.lines[line - 1]) if line <= len(self.lines) else 0
        self.file.complain(sentence, hint, number, column + indented)

    def at(self, *keys: str | int) -> Any:
        """The value at these keys."""
        value: Any = self.table
        for key in keys:
            value = value[key]
        return value

    def lines_of(self, *keys: str | int) -> Lines:
        """The lines of a string, without blank ones around them."""
        text = self.at(*keys)
        blank = len(text) - len(text.lstrip())
        place = self.places.inside(keys, blank)
        lines = tuple(line.strip() for line in text.strip().split("\n"))
        return Lines(lines, self.first + self.text.count("\n", 0, place))
