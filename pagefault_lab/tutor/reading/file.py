"""The file that a lesson is read from, and what is wrong with it."""

from __future__ import annotations

import re
from typing import Final

from pagefault_lab.problem import Problem, Problems

MOST_PROBLEMS: Final = 50  # that are told of a file
# Control characters, and what makes a text look other than it is: Unicode's directions, blanks of no width, tags.
UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class File:
    """The lines of a file, and what is wrong with them."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.lines = self.text.split("\n")
        self.problems: list[Problem] = []

    def complain(self, sentence: str, hint: str | None, line: int, column: int = 0) -> None:
        """Keep a problem of this line. It is not raised, so that others are found too, until they are enough."""
        text = UNSEEN.sub("?", self.lines[line - 1])
        column = min(column, len(text))
        problem = Problem(_seen(sentence), hint and _seen(hint), text=text, column=column, line=line, file=self.name)
        self.problems.append(problem)
        if len(self.problems) == MOST_PROBLEMS:
            self.check()

    def check(self) -> None:
        """Raise the problems that were found so far, if there are any."""
        if self.problems:
            self.problems.sort(key=lambda problem: (problem.line, problem.column))
            raise Problems(self.problems)


def _seen(text: str) -> str:
    """A text of which nothing is unseen, and that is not endless."""
    text = UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text if len(text) <= 400 else f"{text[:400]}..."


def sentence_of_unseen(character: str) -> str:
    from unicodedata import name

    return f"U+{ord(character):04X} cannot stand here: {name(character, 'a control character').lower()}"
