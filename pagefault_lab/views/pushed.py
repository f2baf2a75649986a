"""One value of an exception frame."""

from __future__ import annotations

from pagefault_lab.machine.delivery import Pushed
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import hex32, sized


@view(Pushed)
def pushed(slot: Pushed) -> Lines:
    """`0xc0115ffc  0x0000002b  SS`."""
    return Lines.of(Line.of(f"{hex32(slot.linear)}  {sized(slot.value, slot.size):<10}  {slot.name}"))
