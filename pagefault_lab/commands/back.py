from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab.travel import travel

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("back", group="running", repeats=True)
def back(session: Session, count: Count = 1) -> Iterator[object]:
    """Undo the last line that changed something, or COUNT of them.

    Registers, memory, TLB, devices, typed code and names are as before that line. It works after a fault, after a
    killed task and after a shutdown. Breakpoints stay set.
    `redo` undoes that, until another line changes something.
    """
    yield travel(session, lambda: session.history.undo_lines(count))
