from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson", group="lesson")
def lesson(session: Session) -> Iterator[object]:
    """List the parts of the lesson that is being taken, and how you stand in them.

      pagefault-lab lesson        in the shell: the lessons there are
      pagefault-lab lesson 1      begin one, or go on with it

    In a lesson, `lesson task` shows what is to be done, `lesson hint` helps, `lesson next` goes on.
    """
    session.only_shows()
    yield from attempt_of(session).list_parts()
