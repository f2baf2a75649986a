"""`info mem`: what the page tables map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info mem", group="looking")
def info_mem(session: Session) -> Iterator[object]:
    """Show the page tables of CR3 as ranges of pages with the same rights.

    A page is for users, or writable, only if both its entries say so. What the TLB holds is shown by `info tlb`.
    """
    yield tables.memory_map(session.machine, session.symbols.name)
