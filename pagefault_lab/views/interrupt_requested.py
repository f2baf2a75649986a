"""`irq`: an external interrupt was requested."""

from __future__ import annotations

from pagefault_lab.lab.results import InterruptRequested
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines


@view(InterruptRequested)
def interrupt_requested(asked: InterruptRequested) -> Lines:
    """Whether it is taken next, and what holds it back if not."""
    when = "taken before the next instruction" if asked.ready else f"waits: {asked.reason}"
    return Lines.of(Line.of(f"IRQ {asked.irq} is requested, vector {asked.vector:#x}: {when}"))
