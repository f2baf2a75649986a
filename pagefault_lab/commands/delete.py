from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab.breakpoints.told import BreakpointsDeleted

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("delete", "d", group="running")
def delete(session: Session, *numbers: Number) -> Iterator[object]:
    """Delete breakpoints, watchpoints and catchpoints by their numbers; without one, all."""
    gone = session.breakpoints.some(numbers)
    for point in gone:
        session.breakpoints.delete(point.number)
    yield BreakpointsDeleted(tuple(point.number for point in gone))
