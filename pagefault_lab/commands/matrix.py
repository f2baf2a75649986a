"""`matrix`: who may do what with a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.lab.matrix import matrix_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("matrix", group="explaining")
def matrix(session: Session, address: Address) -> Iterator[object]:
    """Show what the page tables make of read, write and fetch at a linear ADDRESS, for all privileges and both WP.

    Each cell tells the error code and the bit that refuses, or the bits that were judged. The row that the present CPL
    and CR0.WP select is marked. Nothing is changed by it. A TLB entry that says otherwise is told: it answers first.
    """
    yield matrix_of(session.machine, address, session.symbols.name(address) or "")
