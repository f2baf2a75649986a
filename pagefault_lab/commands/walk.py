"""`walk`: the way of an address through the page tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.lab.asking import ask
from pagefault_lab.machine.events import Kind

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("walk", "page", group="explaining")
def walk(
    session: Session,
    address: Address,
    access: Literal["read", "write", "fetch"] = "read",
    who: Literal["user", "supervisor"] | None = None,
) -> Iterator[object]:
    """Walk the page tables for an access to a linear ADDRESS: each entry, the rights of both levels, the verdict.

    The access is a read at the present CPL unless told otherwise: `walk 0x08049000 write user`. Nothing is changed by
    it. If the TLB holds the page, the processor would not walk at all; that is said.
    """
    user = session.ring == 3 if who is None else who == "user"
    yield ask(session, address, Kind(access), user)
