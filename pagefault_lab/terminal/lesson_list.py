"""The list of the course's lessons, and how someone stands in them."""

from __future__ import annotations

from pagefault_lab.problem import Problem
from pagefault_lab.terminal import attempts
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.tutor import course
from pagefault_lab.tutor.told import CourseRow, CourseShown


def show(plain: bool) -> int:
    """Show the list; the exit status."""
    screen = Screen(plain)
    status = 0
    rows = []
    for path in course.files():
        try:
            lesson = course.load(path)
        except Problem as problem:  # the others can be taken all the same
            screen.complain(problem)
            status = 1
            continue
        progress = attempts.recall(lesson.key)
        earned, state = 0, "new"
        if progress is not None:
            state = "done" if progress.exercises and progress.over == progress.exercises else "begun"
            if progress.digest in (lesson.digest, ""):
                earned = progress.earned
            else:
                state = "changed"
        rows.append(
            CourseRow(course.number(path), lesson.title, lesson.summary, lesson.minutes, earned, lesson.points, state)
        )
    screen.show(CourseShown(tuple(rows), _next(rows)))
    return status


def _next(rows: list[CourseRow]) -> int | None:
    """The lesson to go on with: one that is begun, else the first new one."""
    for state in ("begun", "new"):
        for row in rows:
            if row.state == state:
                return row.number
    return None
