"""A value that went through a port."""

from __future__ import annotations

from pagefault_lab.machine.events import Kind, PortAccess
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import sized


@view(PortAccess)
def port_access(made: PortAccess) -> Lines:
    """`out port 0x3f8 <- 0x41`."""
    if made.kind is Kind.WRITE:
        return Lines.of(Line.of(f"out port {made.port:#x} <- {sized(made.value, made.size)}"))
    return Lines.of(Line.of(f"in port {made.port:#x} -> {sized(made.value, made.size)}"))
