from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Listed, Listing

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("list", "l", group="code")
def list_(session: Session) -> Iterator[object]:
    """Show the typed program: addresses, bytes and text of every line that was placed."""
    here = session.here
    yield Listing(
        tuple(Listed(line.address, line.bytes, line.text, line.address == here) for line in session.code.program)
    )
