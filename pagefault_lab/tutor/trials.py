"""Attempts at a lesson that prove it: what becomes of a part when this or that is typed, and why a goal does not hold.

Each begins in a session of its own, so that none can spoil another, and reaches no files but the lesson's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import expressions
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.lesson import Lines, Task
from pagefault_lab.tutor.lesson_files import LessonFiles
from pagefault_lab.tutor.player import exhaust
from pagefault_lab.tutor.quoting import fill, written
from pagefault_lab.tutor.told import Checked

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.tutor.exercises.standing import Standing
    from pagefault_lab.tutor.lesson import Lesson, Remark

FIRST: Final = ""  # the seed for which everything is proved
_NUMBER: Final = re.compile(r"-?[0-9]\w*")


class Remarks:
    """What becomes of an exercise's remarks in an attempt: which are `known` to be meant or not at one time or another,
    and what is wrong with those that are `unknown`, or are `unsaid` though they are meant."""

    def __init__(self, remarks: Sequence[Remark]) -> None:
        self._remarks = remarks
        self.known: set[int] = set()
        self.unknown: dict[int, Problem] = {}
        self.unsaid: dict[int, Problem] = {}

    def look(self, scope: Scope) -> None:
        """See what is meant now."""
        for place, remark in enumerate(self._remarks):
            try:
                holds = remark.when.holds(scope)
            except Problem as problem:
                self.unknown.setdefault(place, problem)
                continue
            self.known.add(place)
            if holds:
                try:
                    fill(remark.say, scope)
                except Problem as problem:
                    self.unsaid.setdefault(place, problem)


class Run(NamedTuple):
    """What lines that are typed at a task come to; `problem` is that of the first that could not be executed."""

    standing: Standing
    outcome: str
    remarks: Remarks
    problem: Problem | None


class Trials:
    """Attempts at one lesson."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self._looked_at: tuple[tuple[int, str], Attempt] | None = None
        self._runs: dict[tuple[int, Lines, str], Run] = {}

    def begun(self, at: int, seed: str = FIRST) -> Attempt:
        """An attempt that begins a part. A task that it continues is solved as its answer does."""
        session = Session(self.lesson.world)
        session.files = LessonFiles(self.lesson)
        attempt = Attempt(self.lesson, seed, session)
        before = [at]
        while (place := self.lesson.continued(before[-1])) is not None:
            before.append(place)
        for place in reversed(before[1:]):
            exhaust(attempt.begin(place, tells=False))
            task, _ = task_of(attempt)
            if task.answer is not None:
                exhaust(self._type(attempt, task.answer))
        exhaust(attempt.begin(at))
        return attempt

    def untouched(self, at: int, seed: str = FIRST) -> Attempt:
        """The same, to be looked at only: several proofs share it."""
        if self._looked_at is None or self._looked_at[0] != (at, seed):
            self._looked_at = (at, seed), self.begun(at, seed)
        return self._looked_at[1]

    def to_be_used(self, at: int, seed: str = FIRST) -> Attempt:
        """The same, for one proof alone: what was only looked at so far, if there is that."""
        found, self._looked_at = self._looked_at, None
        return found[1] if found is not None and found[0] == (at, seed) else self.begun(at, seed)

    def run(self, at: int, lines: Lines, seed: str = FIRST) -> Run:
        """What becomes of a task when these lines are typed at its begin; several proofs ask."""
        key = at, lines, seed
        if key not in self._runs:
            attempt = self.to_be_used(at, seed)
            task, standing = task_of(attempt)
            remarks = Remarks(task.remarks)
            remarks.look(attempt.scope())
            problem = None
            try:
                for _ in self._type(attempt, lines):
                    remarks.look(attempt.scope())
            except Problem as found:
                problem = found
            attempt.session.abandon()
            self._runs[key] = Run(standing, outcome_of(attempt), remarks, problem)
        return self._runs[key]

    def _type(self, attempt: Attempt, lines: Lines) -> Iterator[str]:
        """Type lines as a student does; gives each when it is done. A Problem at one that cannot be, with its place."""
        session = attempt.session
        for number, line in enumerate(lines_for(attempt, lines), lines.first):
            try:
                for value in attempt.execute(line):
                    if isinstance(value, Ran) and value.stopped is Stopped.BUDGET:
                        raise Problem(f"this line takes more than {session.budget:,} instructions", "budget = ...")
            except Problem as problem:
                if problem.file != self.lesson.name:  # else it is about what the lesson says to the line
                    problem.line = number
                raise
            yield line
        if session.unfinished:
            raise Problem("the block that begins here is not finished", text=session.pending[0], line=lines.first)


# --- what becomes of an attempt


def try_on(attempt: Attempt, lines: Iterable[str]) -> None:
    """Type lines as a student does who goes on behind one that cannot be executed."""
    for line in lines:
        with suppress(Problem):
            exhaust(attempt.execute(line))


def task_of(attempt: Attempt) -> tuple[Task, Standing]:
    """The task where one stands, and how."""
    task = attempt.exercise
    assert isinstance(task, Task)
    return task, attempt.standings[task.id]


def lines_for(attempt: Attempt, lines: Lines) -> tuple[str, ...]:
    """Lines as they are for this attempt."""
    scope = attempt.scope()
    return tuple(fill(line, scope) for line in lines.lines)


def checked_of(attempt: Attempt) -> Checked:
    """How a task stands."""
    return next(value for value in attempt.execute("lesson check") if isinstance(value, Checked))


def outcome_of(attempt: Attempt, holding: bool = False) -> str:
    """What was earned, and the values of the goals that do not hold; or of those that do."""
    task, _ = task_of(attempt)
    checked = checked_of(attempt)
    told = [f"{checked.earned} of {checked.points} points"]
    if checked.late:
        told.append(f"{checked.steps:,} steps were made, and the budget is {checked.budget:,}")
    for goal, shown in zip(task.goals, checked.goals, strict=True):
        if checked.late or shown.holds == holding:
            told += values(goal.holds, attempt.scope(), bool(shown.holds))
    return "\n".join(told)


# --- the values of an expression


def values(expression: Expression, scope: Scope, holding: bool) -> Iterator[str]:
    """What an expression comes to: of `a && b` what holds, or what does not; of `a == b` what is compared."""
    for term in _split(expression.text, "&&"):
        sides = _split(term, "==", "!=", "<=", ">=", "<", ">")
        if len(sides) == 1:
            text = f"{term} = {_value(term, scope)}"
        else:
            asked = [side for side in sides if not _NUMBER.fullmatch(side)]
            text = f"{term}: " + ", ".join(f"{side} = {_value(side, scope)}" for side in asked)
        if _holds(term, scope) == holding:
            yield text


def _holds(term: str, scope: Scope) -> bool:
    try:
        return expressions.parse(term).holds(scope)
    except Problem:
        return False


def _value(text: str, scope: Scope) -> str:
    try:
        return written(expressions.parse(text).value(scope), "", scope)
    except Problem as problem:
        return problem.sentence


def _split(text: str, *signs: str) -> list[str]:
    """The parts of an expression between signs that stand in no parentheses; itself if || or ?: is outside of these."""
    depth, parts = 0, [""]
    for token in re.findall(r"&&|\|\||<<|>>|[=!<>]=|'.'|.", text, re.DOTALL):
        depth += (token in "([") - (token in ")]")
        if not depth and token in ("||", "?"):
            return [text]
        if not depth and token in signs:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]
