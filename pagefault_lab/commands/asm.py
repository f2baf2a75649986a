from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("asm", group="code")
def asm(session: Session) -> Iterator[object]:
    """Take lines of assembly up to a line `end`, and place them as one block without executing it.

    Its labels become symbols. If you stand in typed code, EIP goes to its first instruction: `si` and `c` execute it.
    Elsewhere, in a handler, EIP stays: jump to it, call it, or let a gate lead to it.
    """
    session.code.open_block("asm")
    return iter(())
