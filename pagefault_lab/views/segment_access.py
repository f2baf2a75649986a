"""segment:offset made linear by a segment register's hidden part, or refused by it."""

from __future__ import annotations

from pagefault_lab.machine.events import SegmentAccess
from pagefault_lab.machine.registers import SEGMENT_NAMES
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span, note
from pagefault_lab.views.words import NO_NAMES, Names, count, hex16, hex32, named, small


@view(SegmentAccess)
def segment_access(access: SegmentAccess, names: Names = NO_NAMES) -> Lines:
    """The hidden part that was used, and the rule that decided."""
    return Lines.of(
        Line.of(
            f"{place(access)}: {count(access.size, 'byte')}, {hidden(access)} -> linear {hex32(access.linear)}",
            Span(named(access.linear, names)),
            hang=2,
        ),
        verdict(access),
    )


def place(access: SegmentAccess) -> str:
    """`ds:0x08049000`."""
    return f"{register(access)}:{hex32(access.offset)}"


def register(access: SegmentAccess) -> str:
    """`ds`."""
    return SEGMENT_NAMES[access.segment]


def hidden(access: SegmentAccess) -> str:
    """The register's selector, base and limit."""
    return f"selector {hex16(access.selector)}, base {small(access.base)}, limit {small(access.limit)}"


def verdict(access: SegmentAccess) -> Line:
    """Whether the segment allows it; the rule that it breaks if not."""
    if access.fault is None:
        return Line.of(Span("✓ ", GOOD), note("the segment allows it"))
    numbers = f"offset={small(access.offset)} size={access.size} limit={small(access.limit)}"
    return Line.of(
        Span(f"✗ {access.rule}", BAD),
        f" ({register(access)}={hex16(access.selector)} {numbers})",
        hang=2,
    )
