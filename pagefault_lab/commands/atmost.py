from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number, Rest
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("atmost", group="running")
def atmost(session: Session, steps: Number, line: Rest) -> Iterator[object]:
    """Do what LINE says, and stop it as Ctrl-C would when it has made STEPS steps.

      atmost 1000 c         atmost 50 1: jmp 1b

    So `save` writes a line that Ctrl-C has stopped: a script stops where you have.
    """
    if steps < 0:
        raise Problem(f"{steps} is no number of steps")
    session.note_line(line)
    session.runner.stop_at = steps if session.runner.stop_at is None else min(steps, session.runner.stop_at)
    yield from session.dispatch(line)
    if session.unfinished:
        session.forget_block()
        raise Problem("a line that goes on with the next one cannot be stopped", "write it with ; in one line")
