"""Points of time, and the machine as it was then: what `diff` compares."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.scopes import Then
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine


class Moment(NamedTuple):
    """When: how many steps had been made, and which line was about to be executed, "" if it was in the midst of one.

    `now` tells whether it is the present.
    """

    steps: int
    line: str = ""
    now: bool = False


def present(session: Session) -> tuple[Moment, Machine]:
    """Now."""
    return Moment(session.machine.steps, now=True), session.machine


def before_last_line(session: Session) -> tuple[Moment, Machine]:
    """Before the last line that changed something."""
    mark = session.history.last_line
    if mark is None:
        raise Problem("no line has changed anything yet", "`diff STEP` compares with an earlier step")
    return _at(session, mark)


def at_step(session: Session, step: Expression) -> tuple[Moment, Machine]:
    """When the machine had made so many steps; a negative number counts back from now.

    What the host changes takes no step. So of the states at one step it is the first in which the expression had that
    value: for a variable that was set to `steps` the one in which it was set, for a number the one that was reached.
    """
    now = session.machine.steps
    value = step.value(session)
    steps = value + now if value < 0 else value
    if not 0 <= steps <= now:
        hint = f"{now} steps were made so far"
        raise Problem(f"step {steps} has not been made", hint, text=step.line, column=step.column)
    marks = session.history.marks_at(steps)
    if not marks:
        return Moment(steps), session.history.machine_at(steps)
    known = (mark for mark in marks if _value_at(session, step, mark) == value)
    return _at(session, next(known, marks[0]))


def _at(session: Session, mark: int) -> tuple[Moment, Machine]:
    machine = session.history.machine_of(mark)
    return Moment(machine.steps, session.history.marks[mark].line), machine


def _value_at(session: Session, step: Expression, mark: int) -> int | None:
    """What an expression would have given with the variables of a mark; None if it names one that was not set."""
    variables = session.variables_in(session.history.marks[mark].state)
    with suppress(Problem):
        return step.value(Then.of(session, session.machine, variables))
    return None
