from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address, Frame
from pagefault_lab.lab import page_tables
from pagefault_lab.lab.formats import NOTHING_SAID, Rights

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("map", group="changing")
def map_(
    session: Session, address: Address, frame: Frame | None = None, rights: Rights = NOTHING_SAID
) -> Iterator[object]:
    """Map the page of a linear ADDRESS in the page tables of CR3: to the frame at a physical address, or to a free one.

      map 0x40000000     map 0x40000000 ru     map 0x40000000 0x00300000 rws

    RIGHTS are letters as in walks: r read-only, rw writable, u for users too, s for the supervisor only. Without them
    the page is writable, and for users below 0xc0000000. A free frame becomes zeros, and is counted as used where the
    guest kernel counts. A page table that is missing is made in another free frame.

    Nothing is asked of the guest, and no TLB entry goes: if the TLB holds another translation of the page, that is said
    and stays in use until `flush ADDRESS`.
    """
    yield from page_tables.map_page(session, address, frame, rights)
