from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson next", group="lesson")
def lesson_next(session: Session) -> Iterator[object]:
    """Go on to the next part of the lesson. Enter does so when there is nothing left to do in this one.

    The next part begins in a state of its own, whatever was done in this one.
    """
    yield from attempt_of(session).next()
