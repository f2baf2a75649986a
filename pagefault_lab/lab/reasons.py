"""All that there is to say about a fault: why, what would have saved a double one, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.lab import advice, explain, rescue

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


def reasons(session: Session, number: int | None = None) -> Iterator[object]:
    """About the last fault, or the one of that number in the history; a Problem if there is none."""
    found = explain.why(session, number)
    yield found
    yield from rescue.about(session, found)
    yield from advice.about(session, found.story.step)
