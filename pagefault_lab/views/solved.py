"""A task is solved, or a question rightly answered."""

from __future__ import annotations

from pagefault_lab.tutor.told import Solved
from pagefault_lab.views import view
from pagefault_lab.views.exercise import earned_of, told
from pagefault_lab.views.lines import GOOD, Line, Lines, Span, note


@view(Solved)
def solved(exercise: Solved) -> Lines:
    """`✓ solved: touch, 10 of 10 points`, and what the lesson says to it."""
    return Lines.of(
        Line.of(Span("✓ solved", GOOD), f": {exercise.id}, {earned_of(exercise.earned, exercise.points)}"),
        told(exercise.after),
        Line.of(note("`lesson next` goes on")),
    )
