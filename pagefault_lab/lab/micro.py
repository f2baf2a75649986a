"""Stage by stage through the next step, forward and back; and once more through a fault that has been delivered.

The next step is told by a copy of the machine. The machine itself makes it when its last stage is shown, so that
whoever has seen a step to its end stands behind it; going back from there takes it back. Between two stages of a step
the machine stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab import telling
from pagefault_lab.lab.results import Ran
from pagefault_lab.lab.stages import Stages, StageShown, take_apart
from pagefault_lab.lab.story import tell
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine


class AtStage(NamedTuple):
    """The stage that was shown last, and how many steps the machine had made then: elsewhere it says nothing."""

    shown: StageShown
    steps: int


def forward(session: Session) -> Iterator[object]:
    """Show the next stage: the first one of the next step, if none is open or its last stage was shown."""
    shown = _standing(session)
    if shown is None or shown.is_last:
        _check_goes_on(session)
        yield from _show(session, StageShown(_told(session, session.machine.copy()), 0, replayed=False))
    else:
        yield from _show(session, shown._replace(at=shown.at + 1))


def backward(session: Session) -> Iterator[object]:
    """Show the stage before: of the step before, if none is open or its first stage was shown."""
    shown = _standing(session)
    if shown is None:
        shown = _last_stage(session, session.machine.steps)
    if shown.at:
        yield from _show(session, shown._replace(at=shown.at - 1))
    elif shown.replayed:
        raise Problem("this is the first stage of the fault", "`micro` shows the next one")
    else:
        yield from _show(session, _last_stage(session, shown.whole.told.step.number))


def replay(session: Session, step: Step) -> Iterator[object]:
    """Show the first stage of a step of the past; the machine stays where it is."""
    whole = take_apart(tell(step, session.symbols.name))
    yield from _show(session, StageShown(whole, 0, replayed=True))


def _standing(session: Session) -> StageShown | None:
    """The stage that was shown last, unless the machine has gone elsewhere."""
    found = session.micro
    return found.shown if found is not None and found.steps == session.machine.steps else None


def _check_goes_on(session: Session) -> None:
    """A Problem if there is no next step."""
    session.check_runs()
    if session.code.ends_at_eip and not session.interrupt_is_next:
        hint = "`micro back` goes into the step that was made last; after `micro on` each step is told by its stages"
        raise Problem("there is nothing to execute: the typed code ends here", hint)


def _last_stage(session: Session, steps: int) -> StageShown:
    """The last stage of the step that led to where the machine has made so many; a Problem if the history has none."""
    if steps == session.history.first_step:
        raise Problem("there is no step before this one", "the history begins here; `micro` goes through the next step")
    whole = _told(session, session.history.machine_at(steps - 1))
    return StageShown(whole, len(whole.stages) - 1, replayed=False)


def _says_nothing(value: object) -> bool:
    """Whether it only says that the run of one step is over."""
    return isinstance(value, Ran) and value.breakpoint is None


def _told(session: Session, copy: Machine) -> Stages:
    """The stages of the step that a copy of the machine makes now."""
    return take_apart(tell(copy.step(), session.symbols.name, copy))


def _show(session: Session, shown: StageShown) -> Iterator[object]:
    """Let the machine stand where a stage wants it, before its step or behind it, and stand there."""
    number = shown.whole.told.step.number
    also: list[object] = []
    if not shown.replayed:
        made = session.machine.steps > number
        if shown.is_last and not made:
            values = list(session.runner.steps(1))
            if not any(isinstance(value, Step) for value in values):  # Ctrl-C came before it
                yield from values
                return
            also += [value for value in values if not isinstance(value, Step) and not _says_nothing(value)]
            also += telling.given_up(session, shown.whole.told.step)
        elif made and not shown.is_last:
            session.moving()
            session.history.go_to(number)
    session.micro = AtStage(shown, session.machine.steps)
    if shown.replayed and shown.is_last:
        session.repetition = ""  # the replay is over: an empty line goes on to nothing else
    yield shown
    yield from also
