from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson reset", "reset", group="lesson")
def lesson_reset(session: Session) -> Iterator[object]:
    """Begin this part of the lesson anew, with the machine as it was when the part began. What was earned stays."""
    yield from attempt_of(session).reset()
