"""`pagefault-lab lesson submit [NAME]`: an attempt becomes one small text file, to be handed in.

It is repeated first, so that what is said of it is what grading will find.
"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.problem import Problem
from pagefault_lab.terminal import attempts
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE

if TYPE_CHECKING:
    from pagefault_lab.lab.recording import Recording
    from pagefault_lab.tutor.attempt import Attempt
    from pagefault_lab.tutor.lesson import Lesson


def run(arguments: Namespace) -> int:
    """Write the attempt at `arguments.name`, else the one made last; the exit status."""
    screen = Screen(arguments.plain, errors=sys.stderr)
    try:
        _submit(arguments.name, arguments.student, arguments.to, screen)
    except Problem as problem:
        screen.complain(problem)
        return UNUSABLE
    return GOOD


def _submit(name: str | None, student: str | None, to: str | None, screen: Screen) -> None:
    from pagefault_lab.tutor.submission import summary, write

    lesson = _lesson_of(name)
    found = attempts.read(lesson.key)
    if found is None or not found.recording.lesson:
        raise Problem(f"no attempt at {lesson.key} is kept here", f"pagefault-lab lesson {lesson.key}")
    recording = found.recording
    if recording.lesson["digest"] != lesson.digest:
        raise Problem(f"the lesson {lesson.key} has changed since this attempt was begun", "it cannot be handed in")
    if student is not None:
        _rename(recording, lesson, student, screen)
        attempts.student(student)
    attempt, problem = _repeated(recording, lesson)
    data = write(attempt)
    path = Path(to) if to is not None else Path(_file_name(recording))
    _write(path, data)
    screen.say(f"{path}: {summary(attempt)}")
    if attempts.is_of_account(recording.lesson["student"]):
        name = recording.lesson["student"]
        screen.say(f"  {name} is this account's name; --student \"Your Name\" hands it in as yours")
    if problem is not None or found.damaged is not None:
        why = problem or Problem(f"the attempt's file is damaged from its line {found.damaged} on")
        screen.complain(Problem(f"only what comes before this was written: {why.sentence}", why.hint))
    screen.say("Hand in this file.")


def _lesson_of(name: str | None) -> Lesson:
    """The lesson of this name, or of the attempt whose key it is; without one, that of the attempt made last."""
    from pagefault_lab.tutor import course

    if name is not None:
        try:
            return course.load(course.find(name))
        except Problem:
            if attempts.file_of(name) is None:
                raise
    key = attempts.latest() if name is None else name
    if key is None:
        raise Problem("no attempt is kept here", "`pagefault-lab lesson` lists the lessons")
    file = attempts.file_of(key)
    if file is None or not file.is_file():
        file = next((each for each in course.files() if course.load(each).key == key), None)
    if file is None:
        raise Problem(f"the file of the lesson {key} is not any more where it was", "name it: lesson submit FILE")
    return course.load(file)


def _rename(recording: Recording, lesson: Lesson, student: str, screen: Screen) -> None:
    """The attempt is this student's. Where its variant is somebody else's, that is told, and grading will see it."""
    from pagefault_lab.tutor.variants import seed_of

    student = attempts.name_of(student)
    own, about = seed_of(student, lesson.key), recording.lesson
    recording.lesson = {**about, "student": student, "seed": about["seed"] if lesson.variants else own}
    if lesson.variants and about["seed"] == seed_of(about["student"], lesson.key) != own:
        screen.say(f"  it has the numbers of {about['student']}, as whom it was begun: whoever grades it is told so")


def _repeated(recording: Recording, lesson: Lesson) -> tuple[Attempt, Problem | None]:
    """The attempt as grading will find it, and what has ended it early."""
    from pagefault_lab.tutor.attempt import Attempt

    attempt = Attempt(lesson, recording.lesson["seed"])
    attempt.recording.lesson = recording.lesson
    try:
        for _ in attempt.replay(recording):
            pass
    except Problem as problem:
        return attempt, problem
    return attempt, None


def _file_name(recording: Recording) -> str:
    """What the file is called unless somebody says so: by lesson and student."""
    from pagefault_lab.tutor.submission import SUFFIX

    student = re.sub(r"[^a-z0-9]+", "-", recording.lesson["student"].casefold()).strip("-")[:40]
    return "-".join(filter(None, (recording.lesson["key"], student))) + SUFFIX


def _write(path: Path, data: bytes) -> None:
    """Write the file. One that is there is replaced, if it is a submission."""
    from pagefault_lab.tutor.submission import BEGINNING

    try:
        if path.is_file():
            with path.open("rb") as stream:
                if stream.read(len(BEGINNING)) not in (b"", BEGINNING):
                    raise Problem(f"{path} is there already, and is no submission", "-o gives it another name")
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None
