from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson task", "task", group="lesson")
def lesson_task(session: Session) -> Iterator[object]:
    """Show what is to be done in this part of the lesson."""
    session.only_shows()
    yield from attempt_of(session).task()
