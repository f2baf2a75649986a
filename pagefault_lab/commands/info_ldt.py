"""`info ldt`: the descriptors of the LDT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info ldt", group="looking")
def info_ldt(session: Session) -> Iterator[object]:
    """Show the LDT that LDTR names, and which registers hold its selectors."""
    yield tables.ldt(session.machine, session.symbols.name)
