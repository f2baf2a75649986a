from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson previous", "previous", group="lesson")
def lesson_previous(session: Session) -> Iterator[object]:
    """Go back to the part of the lesson before this one. What was earned stays."""
    yield from attempt_of(session).previous()
