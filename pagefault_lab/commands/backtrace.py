from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("backtrace", "where", group="looking")
def backtrace(session: Session, count: Count | None = None) -> Iterator[object]:
    """Tell what waits for the present function or handler to return: who has called, what was interrupted.

    COUNT is how many levels are told at most. `bt` is short for it; with two operands that is the instruction.

    They are found in the history, not on the stack, whatever the code does there; what was entered before the history
    begins is not known. Where a task was killed, or gave way to another, calls of its own may be told too. Of a long
    history only the last part is searched, with COUNT all of it until so many are found. `reverse-finish` goes to where
    the innermost was entered, `frame` shows what was pushed.
    """
    from pagefault_lab.lab.backtrace import backtrace as levels

    yield levels(session, count)
