from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tasks

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("switch", group="running")
def switch(session: Session) -> Iterator[object]:
    """Let the guest kernel take its next task, and run until that is in user mode.

    The timer's interrupt is requested, as `irq 0` does; the kernel's scheduler does the rest: another page directory in
    CR3, another kernel stack in the TSS. The next `switch` goes on to the next task, or back.
    """
    yield from tasks.switch(session)
