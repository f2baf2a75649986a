from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson check", "check", group="lesson")
def lesson_check(session: Session) -> Iterator[object]:
    """Tell how you stand in a task: which of its goals hold now, and what the lesson has to say.

    Goals are looked at after every line anyway; this tells it all once more.
    """
    session.only_shows()
    yield from attempt_of(session).check()
