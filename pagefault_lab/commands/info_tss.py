"""`info tss`: the task-state segment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab import tables

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info tss", group="looking")
def info_tss(session: Session) -> Iterator[object]:
    """Show the TSS that TR names: the stacks of the inner rings, and the rest.

    A change to an inner ring reads SS and ESP there.
    """
    yield tables.tss(session.machine, session.symbols.name)
