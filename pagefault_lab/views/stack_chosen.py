"""The stack that a delivery pushes on."""

from __future__ import annotations

from pagefault_lab.machine.delivery import StackChosen
from pagefault_lab.views import view
from pagefault_lab.views.delivery import stack
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import NO_NAMES, Names


@view(StackChosen)
def stack_chosen(stage: StackChosen, names: Names = NO_NAMES) -> Lines:
    """`TR 0x0060: TSS 0xc0112000 + 0x4: new SS:ESP 0x0018:0xc0116000`."""
    return Lines.of(Line.of(*stack(stage, names), hang=2))
