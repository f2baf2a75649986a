from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import ModuleName
from pagefault_lab.lab import modules

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("rmmod", group="code")
def rmmod(session: Session, name: ModuleName) -> Iterator[object]:
    """Remove a kernel module: the guest kernel calls its cleanup_module, if it has one, and frees its memory."""
    yield from modules.rmmod(session, name)
