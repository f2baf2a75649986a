"""`pagefault-lab grade`: the table of grades."""

from __future__ import annotations

from pagefault_lab.tutor.grading.grades import Grades
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, NAME, Line, Lines, Span, table
from pagefault_lab.views.words import printable

LONGEST = 28  # characters of a name


@view(Grades)
def grades(found: Grades) -> Lines:
    """A row for each student and lesson, what there is to say of some of them, and the sums."""
    rows = [
        (
            Span(_cut(printable(row.student)), NAME),
            row.lesson or "-",
            f"{row.points}",
            f"{row.most}" if row.lesson else "",
            f"{row.solved}/{row.exercises}" if row.exercises else "",
            f"{row.hints or ''}",
        )
        for row in found.rows
    ]
    heading = ("student", "lesson", "points", "of", "solved", "hints")
    said = [
        Line.of(Span(_cut(printable(row.student)), NAME), ": ", Span(printable(row.told), BAD))
        for row in found.rows
        if row.told
    ]
    sums = Line.of(found.sums)
    empty = Line.of("")
    return Lines.of(table(rows, heading, right=(2, 3, 4, 5)), empty, *said, *([empty] if said else []), sums)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."
