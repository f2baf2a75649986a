from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Word
from pagefault_lab.lab.results import SymbolList

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("symbols", group="looking")
def symbols(session: Session, part: Word = "") -> Iterator[object]:
    """List the names of the world and those typed here, by address; with PART, those that contain it."""
    yield SymbolList(tuple(symbol for symbol in session.symbols.all() if part.lower() in symbol.name.lower()))
