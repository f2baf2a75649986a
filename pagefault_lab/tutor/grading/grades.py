"""What grading finds: a Grade for each submission, as a value and as JSON."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pagefault_lab.problem import count
from pagefault_lab.tutor.variants import same_name

GRADED, PARTLY, REFUSED = "graded", "partly", "refused"
VERDICTS: Final = (GRADED, PARTLY, REFUSED)


class ExerciseGrade(NamedTuple):
    """How someone stands in an exercise. `lines` were typed at it or said, `hints` asked for; `answered`: they looked
    at the answer before it was solved. `said` is what the lesson said to mistakes; `remarks` are the same, with names
    in place of the values of the student's variant; `wrong`, too, is the first wrong line or reply, "" for none."""

    id: str
    kind: str  # task, ask or predict
    title: str
    points: int
    most: int
    solved: bool
    lines: int
    hints: int
    answered: bool
    said: tuple[str, ...]
    remarks: tuple[str, ...]
    wrong: str


class Grade(NamedTuple):
    """What a submission has earned.

    `student` is who has handed it in; "" where it cannot be read as a whole. Its beginning may still name somebody:
    that is who it is `claimed` to be of, and nobody has checked it.

    `verdict`: GRADED; PARTLY if a line of it did something else than it had done, so that only what was earned before
    counts; REFUSED if nothing counts. `told` is the sentence for that. `flags` are what the instructor should look at.
    `certain`: it would be the same on every computer. `counts`: it is the best one of its student in this lesson.
    """

    file: str
    student: str
    lesson: str  # its key
    title: str
    points: int
    most: int
    verdict: str
    told: str
    flags: tuple[str, ...]
    lines: int
    exercises: tuple[ExerciseGrade, ...]
    certain: bool = True
    counts: bool = True
    claimed: str = ""

    @property
    def name(self) -> str:
        """Who it is of, as far as is known; else the file."""
        return self.student or (f"{self.claimed} (unverified), {self.file}" if self.claimed else self.file)

    @property
    def identity(self) -> tuple[str, str]:
        """What two submissions of one student in one lesson have in common."""
        name = same_name(self.student)
        return (self.lesson, f"student {name}" if name else f"file {self.file}")


class Row(NamedTuple):
    """A line of the table of grades: of one student in one lesson."""

    student: str
    lesson: str
    points: int
    most: int
    solved: int
    exercises: int
    hints: int
    told: str  # why it is not simply graded; "" if it is


class Grades(NamedTuple):
    """The table of grades, and how many submissions there were of each verdict. `replaced` are those of which the same
    student has a better one."""

    rows: tuple[Row, ...]
    submissions: int
    partly: int
    refused: int
    replaced: int

    @property
    def sums(self) -> str:
        """All of them in a sentence without its full stop."""
        parts = (
            count(self.submissions, "submission"),
            f"{self.partly} graded in part" if self.partly else "",
            f"{self.refused} not at all" if self.refused else "",
            f"{self.replaced} replaced by a better one" if self.replaced else "",
        )
        return ", ".join(filter(None, parts))


def row_of(grade: Grade) -> Row:
    """A grade as a line of the table."""
    return Row(
        grade.name, grade.lesson, grade.points, grade.most,
        sum(each.solved for each in grade.exercises), len(grade.exercises),
        sum(each.hints for each in grade.exercises), "; ".join(filter(None, (grade.told, *grade.flags))),
    )  # fmt: skip


def to_json(grade: Grade) -> dict[str, Any]:
    """A grade as JSON has it."""
    exercises = [each._asdict() | {"said": list(each.said), "remarks": list(each.remarks)} for each in grade.exercises]
    return grade._asdict() | {"flags": list(grade.flags), "exercises": exercises}


def from_json(found: Any) -> Grade:
    """The inverse; ValueError, KeyError or TypeError for what is none."""
    exercises = tuple(
        ExerciseGrade(**{**each, "said": tuple(each["said"]), "remarks": tuple(each["remarks"])})
        for each in found["exercises"]
    )
    grade = Grade(**{**found, "flags": tuple(found["flags"]), "exercises": exercises})
    if grade.verdict not in VERDICTS:
        raise ValueError(grade.verdict)
    return grade
