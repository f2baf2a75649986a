"""What a lesson is: parts, each of them text that acts and an exercise at its end.

A part begins in a state that the lesson alone decides: the world anew, and then what the `lab` and `asm` blocks down to
there have done in it. What a student does in one part leaves no trace in another; only a task that `continues` begins
where the task before it was solved. So any part can be gone to, done again, proved and graded by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from pagefault_lab.lab.expressions import Expression

FORMAT: Final = 1
STUDENT: Final = "student"  # the edition without answers


class Lines(NamedTuple):
    """Lines as someone types them. `first` is the number of the first one in the lesson's file."""

    lines: tuple[str, ...]
    first: int


# --- what a part is made of


class Prose(NamedTuple):
    """Markdown, to be shown when what stands above it has been done. It may quote the machine: {{ expression }}."""

    text: str
    line: int


class Lab(NamedTuple):
    """Lines that are executed when a part begins. `fresh`: in the world anew, not behind the blocks above. `aside`:
    they do not lead on to later parts. `quiet`: what they say is not shown."""

    lines: Lines
    fresh: bool = False
    aside: bool = False
    quiet: bool = False


class Program(NamedTuple):
    """An `asm` block: a program that is assembled and placed where typed code goes, not executed."""

    lines: Lines
    aside: bool = False
    quiet: bool = False


class Show(NamedTuple):
    """A command whose output belongs to the text. `output` is what stands in the file, `place` the number of the first
    line of that there; whoever takes the lesson sees what the command says then."""

    line: str
    output: tuple[str, ...]
    place: int


Block: TypeAlias = Prose | Lab | Program | Show


# --- exercises


@dataclass(frozen=True, slots=True)
class Goal:
    """What must hold at the end of a line for some points. `text` says it to the student; "" if the task does."""

    holds: Expression
    points: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said to someone for whom `when` holds."""

    when: Expression
    say: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer, what it must earn, and what must be said to it: how a remark begins; "" for nothing certain."""

    lines: Lines
    earns: int
    says: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to be said. The right `answer` is what the expression gives when it is asked for; in a student edition
    it may be known by its `digest` only. With `choices`, it is the number of one of these, from 1 on."""

    text: str
    answer: Expression | None
    choices: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Exercise:
    """What the three kinds have in common. `line` is the number of the fence in the file, `title` what it is called,
    `after` what is said when it is over."""

    id: str
    title: str
    hints: tuple[str, ...]
    remarks: tuple[Remark, ...]
    after: str
    line: int


@dataclass(frozen=True, slots=True)
class Task(Exercise):
    """Something to be done: until all `goals` hold at once, within `budget` steps (None: as many as it takes). An
    earlier moment may have earned more points; the best one counts. `answer` and `wrong` are empty in a student
    edition. `continues`: it begins where the task before it was solved."""

    text: str
    goals: tuple[Goal, ...]
    answer: Lines | None
    wrong: tuple[Wrong, ...]
    budget: int | None
    continues: bool

    @property
    def points(self) -> int:
        return sum(goal.points for goal in self.goals)


@dataclass(frozen=True, slots=True)
class Ask(Exercise):
    """A question about what the machine stands at. The first `tries` replies count; the right one earns `points`."""

    question: Question
    points: int
    tries: int


@dataclass(frozen=True, slots=True)
class Predict(Exercise):
    """Questions about what `lines` will do: they are executed when all are answered, and that is what is right.

    Each right reply earns `each` points. Nothing of it leads on.
    """

    text: str
    lines: Lines
    questions: tuple[Question, ...]
    each: int

    @property
    def points(self) -> int:
        return self.each * len(self.questions)


AnyExercise: TypeAlias = Task | Ask | Predict


@dataclass(frozen=True, slots=True)
class Part:
    """Text that acts, and the exercise at its end; None where the text only pauses."""

    blocks: tuple[Block, ...]
    exercise: AnyExercise | None


# --- variants


class Range(NamedTuple):
    """A whole number from `first` to `last`."""

    first: int
    last: int


class OneOf(NamedTuple):
    """One of these numbers."""

    values: tuple[int, ...]


class Computed(NamedTuple):
    """What an expression gives, in the world as it begins, of the variables before it."""

    value: Expression


Draw: TypeAlias = Range | OneOf | Computed


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson. `key` is its name for ever: progress and seeds go by it. `budget` bounds the instructions of each line.
    `edition` is STUDENT or "". `digest` names what both editions have in common; `source` is the file's text. `folder`
    is where files lie that its lines may read, None for nowhere."""

    name: str  # of the file, as it was given
    key: str
    title: str
    summary: str
    world: str
    minutes: int
    budget: int
    variants: dict[str, Draw]
    parts: tuple[Part, ...]
    edition: str
    digest: str
    source: str
    folder: Path | None

    @property
    def exercises(self) -> list[AnyExercise]:
        return [part.exercise for part in self.parts if part.exercise is not None]

    @property
    def points(self) -> int:
        return sum(each.points for each in self.exercises)

    def continued(self, at: int) -> int | None:
        """The index of the part whose task the task of this part continues; None if it does not."""
        exercise = self.parts[at].exercise
        if not (isinstance(exercise, Task) and exercise.continues):
            return None
        return next(place for place in range(at - 1, -1, -1) if isinstance(self.parts[place].exercise, Task))
