"""What someone who takes a lesson is told: values, as everything that a line says.

Texts are Markdown in which everything is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pagefault_lab.lab.results import Place


class PartBegun(NamedTuple):
    """A part begins: number `part` (from 1) of `parts`. `exercise` is the id of what is at its end; "" for nothing."""

    lesson: str  # its title
    part: int
    parts: int
    exercise: str


class ProseShown(NamedTuple):
    """Text of the lesson."""

    text: str


class LessonLine(NamedTuple):
    """A line of the lesson is typed for someone who stands at `place`, None inside of an unfinished block; what it says
    follows. `number` is that of the line in the lesson's file."""

    place: Place | None
    line: str
    number: int = 0


class GoalShown(NamedTuple):
    """A goal of a task: what it wants ("" if the task says it), what it is worth, and whether it holds now; None where
    nobody has looked."""

    text: str
    points: int
    holds: bool | None


class TaskShown(NamedTuple):
    """What is to be done."""

    id: str
    title: str
    text: str
    goals: tuple[GoalShown, ...]
    points: int
    earned: int
    solved: bool
    hints: int  # how many hints there are
    budget: int | None


class AskShown(NamedTuple):
    """A question. `tries` are the replies that are left to count; `over`: it was answered, or there are none left."""

    id: str
    title: str
    question: str
    choices: tuple[str, ...]
    points: int
    earned: int
    tries: int
    hints: int
    over: bool


class QuestionShown(NamedTuple):
    """A question of a prediction, and what was said to it; None for nothing yet."""

    question: str
    choices: tuple[str, ...]
    said: str | None


class PredictShown(NamedTuple):
    """Questions about lines that the machine has not yet executed. `each` are the points of each of them."""

    id: str
    title: str
    text: str
    lines: tuple[str, ...]
    questions: tuple[QuestionShown, ...]
    each: int
    earned: int
    hints: int
    over: bool


class Checked(NamedTuple):
    """How a task stands. `late`: everything holds, but after more steps than its budget has."""

    id: str
    goals: tuple[GoalShown, ...]
    earned: int
    points: int
    solved: bool
    steps: int  # since it began
    budget: int | None
    late: bool


class Solved(NamedTuple):
    """A task is solved, or a question rightly answered."""

    id: str
    earned: int
    points: int
    after: str


class Remarked(NamedTuple):
    """Something that the lesson says to what someone has done."""

    text: str


class HintShown(NamedTuple):
    """Hint number `number` of `hints`. `again`: it is the last one, and was shown before."""

    id: str
    number: int
    hints: int
    text: str
    again: bool = False


class AnswerShown(NamedTuple):
    """The lines that solve a task, or what would have been right to say. `counts`: it earns nothing from now on."""

    id: str
    lines: tuple[str, ...]
    counts: bool


class Wronged(NamedTuple):
    """A reply was not right. `tries` are left to count; without one, `right` is what would have been ("" if only the
    machine's own digest knows it), and `after` says why."""

    id: str
    said: str
    tries: int
    right: str
    after: str


class PredictedRow(NamedTuple):
    """A question of a prediction, what was said, and what the machine did."""

    question: str
    said: str
    right: str
    is_right: bool


class Predicted(NamedTuple):
    """What the machine has done, beside what someone expected."""

    id: str
    rows: tuple[PredictedRow, ...]
    earned: int
    points: int
    after: str


class PartRow(NamedTuple):
    """A part in the list of parts. `state` is "", "begun", "solved" or "missed"; `here`: one stands there."""

    part: int
    exercise: str  # its id; "" for a part without one
    kind: str  # task, ask, predict or ""
    title: str
    earned: int
    points: int
    state: str
    hints: int  # that were asked for
    answered: bool  # its answer was shown
    here: bool


class LessonShown(NamedTuple):
    """A lesson's parts, and how someone stands. `over`: they have come to its end."""

    title: str
    key: str
    rows: tuple[PartRow, ...]
    earned: int
    points: int
    over: bool


class CourseRow(NamedTuple):
    """A lesson in the list of the course. `state` is "new", "begun", "done" or "changed": it is not any more the lesson
    that was begun."""

    number: int
    title: str
    summary: str
    minutes: int
    earned: int
    points: int
    state: str


class CourseShown(NamedTuple):
    """The course. `following` is the number of the lesson to go on with; None if there is none."""

    rows: tuple[CourseRow, ...]
    following: int | None
