"""The list of lessons."""

from __future__ import annotations

from typing import Final

from pagefault_lab.tutor.told import CourseRow, CourseShown
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Line, Lines, Part, Span, note, table
from pagefault_lab.views.markdown import in_column
from pagefault_lab.views.words import count, printable

STATES: Final = {
    "new": note("· new"), "begun": Span("→ begun", STRONG), "done": Span("✓ done", GOOD),
    "changed": Span("! changed since", BAD),
}  # fmt: skip
TO_TYPE: Final = (
    ("pagefault-lab lesson {}", "begins it, or goes on with it; by number, name, or file"),
    ("pagefault-lab lesson submit {}", "writes what you hand in"),
)


@view(CourseShown)
def course_shown(course: CourseShown) -> Lines:
    """A row for each lesson, with what it is about where there is room; then what comes next, and what to type."""
    if not course.rows:
        return Lines.of(Line.of("there are no lessons here; `pagefault-lab lesson FILE.md` takes one from a file"))
    following = next((row for row in course.rows if row.number == course.following), course.rows[0])
    keys = [(command.format(following.number), why) for command, why in TO_TYPE]
    wide = max(len(command) for command, _ in keys)
    return Lines.of(
        table([_row(row) for row in course.rows], optional=(5,), right=(0, 2, 3)),
        Line.of(""),
        in_column(Lines.of(Line.of(f"{following.number}  ", Span(printable(following.title), STRONG)))),
        in_column(Lines.of(Line.of(printable(following.summary), indent=3, hang=0))),
        *(Line.of(Span(command.ljust(wide), STRONG), f"  {why}", indent=3) for command, why in keys),
    )


def _row(row: CourseRow) -> tuple[Part, ...]:
    minutes = note(f"{row.minutes} min") if row.minutes else ""
    points = f"{row.earned} of {count(row.points, 'point')}"
    title, summary = Span(printable(row.title), STRONG), note(printable(row.summary))
    return str(row.number), title, minutes, points, STATES[row.state], summary
