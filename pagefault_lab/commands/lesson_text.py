from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson text", "text", group="lesson")
def lesson_text(session: Session) -> Iterator[object]:
    """Tell this part of the lesson again as it was told when it began; the machine stays as it is."""
    yield from attempt_of(session).text()
