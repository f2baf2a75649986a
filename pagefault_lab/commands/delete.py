from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab.results import BreakpointsDeleted

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("delete", "d", group="running")
def delete(session: Session, *numbers: Number) -> Iterator[object]:
    """Delete breakpoints by their numbers; without one, all."""
    wanted = tuple(numbers) or tuple(breakpoint.number for breakpoint in session.breakpoints)
    for number in wanted:
        session.breakpoints.check(number)
    for number in dict.fromkeys(wanted):
        session.breakpoints.delete(number)
    yield BreakpointsDeleted(wanted)
