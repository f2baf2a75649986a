"""`info tlb`: the TLB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info tlb", group="looking")
def info_tlb(session: Session) -> Iterator[object]:
    """Show the real TLB: what the processor believes of pages, however stale.

    Entries that the page tables contradict are marked. What the tables say is shown by `info mem` and `walk`.
    """
    yield tables.tlb(session.machine, session.symbols.name)
