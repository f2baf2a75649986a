from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import kernel_log
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("dmesg", group="looking")
def dmesg(session: Session) -> Iterator[object]:
    """Show what the guest kernel has printed, read from its memory."""
    log = session.world.log
    if log is None:
        raise Problem(f"the world {session.world.name} has no kernel that prints")
    yield kernel_log.read(session.machine, log)
