from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.lab import page_tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("flush", group="changing")
def flush(session: Session, address: Address | None = None) -> Iterator[object]:
    """Drop what the TLB holds for the page of a linear ADDRESS, as invlpg does; without one everything, global or not.

    What was dropped is told, and what of it was stale. The next access to the page walks the page tables.
    """
    yield from page_tables.flush(session, address)
