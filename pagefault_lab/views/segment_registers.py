"""`sreg`: what the segment registers really hold, which is not what the tables say now."""

from __future__ import annotations

from pagefault_lab.lab.tables import HiddenSegment, SegmentRegisters
from pagefault_lab.views import view
from pagefault_lab.views.lines import NOTE, STRONG, Line, Lines, Span, table
from pagefault_lab.views.words import hex16, hex32


@view(SegmentRegisters)
def segment_registers(shown: SegmentRegisters) -> Lines:
    """A row for each, the hidden part behind the selector."""
    cells = [_row(segment) for segment in shown.segments]
    tables = [
        Line.of(Span(f"{name:<5}", STRONG), f" base {hex32(base)}  limit {limit:#06x}")
        for name, (base, limit) in (("gdtr", shown.gdtr), ("idtr", shown.idtr))
    ]
    return Lines.of(
        table(cells, ("", "selector", "base", "limit", "DPL", "hidden part"), optional=(6,)),
        *tables,
    )


def _row(segment: HiddenSegment) -> tuple[str | Span, ...]:
    selector = hex16(segment.selector)
    if not segment.type:
        return Span(segment.name, STRONG), selector, "-", "-", "-", "null: any use of it faults"
    dpl = "-" if segment.name in ("ldtr", "tr") else str(segment.dpl)
    index = f"{'LDT' if segment.selector & 4 else 'GDT'} {segment.selector >> 3}, RPL {segment.selector & 3}"
    kind = f"{segment.type}; table differs" if segment.stale else segment.type
    return (
        Span(segment.name, STRONG),
        selector,
        hex32(segment.base),
        hex32(segment.limit),
        dpl,
        kind,
        Span(index, NOTE),
    )
