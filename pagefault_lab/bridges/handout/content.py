"""What a handout holds: everything that an attempt tells, each part begun as the lesson has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.bridges.plain_text import WIDTH, plain_text
from pagefault_lab.lab.pictures import Picture
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.editions import known
from pagefault_lab.tutor.exercises.showing import task_shown
from pagefault_lab.tutor.lesson import STUDENT, Lab, Predict, Program, Prose, Show, Task
from pagefault_lab.tutor.lesson_files import LessonFiles
from pagefault_lab.tutor.quoting import replaced, written
from pagefault_lab.tutor.told import (
    AnswerShown,
    AskShown,
    HintShown,
    LessonLine,
    PartBegun,
    Predicted,
    PredictShown,
    ProseShown,
    Solved,
    TaskShown,
)
from pagefault_lab.views import render
from pagefault_lab.views.lines import Lines, Span
from pagefault_lab.views.words import count

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import AnyExercise, Lesson, Part
    from pagefault_lab.tutor.quoting import Quote
    from pagefault_lab.views.lines import Row

BEGINNING: Final = "<!-- a handout by pagefault-lab -->\n"
OPEN: Final = "[?]"  # for what nobody knows who prints it
_ABOUT_OPEN: Final = f"*This begins where the task before it was solved; {OPEN} is what the machine says there.*"
ExerciseShown: TypeAlias = TaskShown | AskShown | PredictShown


@dataclass(slots=True)
class Said:
    """Lines of the lesson and what they say, in their order: values that have views."""

    values: list[object] = field(default_factory=list)


class Right(NamedTuple):
    """What is right: the lines of a task, or the reply to each question; and what is said then."""

    lines: tuple[str, ...]
    after: str


@dataclass(slots=True)
class Section:
    """A part: prose and what lines have said, then the exercise at its end. `number` counts these from 1; `right` is
    there only for who teaches."""

    number: int = 0
    blocks: list[str | Said] = field(default_factory=list)
    exercise: ExerciseShown | None = None
    hints: tuple[str, ...] = ()
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class Handout:
    """A lesson as it is for a seed."""

    lesson: Lesson
    seed: str
    sections: tuple[Section, ...]


def handout(lesson: Lesson, seed: str = "", hints: bool = False, answers: bool = False) -> Handout:
    """Go through a lesson; a Problem where it cannot be gone through."""
    if answers and lesson.edition == STUDENT:
        raise Problem("this edition of the lesson has no answers", "render the one that it was made of")
    return Handout(lesson, seed, tuple(_sections(lesson, seed, hints, answers)))


def _sections(lesson: Lesson, seed: str, hints: bool, answers: bool) -> Iterator[Section]:
    attempt = Attempt(lesson, seed)
    attempt.session.files = LessonFiles(lesson)  # for answers: they reach no more than the lesson's lines
    continued = set() if lesson.edition == STUDENT else {lesson.continued(at) for at in range(len(lesson.parts))}
    number = 0
    for at, part in enumerate(lesson.parts):
        exercise = part.exercise
        if lesson.edition == STUDENT and isinstance(exercise, Task) and exercise.continues:
            section = _unknown(attempt, part, exercise, hints)
        else:
            section = Section()
            for value in attempt.begin(at):
                _take(value, section)
            if exercise is not None and hints:
                told = (value for _ in exercise.hints for value in attempt.execute("lesson hint"))
                section.hints = tuple(value.text for value in told if isinstance(value, HintShown))
            if exercise is not None and (answers or at in continued):
                right = _right(attempt, exercise)
                section.right = right if answers else None
        if exercise is not None:
            number += 1
            section.number = number
        yield section


def _unknown(attempt: Attempt, part: Part, task: Task, hints: bool) -> Section:
    """A part that begins where a task was solved, in an edition that does not say how: what its lines say is left out,
    and what depends on the machine is left open."""
    scope = attempt.scope()

    def told(quote: Quote) -> str:
        value = known(quote.expression, scope)
        return OPEN if value is None else written(value, quote.letter, scope)

    def filled(text: str, _: int) -> str:
        return replaced(text, told)

    section = Section(blocks=[_ABOUT_OPEN])
    for block in part.blocks:
        match block:
            case Prose(text, line):
                section.blocks.append(filled(text, line))
            case Lab(lines, quiet=False) | Program(lines, quiet=False):
                section.blocks.append(Said([LessonLine(None, filled(line, 0)) for line in lines.lines]))
            case Show(line):
                section.blocks.append(Said([LessonLine(None, filled(line, 0))]))
    section.exercise = task_shown(task, attempt.standings[task.id], filled)
    section.hints = tuple(filled(hint, task.line) for hint in task.hints) if hints else ()
    return section


def _take(value: object, section: Section) -> None:
    """Put what an attempt tells into the section."""
    match value:
        case PartBegun():
            pass
        case ProseShown(text):
            section.blocks.append(text)
        case TaskShown() | AskShown() | PredictShown():
            section.exercise = value
        case _:
            if not (section.blocks and isinstance(section.blocks[-1], Said)):
                section.blocks.append(Said())
            said = section.blocks[-1]
            assert isinstance(said, Said)
            said.values.append(value)


def _right(attempt: Attempt, exercise: AnyExercise) -> Right:
    """Do what is right in the present exercise."""
    if isinstance(exercise, Predict):
        replies = ("1" if question.choices else "0" for question in exercise.questions)  # any, so that it is executed
        told = attempt.execute(f"lesson say {', '.join(replies)}")
        (predicted,) = (value for value in told if isinstance(value, Predicted))
        return Right(tuple(row.right for row in predicted.rows), predicted.after)
    standing = attempt.standing
    assert standing is not None
    standing.over = True  # as for someone who has given up, so that it is shown
    (shown,) = (value for value in attempt.execute("lesson answer") if isinstance(value, AnswerShown))
    standing.over = False
    lines = shown.lines if isinstance(exercise, Task) else [f"lesson say {line}" for line in shown.lines]
    told = (value for line in lines for value in attempt.execute(line))
    after = [value.after for value in told if isinstance(value, Solved)]
    return Right(shown.lines, "\n\n".join(after))


# --- what the machine says


def pieces(said: Said) -> Iterator[Picture | list[Row]]:
    """What lines say as pictures, and as rows between them."""
    rows: list[Row] = []
    for value in said.values:
        if isinstance(value, Picture):
            if rows:
                yield rows
            yield value
            rows = []
        else:
            rows += rows_of(value)
    if rows:
        yield rows


def rows_of(value: object) -> Iterable[Row]:
    """The rows of a value's view."""
    shown = render(value)
    return shown.rows(WIDTH) if isinstance(shown, Lines) else ([Span(line)] for line in plain_text(value))


# --- words that every form of a handout has


def facts(shown: Handout) -> Iterator[str]:
    """What there is to know of the whole."""
    lesson = shown.lesson
    if lesson.minutes:
        yield f"{lesson.minutes} minutes"
    yield count(lesson.points, "point")
    if lesson.variants:
        yield f"the values of seed {shown.seed}" if shown.seed else "everyone who takes it has other values"


def without_title(text: str, title: str) -> str:
    """Prose without a first heading that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if first.strip() == f"# {title}" else text


def kind_of(exercise: ExerciseShown) -> str:
    """What an exercise is called."""
    match exercise:
        case TaskShown():
            return "Task"
        case AskShown():
            return "Question"
        case PredictShown():
            return "Prediction"


def points_of(exercise: ExerciseShown) -> int:
    return exercise.each * len(exercise.questions) if isinstance(exercise, PredictShown) else exercise.points
