from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.lab import page_tables
from pagefault_lab.lab.formats import Rights

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("protect", group="changing")
def protect(session: Session, address: Address, rights: Rights) -> Iterator[object]:
    """Set R/W and U/S in the entry that maps the page of a linear ADDRESS.

      protect $ebx r     protect $ebx rw     protect $ebx rs     protect $ebx u

    RIGHTS are letters as in walks: r read-only, w or rw writable, u for users too, s for the supervisor only; what they
    do not mention stays. The page directory's entry must allow as much, which is said if it does not. The TLB may still
    hold the old rights; that is said, and `flush ADDRESS` ends it.
    """
    yield from page_tables.protect(session, address, rights)
