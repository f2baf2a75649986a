from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("c", "continue", group="running", repeats=True)
def continue_(session: Session) -> Iterator[object]:
    """Run until something stops it.

    That is a breakpoint; the end of a typed line that had faulted and is now executed; the end of what was typed; a
    task that the guest kernel has started anew; a processor that waits for an interrupt or is shut down; Ctrl-C.
    """
    yield from session.runner.go()
