from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("si", "stepi", "step", "s", group="running", repeats=True)
def stepi(session: Session, count: Count = 1) -> Iterator[object]:
    """Execute one instruction, or COUNT of them, and tell each.

    One iteration of a repeated string instruction counts as one. A fault enters its handler and counts as one. Of more
    than 32 instructions only the last is told.
    """
    yield from session.runner.steps(count)
