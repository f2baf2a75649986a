"""`info idt`: the gates of the IDT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab import tables
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("info idt", group="looking")
def info_idt(session: Session, vector: Number | None = None) -> Iterator[object]:
    """Show the IDT that IDTR points to, or the gate of one VECTOR bit by bit.

    Vectors in a row with the same gate share a line. Nothing is changed by looking: no TLB entry, no A bit.
    """
    if vector is None:
        yield tables.idt(session.machine, session.symbols.name)
        return
    count = (session.machine.cpu.idtr.limit + 1) // 8
    if not 0 <= vector < count:
        raise Problem(f"vector {vector} lies outside of the IDT", f"it has {count} gates")
    yield tables.idt_entry(session.machine, vector, session.symbols.name)
