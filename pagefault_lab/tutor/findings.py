"""What proofs are, and what they find wrong with a lesson: always with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import Lesson


class Finding(NamedTuple):
    """What is wrong with a lesson: the proof that has failed, and where in the file: `line` from 1, `column` from 0 on;
    `text` is that line. `expected` and `happened` may have several lines; `hint` says what to write instead."""

    proof: str
    file: str
    line: int
    column: int
    text: str
    sentence: str
    expected: str
    happened: str
    hint: str


class LessonProved(NamedTuple):
    """How many proofs of which kind there were of a lesson, and how many of them have failed."""

    file: str
    title: str
    proofs: dict[str, int]
    failed: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing to be proved. `part` is the id of the exercise that it is about, or the number of a part without one;
    `name` says in a few words what it is, `line` where that stands in the lesson's file."""

    lesson: Lesson
    part: str
    kind: str
    name: str
    line: int
    prove: Callable[[], object]  # raises a Problem; what that does not know of its place is the proof's

    def run(self) -> Finding | None:
        """What is wrong; None if nothing is."""
        try:
            self.prove()
        except Problem as problem:
            return self._finding(problem)
        return None

    def _finding(self, problem: Problem) -> Finding:
        lines = self.lesson.source.split("\n")
        line, column = place_in(problem, lines, problem.line or self.line)
        expected, happened = (problem.expected, problem.happened) if isinstance(problem, Unproved) else ("", "")
        return Finding(
            f"{self.part}::{self.name}", self.lesson.name, line, column, lines[line - 1],
            problem.sentence, expected, happened, problem.hint or "",
        )  # fmt: skip


class Unproved(Problem):
    """What is wrong with a lesson, where something else was `expected` than has `happened`."""

    def __init__(
        self, sentence: str, hint: str, expected: str = "", happened: str = "", line: int | None = None
    ) -> None:
        super().__init__(sentence, hint, line=line)
        self.expected = expected
        self.happened = happened


def place_in(problem: Problem, lines: Sequence[str], line: int) -> tuple[int, int]:
    """The line of the file, and the column in it, of a problem that was found in the block that begins in `line`, or in
    that line itself. What is about text that was filled in has the line's first column."""
    before = (problem.text or "")[: problem.column or 0]
    written = (problem.text or "").split("\n")[before.count("\n")]
    for number, text in enumerate(lines[line - 1 :], line):
        if number > line and text.lstrip().startswith(("```", "~~~")):
            break
        if written.strip() and (start := text.find(written)) >= 0:
            return number, start + len(before) - before.rfind("\n") - 1
    return line, len(lines[line - 1]) - len(lines[line - 1].lstrip())
