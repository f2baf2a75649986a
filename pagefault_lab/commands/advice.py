"""`advice`: what is wrong now, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("advice", group="explaining")
def advice(session: Session) -> Iterator[object]:
    """Tell what is wrong with the way in which faults are handled here, with its numbers, and what to do about it.

    What the next step does is looked at, and what would become of a page fault of each task, both on copies of the
    machine: whether the IDT, the gate, the stack that the TSS names and the handler are there. Then what may go wrong
    later. `why` gives the advice about one fault.
    """
    from pagefault_lab.lab import advice

    yield advice.now(session)
