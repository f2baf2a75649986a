"""What tests of lessons share: a lesson from the text behind its front matter, and someone who takes it."""

from collections.abc import Sequence
from pathlib import Path

from counting import at_most

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.exercises.standing import Standing
from pagefault_lab.tutor.lesson import Lesson
from pagefault_lab.tutor.reading import read_lesson

FRONT = """\
+++
format = 1
key = "tested"
title = "Tested"
{front}
+++
"""


def lesson_of(body: str, front: str = "", folder: Path | None = None) -> Lesson:
    """The lesson with this text and, in its front matter, these lines."""
    return read_lesson(FRONT.format(front=front) + body, "tested.md", folder)


def what_reading_gives(text: str, calls: int) -> Lesson | Problem:
    """A lesson or what is wrong with it, which is found by at most so many calls of functions."""
    with at_most(calls):
        try:
            return read_lesson(text, "sample.md")
        except Problem as problem:
            return problem


def check_place(problem: Problem, lines: Sequence[str]) -> None:
    """A problem of the file with these lines has its place there, and tells the line."""
    assert problem.file == "sample.md"
    assert problem.line is not None
    assert problem.column is not None
    assert problem.text is not None
    assert len(problem.text) == len(lines[problem.line - 1])
    assert 0 <= problem.column <= len(problem.text)


def taken(body: str, front: str = "", seed: str = "", folder: Path | None = None) -> Attempt:
    """An attempt at such a lesson that has begun."""
    attempt = Attempt(lesson_of(body, front, folder), seed)
    for _ in attempt.begin(0):
        pass
    return attempt


def do(attempt: Attempt, *lines: str) -> list[object]:
    """What these lines have said, wrong ones a Problem."""
    return [value for line in lines for value in attempt.execute(line)]


def wrong(attempt: Attempt, line: str) -> Problem:
    """The Problem of a wrong line."""
    try:
        values = do(attempt, line)
    except Problem as problem:
        return problem
    raise AssertionError(f"{line} was not wrong: {values}")


def standing(attempt: Attempt, exercise: str) -> Standing:
    return attempt.standings[exercise]


def begun_again(attempt: Attempt) -> Attempt:
    """Another attempt, that repeats what was recorded of this one."""
    other = Attempt(attempt.lesson, attempt.seed)
    for _ in other.replay(attempt.recording):
        pass
    return other
