"""`info mem`: what the page tables map, as ranges with the rights of both levels together."""

from __future__ import annotations

from pagefault_lab.lab.tables import MemoryMap, MemoryRange
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, NOTE, Line, Lines, Span, note, table
from pagefault_lab.views.words import hex32


@view(MemoryMap)
def memory_map(shown: MemoryMap) -> Lines:
    """A row for each range of pages with the same rights."""
    if not shown.paging:
        return Lines.of(Line.of("paging is off (CR0.PG=0): every linear address is its own physical address"))
    heading = Line.of(
        f"page tables of CR3 {hex32(shown.cr3)}", note(" (the rights of both levels; for the TLB: info tlb)")
    )
    if not shown.ranges:
        return Lines.of(heading, Line.of("nothing is mapped", indent=2))
    columns = ("linear", "pages", "rights", "physical", "", "")
    return Lines.of(heading, table(map(_row, shown.ranges), columns, optional=(5,), right=(1,), indent=2))


def _row(found: MemoryRange) -> tuple[str | Span, ...]:
    pages = (found.end + 1 - found.start) >> (22 if found.large else 12)
    rights = f"P {'RW' if found.writable else '--'} {'US' if found.user else '--'}"
    rights += f"{' G' if found.global_ else ''}{' PS' if found.large else ''}"
    used = f"A {found.accessed}, D {found.dirty}"
    return (
        f"{hex32(found.start)}-{hex32(found.end)}",
        str(pages),
        rights,
        hex32(found.physical) if found.contiguous else "scattered",
        Span(f"<{found.symbol}>" if found.symbol else "", NAME),
        Span(used, NOTE),
    )
