"""`info registers`: the general registers, EIP, EFLAGS, the selectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression
from pagefault_lab.lab import tables
from pagefault_lab.lab.results import Value

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info registers", "info reg", "info all-registers", group="looking")
def info_registers(session: Session, *names: Expression) -> Iterator[object]:
    """Show the registers, or those named; a star marks those that the last line changed.

    `sreg` shows what the segment registers hold behind their selectors, `info creg` the control registers.
    """
    if not names:
        yield tables.registers(session.machine, session.symbols.name, session.registers_before)
    for name in names:
        yield Value(name.text, name.value(session))
