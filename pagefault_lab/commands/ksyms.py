from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Word
from pagefault_lab.lab import modules
from pagefault_lab.lab.results import SymbolList

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("ksyms", group="looking")
def ksyms(session: Session, filter: Word = "") -> Iterator[object]:
    """List what the kernel exports to modules, by address; with FILTER, the names that contain it."""
    found = modules.exports(session)
    yield SymbolList(tuple(symbol for symbol in found if filter.lower() in symbol.name.lower()))
