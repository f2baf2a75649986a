"""After a HLT."""

from __future__ import annotations

from pagefault_lab.lab.results import Halted
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span


@view(Halted)
def halted(found: Halted) -> Lines:
    """What the processor waits for, and how that can come."""
    if found.interruptible:
        reason = ", until an interrupt comes: `irq 0` requests one, `c` goes on with it"
    else:
        reason = ", and IF = 0: no interrupt will end that; `back` undoes the line"
    return Lines.of(Line.of(Span("the processor is halted", STRONG), reason))
