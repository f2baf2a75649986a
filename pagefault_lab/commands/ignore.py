from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab.breakpoints.told import BreakpointSet, line_of
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("ignore", group="running")
def ignore(session: Session, number: Number, count: Number) -> Iterator[object]:
    """Do not stop at the next COUNT hits of a breakpoint; 0 stops at the next one.

    ignore 1 10
    """
    point = session.breakpoints.of(number)
    if count < 0:
        raise Problem(f"{count} is no count", "a number from 0 on")
    point.ignore(count)
    yield BreakpointSet(line_of(session, point))
