"""The answer of a task or a question."""

from __future__ import annotations

from pagefault_lab.tutor.told import AnswerShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import code_lines
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.markdown import in_column


@view(AnswerShown)
def answer_shown(answer: AnswerShown) -> Lines:
    """The lines, and what seeing them costs."""
    costs = "it earns nothing more from now on; try it all the same" if answer.counts else ""
    return in_column(
        Lines.of(
            Line.of(Span("answer", STRONG), f": {answer.id}"),
            code_lines(answer.lines),
            Line.of(costs) if costs else None,
        )
    )
