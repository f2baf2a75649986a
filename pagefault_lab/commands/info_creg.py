"""`info creg`: the control registers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info creg", group="looking")
def info_creg(session: Session) -> Iterator[object]:
    """Show CR0, CR2, CR3 and CR4; bits that are set in capitals."""
    yield tables.control_registers(session.machine, session.symbols.name)
