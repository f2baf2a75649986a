"""How a session tells a line: each of its steps, whole or stage by stage, and what is shown behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab import authors
from pagefault_lab.lab.story import tell
from pagefault_lab.machine.step import ShutDown, Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.rescue import GivenUp
    from pagefault_lab.lab.results import Disassembly, Examined, StructureValue, Value
    from pagefault_lab.lab.session import Session


class Displayed(NamedTuple):
    """What `display` shows again and again: a value or, by the letter i, the instruction there."""

    expression: Expression
    letter: str

    def now(self, session: Session) -> Value | StructureValue | Examined | Disassembly:
        """As it is now; a Problem if there is none."""
        if self.letter != "i":
            return self.expression.shown(session, self.letter)
        from pagefault_lab.lab.code import disassembly

        return disassembly(session, self.expression.value(session) & 0xFFFFFFFF, None, 1)


def told(session: Session, step: Step) -> Iterator[object]:
    """A step that the machine has just made: its Story with names, or its Stages if `micro on` asked for them."""
    story = tell(step, session.symbols.name, session.machine, partial(authors.of_tables, session))
    if session.by_stages:
        from pagefault_lab.lab.stages import take_apart

        yield take_apart(story)
    else:
        yield story
    yield from given_up(session, step)


def given_up(session: Session, step: Step) -> Iterator[GivenUp]:
    """What is to be said behind a step, if the processor has shut down in it."""
    if isinstance(step.end, ShutDown):
        from pagefault_lab.lab import rescue

        yield rescue.given_up(session, step)


def behind_line(session: Session, changed: bool) -> Iterator[object]:
    """What is shown behind a line that has `changed` something, or else has gone elsewhere in time.

    That is what `display` asked for, as far as there is a value now; what is wrong with the step that was told last, or
    with the next one; and what `context on` asked for.
    """
    for shown in session.displayed.values():
        with suppress(Problem):
            yield shown.now(session)
    if changed:
        from pagefault_lab.lab.advice import hint

        yield from hint(session)
    if session.shows_context:
        from pagefault_lab.lab.context import context

        yield context(session)
