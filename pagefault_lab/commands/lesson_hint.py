from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson hint", "hint", group="lesson")
def lesson_hint(session: Session) -> Iterator[object]:
    """Show the next hint; each says more than the one before. That a hint was shown is handed in with the lesson."""
    yield from attempt_of(session).hint()
