"""`info gdt`: the descriptors of the GDT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info gdt", group="looking")
def info_gdt(session: Session) -> Iterator[object]:
    """Show the GDT that GDTR points to, and which registers hold its selectors."""
    yield tables.gdt(session.machine, session.symbols.name)
