"""A prediction beside what the machine has done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pagefault_lab.tutor.told import Predicted, PredictedRow
from pagefault_lab.views import view
from pagefault_lab.views.exercise import SIGNS, earned_of, told
from pagefault_lab.views.lines import Line, Lines, Table, note, table
from pagefault_lab.views.markdown import in_column, inline
from pagefault_lab.views.words import printable

SAID: Final = "you said"
DONE: Final = "the machine"
BESIDE: Final = 40  # columns that both may take; what is longer leaves no room for a question beside it


@view(Predicted)
def predicted(found: Predicted) -> Lines:
    """A row for each question; where replies are sentences, they stand below it."""
    together = sum(max(map(len, column)) for column in zip(*((row.said, row.right) for row in found.rows), strict=True))
    return in_column(
        Lines.of(
            Line.of(""),
            *([_beside(found)] if together <= BESIDE else _below(found)),
            Line.of(f"{found.id}: {earned_of(found.earned, found.points)}"),
            told(found.after),
            Line.of(note("`lesson next` goes on")),
        )
    )


def _beside(found: Predicted) -> Table:
    rows = ((SIGNS[row.is_right], printable(row.said), printable(row.right), _question(row)) for row in found.rows)
    return table(rows, ("", SAID, DONE, ""))


def _below(found: Predicted) -> Iterator[Line | Table]:
    for row in found.rows:
        yield Line.of(SIGNS[row.is_right], "  ", _question(row), hang=3)
        if row.is_right:
            yield Line.of(printable(row.right), indent=3, hang=0)
        else:
            yield table(((SAID, printable(row.said)), (DONE, printable(row.right))), indent=3)


def _question(row: PredictedRow) -> str:
    return "".join(span.text for span in inline(row.question))
