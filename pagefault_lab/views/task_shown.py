"""A task."""

from __future__ import annotations

from pagefault_lab.tutor.told import TaskShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import earned_of, exercise, goals_shown, helps, keys
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.markdown import markdown
from pagefault_lab.views.words import count


@view(TaskShown)
def task_shown(task: TaskShown) -> Lines:
    """What is to be done, what it is worth, and what helps."""
    worth = earned_of(task.earned, task.points) if task.earned else count(task.points, "point")
    budget = f"within {count(task.budget, 'step')}" if task.budget is not None else ""
    what_helps = keys(budget, helps(task.hints), "`check` tells how it stands", "`task` shows it again")
    return exercise(
        "task", task.title or task.id, worth, markdown(task.text), goals_shown(task.goals),
        Line.of("✓ solved; `lesson next` goes on") if task.solved else what_helps,
    )  # fmt: skip
