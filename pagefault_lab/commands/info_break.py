"""`info break`: the breakpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.breakpoints.told import BreakpointList, line_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info break", "info breakpoints", "info watchpoints", group="looking")
def info_break(session: Session) -> Iterator[object]:
    """List breakpoints, watchpoints and catchpoints: number, what each waits for, how often it was hit, conditions.

    Hits are counted where the condition holds, also those that `ignore` lets pass. They go back in time.
    """
    yield BreakpointList(tuple(line_of(session, point) for point in session.breakpoints))
