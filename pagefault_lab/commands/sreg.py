"""`sreg`: the segment registers with their hidden parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("sreg", "info sreg", group="looking")
def sreg(session: Session) -> Iterator[object]:
    """Show what the segment registers really hold: base, limit and rights, as they were when they were loaded.

    A descriptor that has been changed in its table since is told: the processor does not see it before the next load.
    """
    yield tables.segment_registers(session.machine)
