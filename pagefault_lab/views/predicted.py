"""A prediction beside what the machine has done."""

from __future__ import annotations

from pagefault_lab.tutor.told import Predicted
from pagefault_lab.views import view
from pagefault_lab.views.exercise import SIGNS, earned_of, told
from pagefault_lab.views.lines import Line, Lines, note, table
from pagefault_lab.views.markdown import in_column, inline
from pagefault_lab.views.words import printable


@view(Predicted)
def predicted(found: Predicted) -> Lines:
    """A row for each question."""
    rows = (
        (SIGNS[row.is_right], printable(row.said), printable(row.right), "".join(s.text for s in inline(row.question)))
        for row in found.rows
    )
    return in_column(
        Lines.of(
            Line.of(""),
            table(rows, ("", "you said", "the machine", "")),
            Line.of(f"{found.id}: {earned_of(found.earned, found.points)}"),
            told(found.after),
            Line.of(note("`lesson next` goes on")),
        )
    )
