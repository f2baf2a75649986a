from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.breakpoints.told import BreakpointSet, line_of
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("c", "continue", group="running", repeats=True)
def continue_(session: Session, count: Count | None = None) -> Iterator[object]:
    """Run until something stops it.

    That is a breakpoint; the end of a typed line that had faulted and is now executed; the end of what was typed; a
    task that the guest kernel has started anew; a processor that waits for an interrupt or is shut down; Ctrl-C.
    With COUNT, the breakpoint that was hit here lets hits pass, and stops it again at the COUNT-th one from here on.
    """
    if count is not None:
        session.check_not_shut_down()
        here = [point for point in session.breakpoints.active if point.was_hit_here]
        if not here:
            raise Problem("no breakpoint was hit here", "`ignore NUMBER COUNT`, then `c`, passes hits of any")
        for point in here:
            point.ignore(count - 1)
            yield BreakpointSet(line_of(session, point))
    yield from session.runner.go()
