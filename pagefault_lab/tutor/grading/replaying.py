"""Grading one submission: it is read, its lesson is taken anew, and its lines are repeated there.

Nothing that the file says of points is looked at. Whatever is wrong with it ends in a sentence and no points; a line
that does something else than it had done ends it, and what was earned before counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pagefault_lab import __version__
from pagefault_lab.lab.recording import Line
from pagefault_lab.machine.effort import EFFORT, TooMuch
from pagefault_lab.problem import Problem, count
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.grading.grades import GRADED, PARTLY, REFUSED, ExerciseGrade, Grade
from pagefault_lab.tutor.grading.limits import Limits
from pagefault_lab.tutor.lesson import Lesson, Task
from pagefault_lab.tutor.submission import Submission, claimed_student, one_line, read_submission
from pagefault_lab.tutor.told import Predicted, Remarked, Wronged
from pagefault_lab.tutor.variants import seed_of

LONGEST: Final = 300  # characters of a sentence, a remark, a wrong line
MOST_REMARKS: Final = 20  # of an exercise
SMALL: Final = 9  # numbers that may stand in a line for many reasons
_NUMBER: Final = re.compile(r"\b(?:0[xX][0-9a-fA-F]+|[1-9][0-9]*)\b", re.ASCII)


def grade(data: bytes, file: str, lessons: Mapping[str, Lesson], limits: Limits) -> Grade:
    """What the submission in a file of this name earns in one of these lessons (by key)."""
    try:
        submission = read_submission(data, "it")
    except Problem as problem:
        return refused(file, _sentence(problem))._replace(claimed=claimed_student(data))
    student = submission.student
    lesson = lessons.get(submission.key)
    if lesson is None:
        known = ", ".join(sorted(lessons))
        return refused(file, f"it is of the lesson {submission.key}, and graded is {known}", student)
    sentence = _unfit(submission, lesson, limits)
    if sentence:
        return refused(file, sentence, student, lesson)
    return _Replay(submission, lesson, limits).grade(file)


def refused(file: str, sentence: str, student: str = "", lesson: Lesson | None = None, certain: bool = True) -> Grade:
    """The grade of a submission that earns nothing."""
    key, title, most = ("", "", 0) if lesson is None else (lesson.key, lesson.title, lesson.points)
    told = one_line(sentence, LONGEST)
    return Grade(_called(file), student, key, title, 0, most, REFUSED, told, (), 0, (), certain)


def _called(file: str) -> str:
    """The name of a file as it stands in reports: names need not even be text."""
    return one_line(file, LONGEST)


def _unfit(submission: Submission, lesson: Lesson, limits: Limits) -> str:
    """Why a submission cannot be repeated in this lesson; "" if it can."""
    recording = submission.recording
    if submission.digest != lesson.digest and not limits.any_version:
        return f"it is of another version of the lesson {lesson.key}"
    if recording.world != lesson.world:
        return f"it was begun in the world {recording.world}, and the lesson is in {lesson.world}"
    if len(recording.inputs) > limits.lines:
        return f"it has {count(len(recording.inputs), 'line')}, more than {limits.lines:,}"
    return ""


class _TooTalkative(Exception):
    """More values than are allowed."""


class _Replay:
    """One submission that is repeated, and what is seen of it meanwhile."""

    def __init__(self, submission: Submission, lesson: Lesson, limits: Limits) -> None:
        self.submission = submission
        self.lesson = lesson
        self.limits = limits
        self.attempt: Attempt | None = None
        self.values = 0
        self.wrong: dict[str, str] = {}  # by exercise: the first wrong line or reply
        self.first: dict[str, str] = {}  # the first line that was typed at it

    def grade(self, file: str) -> Grade:
        """Repeat it, and look at what it has come to."""
        student, lesson, limits = self.submission.student, self.lesson, self.limits
        verdict, told = GRADED, ""
        try:
            with EFFORT.at_most(limits.instructions):
                self._repeat()
        except Problem as problem:
            if problem.line is None or problem.file is not None:  # it has not begun, or the lesson does not work
                return refused(file, _sentence(problem), student, lesson)
            verdict, told = PARTLY, f"{_sentence(problem)}; what was earned before counts"
        except TooMuch:
            return refused(
                file, f"it executes more than {count(limits.instructions, 'instruction')}, or what takes as long",
                student, lesson,
            )  # fmt: skip
        except _TooTalkative:
            return refused(file, f"its lines tell more than {count(limits.values, 'value')}", student, lesson)
        except MemoryError:
            self.attempt = None
            return refused(file, f"it takes more than {limits.memory} MiB of memory", student, lesson, certain=False)
        except Exception as error:  # a bug of ours, which costs nobody else anything
            sentence = f"pagefault-lab fails on it, please report that: {type(error).__name__}: {error}"
            return refused(file, sentence, student, lesson, certain=False)
        exercises = self._exercises()
        points = sum(each.points for each in exercises)
        inputs = len(self.submission.recording.inputs)
        return Grade(
            _called(file), student, lesson.key, lesson.title, points, lesson.points, verdict, told, self._flags(),
            inputs, exercises,
        )  # fmt: skip

    def _repeat(self) -> None:
        self.attempt = attempt = Attempt(self.lesson, self.submission.seed)
        if self.limits.line:
            attempt.session.budget = min(self.limits.line, self.lesson.budget)
        for each in attempt.replay(self.submission.recording, self._take):
            exercise = attempt.exercise
            if isinstance(exercise, Task) and isinstance(each, Line) and attempt.standings[exercise.id].lines == 1:
                self.first.setdefault(exercise.id, each.text)

    def _take(self, value: object) -> None:
        """A line has told something."""
        self.values += 1
        if self.values > self.limits.values:
            raise _TooTalkative
        match value:
            case Wronged(id, said):
                self.wrong.setdefault(id, said)
            case Predicted(id, rows):
                for row in rows:
                    if not row.is_right:
                        self.wrong.setdefault(id, f"{row.question} {row.said}")
            case Remarked():
                attempt = self.attempt
                assert attempt is not None
                exercise, last = attempt.exercise, attempt.recording.inputs[-1]
                if isinstance(exercise, Task) and isinstance(last, Line):
                    self.wrong.setdefault(exercise.id, last.text)

    def _exercises(self) -> tuple[ExerciseGrade, ...]:
        attempt = self.attempt
        assert attempt is not None
        found = []
        for exercise in self.lesson.exercises:
            standing = attempt.standings[exercise.id]
            wrong = self.wrong.get(exercise.id, "")
            if not wrong and not standing.solved:
                wrong = self.first.get(exercise.id, "")
            said = tuple(one_line(remark, LONGEST) for remark in standing.remarks[:MOST_REMARKS])
            remarks = tuple(self._shown(remark) for remark in said)
            found.append(
                ExerciseGrade(
                    exercise.id,
                    type(exercise).__name__.lower(),
                    exercise.title,
                    standing.points,
                    exercise.points,
                    standing.solved,
                    standing.lines + len(standing.replies),
                    standing.hints,
                    standing.answered,
                    said,
                    remarks,
                    self._shown(wrong),
                )
            )
        return tuple(found)

    def _shown(self, text: str) -> str:
        """A remark or a line, in which the values of the student's variant have their names: so others can be alike."""
        assert self.attempt is not None
        names = {value: name for name, value in self.attempt.values.items() if value > SMALL}

        def named(match: re.Match[str]) -> str:
            name = names.get(int(match[0], 0) if len(match[0]) <= 12 else -1)
            return match[0] if name is None else f"{{{name}}}"

        return one_line(_NUMBER.sub(named, one_line(text, LONGEST)), LONGEST)

    def _flags(self) -> tuple[str, ...]:
        """What the instructor should look at."""
        student, seed, version = self.submission.student, self.submission.seed, self.submission.recording.version
        found = []
        if not student:
            found.append("nobody's name is in it")
        if self.lesson.variants and seed != seed_of(student, self.lesson.key):
            found.append("its seed is not the student's own: it is another variant of the lesson")
        if self.submission.digest != self.lesson.digest:
            found.append("it was made with another version of the lesson")
            found += [
                f"{exercise.id} continues a task that is not solved any more: it was repeated as far as that goes"
                for exercise in self.lesson.exercises
                if self.attempt is not None and exercise.id in self.attempt.without_solution
            ]
        if version != __version__:
            found.append(f"it was made by pagefault-lab {one_line(version, 20)}")
        return tuple(found)


def _sentence(problem: Problem) -> str:
    """A problem in one line."""
    text = f" ({one_line(problem.text, 60)})" if problem.text else ""
    hint = f": {problem.hint}" if problem.hint else ""
    return one_line(f"{problem.sentence}{text}{hint}", LONGEST)
