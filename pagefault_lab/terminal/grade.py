"""`pagefault-lab grade LESSON... --submissions DIR`: what was handed in is graded, and reports are written."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, INTERRUPTED, UNUSABLE, WRONG

if TYPE_CHECKING:
    from pagefault_lab.tutor.grading.limits import Limits
    from pagefault_lab.tutor.grading.running import Entry, Grader
    from pagefault_lab.tutor.lesson import Lesson

KEPT: Final = ".finished"  # the folder of finished grades, in that of the reports


def grade(arguments: Namespace) -> int:
    """Grade; the exit status."""
    screen = Screen(arguments.plain, errors=sys.stderr)
    try:
        return _grade(arguments, screen)
    except Problem as problem:
        screen.complain(problem)
        return UNUSABLE


def _grade(arguments: Namespace, screen: Screen) -> int:
    from pagefault_lab.tutor.grading.keeping import Kept
    from pagefault_lab.tutor.grading.reports import Reports
    from pagefault_lab.tutor.grading.running import graded, handed_in, in_order
    from pagefault_lab.tutor.grading.workers import setup_of

    lessons, limits, to = _lessons(arguments.lessons), _limits(arguments), Path(arguments.to)
    if to.resolve() == Path(arguments.submissions).resolve():
        raise Problem(f"{to} is where the submissions are", "-o names another folder for the reports")
    files = handed_in(Path(arguments.submissions), to.resolve())
    if not files:
        raise Problem(f"there is nothing in {arguments.submissions}", "--submissions names the folder to look in")
    setup = setup_of(lessons, limits)
    kept = Kept(to / KEPT, setup)
    entries: list[Entry] = []
    try:
        with _progress(screen, len(files)) as advance:
            for entry in graded(files, kept, arguments.goes_on, _grader(arguments, setup, limits)):
                entries.append(entry)
                advance()
    except KeyboardInterrupt:
        done = f"{len(entries)} of {len(files)}"
        screen.complain(Problem(f"stopped: {done} submissions are graded", "the same command with --resume goes on"))
        return INTERRUPTED
    reports = Reports(to, kept, in_order(entries), lessons)
    written = reports.write()
    table = reports.table()
    screen.show(table)
    more = len([name for name in written if name.startswith("results/")])
    names = [name for name in written if not name.startswith("results/")]
    screen.say(f"{to}: {', '.join(names)}, results/ ({more})")
    return WRONG if table.partly or table.refused else GOOD


def _lessons(names: Iterable[str]) -> list[Lesson]:
    """The lessons, each once, by their keys. They must have their answers."""
    from pagefault_lab.tutor import course
    from pagefault_lab.tutor.lesson import STUDENT

    found: dict[str, Lesson] = {}
    for name in names:
        lesson = course.load(course.find(name))
        if lesson.edition == STUDENT:
            raise Problem(f"{lesson.name} is the students' edition", "grade with the one that has the answers")
        if lesson.key in found:
            raise Problem(f"{lesson.name} and {found[lesson.key].name} have the same key {lesson.key}")
        found[lesson.key] = lesson
    return [found[key] for key in sorted(found)]


def _limits(arguments: Namespace) -> Limits:
    from pagefault_lab.tutor.grading.limits import DEFAULT, Limits

    given = {name: value for name in Limits._fields if (value := getattr(arguments, name)) is not None}
    return DEFAULT._replace(**given)


def _grader(arguments: Namespace, setup: bytes, limits: Limits) -> Grader:
    """What grades: processes of this computer, or those of a cluster."""
    from pagefault_lab.bridges.grader import PROGRAM

    if arguments.dask is not None:
        from pagefault_lab.bridges.cluster import grade_on_cluster

        return partial(grade_on_cluster, address=arguments.dask, program=PROGRAM, setup=setup, limits=limits)
    from pagefault_lab.tutor.grading.workers import Worker, grade_all

    count = arguments.jobs or os.cpu_count() or 1
    return partial(grade_all, start=partial(Worker, PROGRAM, setup, limits), count=count)


@contextmanager
def _progress(screen: Screen, total: int) -> Iterator[partial[None]]:
    """A bar that shows how far it is, on a terminal; gives what to call for each submission."""
    if not screen.stream.isatty():
        yield partial(_nothing)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield partial(progress.advance, task)


def _nothing() -> None:
    """Where nobody looks."""
