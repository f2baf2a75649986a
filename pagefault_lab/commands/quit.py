from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Quit

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("quit", "q", "exit", group="session")
def quit_(session: Session) -> Iterator[object]:
    """Leave the lab."""
    yield Quit()
