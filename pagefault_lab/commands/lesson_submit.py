from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Message
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson submit", group="lesson")
def lesson_submit(session: Session) -> Iterator[object]:
    """Say how to hand the lesson in: from the shell, where `pagefault-lab lesson submit` writes a file.

    What you do here is kept as you do it, so nothing has to be saved before.
    """
    key = attempt_of(session).lesson.key
    session.only_shows()
    yield Message(f"quit, then type pagefault-lab lesson submit {key} in the shell: it writes what you hand in")
