"""`frame`: the exception frame on the stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.frames import frame as frame_on_stack
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("frame", "f", "info frame", group="explaining")
def frame(session: Session) -> Iterator[object]:
    """Show the exception frame on the present stack: each value, what it means, and who pushed it.

    Below the values that the processor pushed come those of the handler, each with the instruction that wrote it.
    """
    found = frame_on_stack(session)
    if found is None:
        raise Problem("there is no exception frame on this stack", "in a handler there is one: `kernel`, or a fault")
    yield found
