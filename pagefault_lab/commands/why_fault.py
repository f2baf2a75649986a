"""`why fault`: the reason of an earlier fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.reasons import reasons

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("why fault", group="explaining")
def why_fault(session: Session, number: Count | None = None) -> Iterator[object]:
    """Explain the fault of that NUMBER in the history, 1 being the oldest; the last one without.

    `timeline` numbers them alike. `why` says which number the last one has.
    """
    yield from reasons(session, number)
