"""`info registers`: the general registers, EIP, EFLAGS, the selectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info registers", "info reg", group="looking")
def info_registers(session: Session) -> Iterator[object]:
    """Show the registers; a star marks those that the last line changed.

    `sreg` shows what the segment registers hold behind their selectors, `info creg` the control registers.
    """
    yield tables.registers(session.machine, session.symbols.name, session.registers_before)
