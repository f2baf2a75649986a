"""Words that name files, and those that may stand before one."""

from __future__ import annotations

import pathlib
import re
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.commands.parameters.values import Address, Apart, Number
from pagefault_lab.commands.parameters.words import Kind, Words

if TYPE_CHECKING:
    pass


class Path(Kind):
    def read(self, words: Words) -> Any:
        start = words.skip()
        quote = words.line[start]
        if quote in "\"'":
            end = words.line.find(quote, start + 1)
            if end < 0:
                raise words.problem("the file's name is not closed", f"a {quote} is missing", start)
            words.position = end + 1
            return _expanded(words.line[start + 1 : end])
        match = re.match(r"\S*", words.line[start:])
        assert match is not None
        words.position = start + match.end()
        return _expanded(match[0])


def _expanded(name: str) -> pathlib.Path:
    """The path of this name, in which a ~ is someone's home; as it is written where nobody knows that."""
    try:
        return pathlib.Path(name).expanduser()
    except RuntimeError:
        return pathlib.Path(name)


_DRAWING: Final = r"\S+\.(?:svg|png|pdf|jpe?g|gif|html?|txt)"  # the name of what one could take a picture's file for


class SvgPath(Path):
    shown = "FILE.svg"
    _LIKE_A_FILE = re.compile(rf"""['"/]|\.{{1,2}}/|~/|{_DRAWING}\Z""", re.IGNORECASE)

    def fits(self, words: Words) -> bool:
        return self._LIKE_A_FILE.match(words.next_word()) is not None

    def read(self, words: Words) -> Any:
        start = words.skip()
        path = super().read(words)
        if path.suffix.lower() != ".svg":
            raise words.problem(f"{path} does not end in .svg", f"a picture is saved as {self.shown}", start)
        return path


class BeforeSvg(Apart):
    """One that ends before a SvgPath: the slashes of that do not divide."""

    _NEXT_FILE = re.compile(rf"""[ \t]("[^"]*"|'[^']*'|{_DRAWING})\s*\Z""", re.IGNORECASE)

    def fits(self, words: Words) -> bool:
        return super().fits(words) and not SvgPath().fits(words)

    def _end(self, line: str, start: int) -> int:
        file = self._NEXT_FILE.search(line, start)
        return len(line) if file is None else file.start()


class Vector(BeforeSvg, Number):
    pass


class Target(BeforeSvg, Address):
    pass
