from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Rest
from pagefault_lab.tutor.attempt import attempt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lesson say", "say", group="lesson")
def lesson_say(session: Session, reply: Rest) -> Iterator[object]:
    """Reply to a question of the lesson: a number, a symbol, yes, no, none, or the number of a choice.

    say 6     say 0xc0101000     say yes     say none     say 2
    say yes 6 0xbffff000         several questions of a prediction, in their order
    """
    yield from attempt_of(session).say(reply)
