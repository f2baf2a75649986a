"""Where the processor stands."""

from __future__ import annotations

from pagefault_lab.lab.results import Place
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import hex32


@view(Place)
def place(where: Place) -> Lines:
    """`cpl0 0xc0100343 <page_fault+3>`."""
    name = f" <{where.name}>" if where.name else ""
    return Lines.of(Line.of(f"cpl{where.ring} {hex32(where.address)}{name}", " (typed code)" if where.typed else None))
