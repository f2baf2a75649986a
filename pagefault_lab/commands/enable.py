from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab.breakpoints.told import BreakpointSet, line_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("enable", group="running")
def enable(session: Session, *numbers: Number) -> Iterator[object]:
    """Let breakpoints stop runs again, by their numbers; without one, all."""
    yield from switch(session, numbers, True)


@command("disable", group="running")
def disable(session: Session, *numbers: Number) -> Iterator[object]:
    """Let breakpoints no longer stop runs, by their numbers; without one, all. `enable` lets them again."""
    yield from switch(session, numbers, False)


def switch(session: Session, numbers: tuple[int, ...], enabled: bool) -> Iterator[BreakpointSet]:
    for point in session.breakpoints.some(numbers):
        point.enabled = enabled
        yield BreakpointSet(line_of(session, point))
