from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("until", "advance", "u", group="running")
def until(session: Session, address: Address) -> Iterator[object]:
    """Run to a linear address, or to whatever stops a run before."""
    yield from session.runner.go((address,))
