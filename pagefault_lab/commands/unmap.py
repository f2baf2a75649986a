from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Start
from pagefault_lab.lab import page_tables
from pagefault_lab.lab.formats import Length

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("unmap", group="changing")
def unmap(session: Session, address: Start, length: Length | None = None) -> Iterator[object]:
    """Make the page of a linear ADDRESS absent, or all up to END or in +BYTES: P is cleared in their entries.

      unmap 0x0804a000     unmap 0x0804a000 +0x3000

    Only P: frame and rights stay in the entry, where the processor does not look at them, and `set pte(ADDRESS).present
    = 1` puts the page back. (A kernel clears the whole entry when it has given the frame back; here it stays in use.)
    The TLB may go on to hold the page; that is said, and `flush` ends it.
    """
    yield from page_tables.unmap(session, address, length)
