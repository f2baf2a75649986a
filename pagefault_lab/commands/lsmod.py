from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import modules

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("lsmod", group="looking")
def lsmod(session: Session) -> Iterator[object]:
    """List the kernel modules that are loaded, the newest first, as the guest kernel's own list has them."""
    yield modules.ModuleList(tuple(modules.loaded(session)))
