"""The handler's first instruction is next."""

from __future__ import annotations

from pagefault_lab.machine.delivery import Entered
from pagefault_lab.views import view
from pagefault_lab.views.delivery import entered as parts
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import NO_NAMES, Names


@view(Entered)
def entered(stage: Entered, names: Names = NO_NAMES) -> Lines:
    """`CS:EIP 0x0010:0xc0100340 <page_fault>, CPL 0, EFLAGS IF 1->0`."""
    return Lines.of(Line.of(*parts(stage, names), hang=2))
