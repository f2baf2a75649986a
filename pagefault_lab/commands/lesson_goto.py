from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import PartName
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson goto", group="lesson")
def lesson_goto(session: Session, part: PartName) -> Iterator[object]:
    """Go to a part of the lesson, by its number or by the name of its exercise; `lesson` lists them.

    lesson goto 3     lesson goto touch
    """
    yield from attempt_of(session).goto(part)
