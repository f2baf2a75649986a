"""Text to statements: comments, strings and `;` are known here, and nothing of what a statement means.

What GNU as for i386 Linux reads: `#` starts a comment anywhere, `/` only as the first character of a line, and
`/* */` may span lines. A `;` ends a statement. None of these count in a string or a character constant (`'a'` or `'a`).
A line `# 12 "entry.S"`, as the C preprocessor leaves it, says where the next line was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.macros import Expansion


@dataclass(slots=True, eq=False)
class Statement:
    """One statement and where it was written. `column` is where `text` begins in the line `written`."""

    text: str
    column: int
    written: str
    line: int
    file: str
    expansion: Expansion | None = None

    def place(self, problem: Problem, column: int | None = None) -> Problem:
        """`problem` with this statement as its place; its column, so far counted in `text`, becomes the line's."""
        if problem.text is not None:
            return problem
        column = problem.column if problem.column is not None else column
        if column is None:
            column = len(self.text) - len(self.text.lstrip())
        problem.column = min(column + self.column, len(self.written))
        trail = tuple(self.expansion.trail()) if self.expansion else ()
        return problem.placed(text=self.written, line=self.line, file=self.file, trail=trail)


# A character constant, with the closing quote that may be left out: without it, what follows would open another one.
CHARACTER: Final = r"""'(?:\\(?:[0-9]{1,3}|x[0-9A-Fa-f]+|.)|.)'?"""
_MARKER = re.compile(r'#[ \t]*(?:line[ \t]+)?([0-9]{1,9})[ \t]+"((?:[^"\\]|\\.)*)"')
_PLAIN = re.compile(r"""[^"'#;/]*\Z""")
_PIECE = re.compile(
    rf"""(?P<string>"(?:[^"\\]|\\.)*(?:"|\\?\Z))|(?P<character>{CHARACTER})|(?P<comment>\#.*|/\*.*?\*/)"""
    r"""|(?P<opening>/\*.*)|(?P<end>;)|[^"'#;/]+|."""
)


def statements(text: str, file: str, line: int = 1, expansion: Expansion | None = None) -> Iterator[Statement]:
    """The statements of `text`, whose first line is number `line` of `file`; empty ones are left out."""
    in_comment: Statement | None = None
    number = line - 1
    for written in text.split("\n"):
        written = written.rstrip("\r")
        number += 1
        code = written
        if in_comment is not None:
            end = code.find("*/")
            if end < 0:
                continue
            in_comment = None
            code = " " * (end + 2) + code[end + 2 :]
        elif _PLAIN.match(code):
            if code and not code.isspace():
                yield Statement(code, 0, written, number, file, expansion)
            continue
        elif marker := _MARKER.match(code):
            number, file = int(marker[1]) - 1, marker[2]
            continue
        if code.lstrip().startswith("/") and not code.lstrip().startswith("/*"):
            continue
        start = 0
        parts: list[str] = []
        for piece in _PIECE.finditer(code):
            kind = piece.lastgroup
            if kind == "end":
                if statement := "".join(parts).rstrip():
                    yield Statement(statement, start, written, number, file, expansion)
                start, parts = piece.end(), []
            elif kind == "opening":
                in_comment = Statement(piece[0], piece.start(), written, number, file, expansion)
            elif kind == "comment":
                parts.append(" " * len(piece[0]))
            else:
                parts.append(piece[0])
        if statement := "".join(parts).rstrip():
            yield Statement(statement, start, written, number, file, expansion)
    if in_comment is not None:
        raise in_comment.place(Problem("a comment is opened here and never closed", "close it with */"), 0)
