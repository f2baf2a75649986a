"""`micro fault`: a fault of the past once more, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("micro fault", group="running")
def micro_fault(session: Session, number: Count | None = None) -> Iterator[object]:
    """Go once more through the last fault stage by stage, or through that of NUMBER in the history.

    `timeline` and `why fault` number them alike. The machine stays where it is. `micro` shows the next stage, and an
    empty line does it again; `micro back` shows the stage before.
    """
    from pagefault_lab.lab import micro
    from pagefault_lab.lab.explain import fault_in

    step = fault_in(session, number, "`micro` goes through the next step, whatever it is")
    session.repetition = "micro"
    yield from micro.replay(session, step)
