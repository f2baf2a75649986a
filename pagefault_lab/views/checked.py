"""How a task stands."""

from __future__ import annotations

from pagefault_lab.tutor.told import Checked
from pagefault_lab.views import view
from pagefault_lab.views.exercise import earned_of, goals_shown
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span, note
from pagefault_lab.views.markdown import in_column
from pagefault_lab.views.words import count


@view(Checked)
def checked(task: Checked) -> Lines:
    """Whether it is solved, its goals, and the steps that it took."""
    points = earned_of(task.earned, task.points)
    if task.solved:
        verdict = Line.of(Span("✓ solved", GOOD), f": {task.id}, {points}")
    else:
        verdict = Line.of(Span("✗ not yet", BAD), f": {task.id}, {points}")
    steps = count(task.steps, "step")
    if task.late:
        text = f"everything holds, but after {steps}, and {task.budget:,} are allowed; `lesson reset` begins anew"
        budget = [Line.of(text, indent=2, hang=0)]
    else:
        budget = [Line.of(note(f"{steps} of {task.budget:,}"), indent=2)] if task.budget is not None else []
    return in_column(Lines.of(verdict, goals_shown(task.goals), *budget))
