"""`pagefault-lab lesson`: the course as a list, and a lesson that someone takes at the prompt."""

from __future__ import annotations

import gc
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.problem import Problem, count
from pagefault_lab.terminal import attempts
from pagefault_lab.terminal.banner import TITLE
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.views.words import printable

if TYPE_CHECKING:
    from argparse import Namespace

    from pagefault_lab.lab.recording import Read
    from pagefault_lab.terminal.journal import Kept
    from pagefault_lab.terminal.lesson_screen import LessonScreen
    from pagefault_lab.tutor.attempt import Attempt
    from pagefault_lab.tutor.lesson import Lesson

HELP: Final = "`hint` helps, `lesson` lists the parts, quit or Ctrl-D leaves"


def run(arguments: Namespace) -> int:
    """List the lessons, or take one; the exit status."""
    gc.disable()  # until all is loaded
    if arguments.name is None:
        from pagefault_lab.terminal.lesson_list import show

        return show(arguments.plain)
    from pagefault_lab.tutor import course

    lesson = course.load(course.find(arguments.name))
    print(f"{TITLE}\n", flush=True)
    return Taking(lesson, arguments.name, arguments.plain).take(arguments.student, arguments.seed, arguments.again)


class Taking:
    """Someone takes a lesson. `name` is what they call it."""

    def __init__(self, lesson: Lesson, name: str, plain: bool) -> None:
        self.lesson = lesson
        self.plain = plain
        self._again = f"pagefault-lab lesson {shlex.quote(name)}"
        self._anew = f"{self._again} --again begins anew, and keeps the attempt so far aside"
        self._submit = f"pagefault-lab lesson submit {shlex.quote(name)}"
        self.typed_ahead = ""
        self._all_is_kept = False
        self._ended = False  # the end of the lesson was told, and nothing was typed since
        self._remembered: attempts.Progress | None = None

    def take(self, student: str | None, seed: str | None, again: bool) -> int:
        """Begin, or go on, until one leaves; the exit status."""
        from pagefault_lab.terminal.entry import converse
        from pagefault_lab.terminal.opening import Opening

        kept = attempts.take(self.lesson.key)
        if kept is not None and again:
            self._say(f"  the attempt so far is kept: {attempts.set_aside(kept)}\n")
        if kept is None or again:
            self.attempt = self._new(student, seed)
        else:
            self.attempt = self._gone_on_with(kept, student, seed)
        attempts.remember_file(self.lesson.key, Path(self.lesson.name))
        self._journal = attempts.journal(self.lesson.key, kept)
        self._keep()
        opening = Opening(self.lesson.world, session=self.attempt.session)
        gc.freeze()
        gc.enable()
        self._greet()
        status = converse(opening, self.plain, self)
        self._progress()
        self._say_goodbye()
        return status

    # --- beginning

    def _new(self, student: str | None, seed: str | None) -> Attempt:
        """An attempt that begins."""
        from pagefault_lab.tutor.attempt import Attempt
        from pagefault_lab.tutor.submission import about
        from pagefault_lab.tutor.variants import seed_of

        lesson = self.lesson
        name = attempts.student(student)
        attempt = Attempt(lesson, seed_of(name, lesson.key) if seed is None else seed)
        attempt.recording.lesson = about(lesson, name, attempt.seed)
        return attempt

    def _gone_on_with(self, kept: Kept, student: str | None, seed: str | None) -> Attempt:
        """The attempt that was kept; one in which nothing was typed yet may still become anybody's."""
        from pagefault_lab.lab.recording import read
        from pagefault_lab.tutor.variants import seed_of

        try:
            found = read(kept.read(), str(kept.path))
        except Problem as problem:
            problem.hint = self._anew
            raise
        if found.recording.inputs or found.damaged is not None:
            self._check_same(found, student, seed)
            return self._brought_back(kept, found)
        about = found.recording.lesson
        if seed is None and about.get("seed") != seed_of(about.get("student", ""), self.lesson.key):
            seed = about.get("seed")  # it was given
        return self._new(student, seed)

    def _brought_back(self, kept: Kept, found: Read) -> Attempt:
        """The attempt that was kept, as it was behind its last finished line, or the last one that is as it was. If
        that is not all, it is kept aside."""
        from pagefault_lab.terminal.entry import bug
        from pagefault_lab.terminal.resume import lines, said_if_it_takes_long
        from pagefault_lab.tutor.attempt import Attempt

        about = found.recording.lesson
        attempt = Attempt(self.lesson, about["seed"])
        attempt.recording.lesson = about
        failure: list[str] = []
        with said_if_it_takes_long(f"  {lines(found.recording.lines)} are done again ..."):
            try:
                for _ in attempt.replay(found.recording):
                    pass
            except Problem as problem:
                failure = [problem.sentence, *filter(None, (problem.hint,))]
            except Exception as error:  # a bug of ours: the lines before are back all the same
                failure = bug(error)
        if found.damaged is not None and not failure:
            failure = [f"what came after them cannot be read: the file is damaged from its line {found.damaged} on"]
        if back := attempt.recording.lines:
            self._say(f"  {lines(back)} {'is' if back == 1 else 'are'} back")
        for sentence in failure:
            self._say(f"  {sentence}")
        if failure:
            self._say(f"  all of it is kept: {attempts.set_aside(kept)}")
        return attempt

    def _check_same(self, found: Read, student: str | None, seed: str | None) -> None:
        """A Problem if what was kept is no attempt of this student at this lesson as it is now."""
        about = found.recording.lesson
        if about.get("digest") != self.lesson.digest:
            raise Problem(f"the lesson {self.lesson.key} has changed since you began it", self._anew)
        name = None if student is None else attempts.name_of(student)
        if name not in (None, about.get("student")):
            raise Problem(f"this attempt is {about.get('student')}'s, not {name}'s", self._anew)
        if seed not in (None, about.get("seed")):
            raise Problem("this attempt was begun with another seed", self._anew)

    def _greet(self) -> None:
        """The first screen; of a lesson that goes on, where one stands."""
        lesson, attempt, screen = self.lesson, self.attempt, self.screen(self.plain)
        begins = not attempt.recording.inputs
        minutes = f", about {count(lesson.minutes, 'minute')}" if lesson.minutes else ""
        name = attempt.recording.lesson["student"]
        about = f"{lesson.title}{minutes}; you are {name}"
        leaving = f"{HELP}; all is kept" if self._all_is_kept else HELP
        sentences = (about, lesson.summary if begins else "", leaving, self._how_to_be_named(name))
        screen.greet(printable(sentence) for sentence in sentences if sentence)
        if begins:
            for value in attempt.begin(0):
                screen.show(value)
        else:
            screen.show(attempt.begun())
            self._say("  `text` tells this part again from its beginning")
            if attempt.exercise is not None:
                screen.show(attempt.shown())
            else:
                self._say("  `lesson next` goes on")
        self.typed_ahead = screen.typed_ahead

    def _how_to_be_named(self, name: str) -> str:
        """How to hand in under one's own name, for someone who has only that of the account."""
        if not attempts.is_of_account(name):
            return ""
        begun = "`lesson submit " if self.attempt.recording.inputs else "`lesson ... "
        return f"{name} is this account's name; {begun}--student \"Your Name\"` gives yours"

    # --- keeping

    def _keep(self) -> None:
        """From now on, whatever is finished is kept."""
        if self._journal is None:
            return self._say(f"  nothing is kept, so nothing can be handed in: {attempts.no_folder()}")
        self._journal.follow(self.attempt)
        complaint = self._journal.begin()
        if complaint:
            self._say(f"  {complaint}")
        self._all_is_kept = not complaint
        self._progress()
        return None

    def _progress(self) -> None:
        """Remember for the list how one stands, if that is something new."""
        attempt = self.attempt
        over = sum(standing.over for standing in attempt.standings.values())
        now = attempts.Progress(self.lesson.digest, attempt.points, self.lesson.points, over, len(attempt.standings))
        if now != self._remembered:
            attempts.remember(self.lesson.key, now)
            self._remembered = now

    # --- at the prompt

    def screen(self, plain: bool) -> LessonScreen:
        """What a line is shown on."""
        from pagefault_lab.terminal.lesson_screen import LessonScreen

        self._ended = False
        return LessonScreen(plain, self._tell_end)

    def offered(self) -> str:
        """What Enter types where nothing is."""
        self._progress()
        if self.attempt.session.unfinished or not self.attempt.can_go_on:
            return ""
        return "quit" if self._ended else "lesson next"

    def where(self) -> tuple[str, ...]:
        """Lesson, part, exercise, points, and what can be typed."""
        attempt, lesson = self.attempt, self.lesson
        standing, exercise = attempt.standing, attempt.exercise
        state = "text"
        if exercise is not None and standing is not None:
            word = "solved" if standing.solved else "over" if standing.over else "not solved"
            state = f"{exercise.id}: {word}"
        return (
            f"{lesson.key} {attempt.at + 1}/{len(lesson.parts)}",
            state,
            f"points {attempt.points}/{lesson.points}",
            f"{'Enter: ' if sys.stdin.isatty() else ''}{offer}" if (offer := self.offered()) else "hint, check, task",
        )

    def _tell_end(self) -> None:
        """What there is to do behind the end of the lesson."""
        self._ended = True
        self._say_how_to_hand_in()
        if following := self._following():
            self._say(f"  next lesson: pagefault-lab lesson {following}")

    def _following(self) -> str:
        """The number of the lesson behind this one in the course; "" for none."""
        from pagefault_lab.tutor import course

        files = [path.resolve() for path in course.files()]
        here = Path(self.lesson.name).resolve()
        place = files.index(here) + 1 if here in files else len(files)
        return str(course.number(files[place])) if place < len(files) else ""

    def _say_goodbye(self) -> None:
        """Where someone has left, how to come back, and how to hand in."""
        attempt, lesson = self.attempt, self.lesson
        where = f"part {attempt.at + 1} of {len(lesson.parts)}, {attempt.points} of {lesson.points} points"
        self._say(f"\nleft at {where}")
        if self._journal is not None:
            self._say(f"  to go on:    {self._again}")
        self._say_how_to_hand_in()

    def _say_how_to_hand_in(self) -> None:
        if self._journal is None:
            return self._say("  nothing of it is kept")
        return self._say(f"  to hand in:  {self._submit}")

    def _say(self, text: str) -> None:
        Screen(self.plain).say(text)
        sys.stdout.flush()
