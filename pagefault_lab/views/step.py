"""A bare step, as the machine gives it: told without names."""

from __future__ import annotations

from pagefault_lab.machine.step import Step
from pagefault_lab.views import view
from pagefault_lab.views.lines import Lines
from pagefault_lab.views.story import of_step


@view(Step)
def step(made: Step) -> Lines:
    """The story of the step."""
    return of_step(made)
