"""`goto fault`: to just before a fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.travel import go_to_fault

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("goto fault", group="running")
def goto_fault(session: Session, number: Count | None = None) -> Iterator[object]:
    """Go to just before the fault of that NUMBER in the history, back or forward; before the last one without.

    `timeline` and `why fault` number them alike. `si` then makes it happen once more.
    """
    yield go_to_fault(session, number)
