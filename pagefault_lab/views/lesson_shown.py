"""A lesson's parts, and how someone stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pagefault_lab.tutor.told import LessonShown, PartRow
from pagefault_lab.views import view
from pagefault_lab.views.exercise import Ruled, earned_of
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Line, Lines, Part, Span, note, table
from pagefault_lab.views.markdown import in_column
from pagefault_lab.views.words import count, printable

STATES: Final = {
    "": Span(""), "begun": Span("… begun"), "solved": Span("✓ solved", GOOD), "missed": Span("✗ missed", BAD),
}  # fmt: skip
HERE: Final = "→"
KINDS: Final = {"ask": "question", "predict": "prediction"}


@view(LessonShown)
def lesson_shown(lesson: LessonShown) -> Lines:
    """A row for each part; at the end of the lesson for each exercise, and which can be gone back to."""
    rows = [row for row in lesson.rows if row.exercise or not lesson.over]
    word = "the end" if lesson.over else count(len(lesson.rows), "part")
    return in_column(
        Lines.of(
            Line.of("") if lesson.over else None,
            Ruled(printable(lesson.title), word),
            table([tuple(_row(row)) for row in rows], right=(1,), optional=(3,)),
            Line.of(Span(earned_of(lesson.earned, lesson.points), STRONG)),
            _left(lesson) if lesson.over else Line.of(note("`lesson goto NUMBER` goes to a part")),
        )
    )


def _row(row: PartRow) -> Iterator[Part]:
    yield Span(HERE if row.here else "", STRONG)
    yield str(row.part)
    if not row.exercise:
        yield note("text")
        return
    yield Span(row.exercise, STRONG)
    yield note(KINDS.get(row.kind, row.kind))
    yield f"{row.earned} of {row.points}"
    yield STATES[row.state]
    helped = (count(row.hints, "hint") if row.hints else "", "answer shown" if row.answered else "")
    yield note(", ".join(filter(None, helped)))


def _left(lesson: LessonShown) -> Line:
    """What has not earned all that it could, and the first of it that still can."""
    left = [row for row in lesson.rows if row.earned < row.points]
    if not left:
        return Line.of(Span("✓ every exercise is solved", GOOD))
    still = [row.exercise for row in left if row.state != "missed"]
    how = f"`lesson goto {still[0]}` returns to what can still be done" if still else "what was missed counts no more"
    return Line.of(f"not all points: {', '.join(row.exercise for row in left)}; {how}", hang=0)
