from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson answer", "answer", group="lesson")
def lesson_answer(session: Session) -> Iterator[object]:
    """Show how a task is solved, once you have tried. It earns nothing any more then, and that is handed in."""
    yield from attempt_of(session).answer()
