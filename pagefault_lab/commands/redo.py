from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.travel import travel

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("redo", group="running", repeats=True)
def redo(session: Session, count: Count = 1) -> Iterator[object]:
    """Do once more what `back` has undone: one line, or COUNT of them.

    It is as it was, and possible until another line changes something. From the middle of a line, where `goto` or
    `reverse-stepi` has led, it goes to that line's end.
    """
    yield travel(session, lambda: session.history.redo_lines(count))
