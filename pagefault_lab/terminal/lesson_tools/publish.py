"""`pagefault-lab lesson publish FILE...`: the editions of lessons for students, each beside its lesson in a folder."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.lesson_tools.check import sign
from pagefault_lab.terminal.lesson_tools.made_files import write
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE, WRONG

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import Lesson

FOLDER: Final = "student"  # beside the lesson


def run(arguments: Namespace) -> int:
    """Publish `arguments.files`, proved unless `unproved`, to `to` if it is given; the exit status: the worst of
    theirs."""
    screen = Screen(arguments.plain, errors=sys.stderr)
    several = len(arguments.files) > 1
    return max(_publish(file, arguments.to, several, arguments.unproved, screen) for file in arguments.files)


def _publish(file: str, to: str | None, several: bool, unproved: bool, screen: Screen) -> int:
    from pagefault_lab.tutor.course import find, load
    from pagefault_lab.tutor.publishing import BEGINNING, open_questions, publish

    try:
        path = find(file)
        lesson = load(path)
        text = publish(lesson)
        if not unproved and not _is_proved(lesson, screen):
            screen.say(f"{path} is not published; `lesson check` says all, --unproved publishes it as it is")
            return WRONG
        target = _target(path, to, several)
        write(target, text, BEGINNING, "student edition")
    except Problem as problem:
        screen.complain(problem)
        return UNUSABLE if problem.line is None else WRONG
    screen.say(f"{target}: {lesson.title}, without answers")
    if asks := open_questions(lesson):
        names = ", ".join(ask.id for ask in asks)
        screen.say(f"  what depends on the machine or the seed stays an expression, as these answers: {names}")
    return GOOD


def _is_proved(lesson: Lesson, screen: Screen) -> bool:
    """Whether all proofs of a lesson hold; if not, the first that does not is told."""
    from pagefault_lab.bridges.plain_text import plain_text
    from pagefault_lab.tutor.proving import proofs

    for proof in proofs(lesson, plain_text):
        sign(f"{lesson.name}: {proof.part}: {proof.name}")
        finding = proof.run()
        sign("")
        if finding is not None:
            screen.show(finding)
            return False
    return True


def _target(path: Path, to: str | None, several: bool) -> Path:
    """The file for the edition of the lesson at this path."""
    folder = path.parent / FOLDER if to is None else Path(to)
    if to is not None and not several and not to.endswith("/") and not folder.is_dir():
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise Problem(f"{folder} cannot be made: {getattr(error, 'strerror', None) or error}") from None
    return folder / path.name
