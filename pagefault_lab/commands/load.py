from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Path

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("load", group="code")
def load(session: Session, file: Path) -> Iterator[object]:
    """Assemble a file and place it where typed code goes, or at its first `.org`, without executing it.

    Its labels become symbols. If you stand in typed code, EIP goes to `_start`, or to its first instruction.
    """
    yield from session.code.load(file)
