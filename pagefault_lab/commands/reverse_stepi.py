from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.travel import travel

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("reverse-stepi", "rsi", group="running", repeats=True)
def reverse_stepi(session: Session, count: Count = 1) -> Iterator[object]:
    """Go back one instruction, or COUNT of them: to just before it was executed.

    It reaches into the middle of a run; `back` undoes whole lines.
    """
    yield travel(session, lambda: session.history.go_back(count))
