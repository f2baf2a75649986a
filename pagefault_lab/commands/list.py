from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import CodeAddress
from pagefault_lab.lab.results import Listed, Listing
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("list", "l", group="code")
def list_(session: Session, place: CodeAddress | None = None) -> Iterator[object]:
    """Show the typed program: address, bytes and text of every line that was placed, or of those from a place on."""
    here, lines = session.here, session.code.program
    if place is not None:
        there = (line.address for line in lines if line.address <= place < line.address + len(line.bytes))
        start = next(there, None)
        if start is None:
            raise Problem(f"nothing that was typed lies at {place:#x}", f"`disas {place:#x}` shows the code there")
        lines = tuple(line for line in lines if line.address >= start)
    yield Listing(tuple(Listed(line.address, line.bytes, line.text, line.address == here) for line in lines))
