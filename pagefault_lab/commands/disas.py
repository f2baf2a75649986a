from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Start
from pagefault_lab.lab import code
from pagefault_lab.lab.formats import Length

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("disas", "disassemble", group="code", repeats=True)
def disas(session: Session, address: Start | None = None, length: Length | None = None) -> Iterator[object]:
    """Disassemble from an address, or from EIP: disas [ADDRESS][, END or +BYTES].

    Without an end, ten instructions.
    """
    start = session.here if address is None else address
    found = code.disassembly(session, start, length)
    session.repetition = f"disas {code.end_of(found):#x}" if found.lines else ""
    yield found
