"""A segment register that a return to an outer ring has made null."""

from __future__ import annotations

from pagefault_lab.machine.events import SegmentNulled
from pagefault_lab.machine.registers import SEGMENT_NAMES
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.words import hex16


@view(SegmentNulled)
def segment_nulled(event: SegmentNulled) -> Lines:
    """`ds 0x0018 becomes null: its DPL is smaller than the new CPL (DPL=0 CPL=3)`."""
    name = SEGMENT_NAMES[event.segment]
    reason = f"its DPL is smaller than the new CPL (DPL={event.dpl} CPL={event.cpl})"
    return Lines.of(Line.of(Span(f"{name} {hex16(event.selector)} becomes null", STRONG), f": {reason}", hang=2))
