"""`info break`: the breakpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import BreakpointLine, BreakpointList

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info break", "info breakpoints", group="looking")
def info_break(session: Session) -> Iterator[object]:
    """List the breakpoints: number, linear address, condition, and how often each has stopped a run."""
    yield BreakpointList(
        tuple(
            BreakpointLine(
                found.number,
                found.address,
                session.symbols.name(found.address) or "",
                found.temporary,
                found.condition.text if found.condition is not None else "",
                found.hits,
            )
            for found in session.breakpoints
        )
    )
