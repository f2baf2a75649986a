"""`info gdt`, `info ldt`: the descriptors, empty ones in a row in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pagefault_lab.lab.decode import describe, is_segment
from pagefault_lab.lab.tables import DescriptorEntry, DescriptorTable
from pagefault_lab.machine.gates import Gate
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import count, hex16, hex32


@view(DescriptorTable)
def descriptor_table(shown: DescriptorTable) -> Lines:
    """Selector, type, DPL, presence, base and limit, and the registers that hold it."""
    if shown.table == "LDT" and not shown.limit:
        return Lines.of(Line.of(f"no LDT: LDTR is {hex16(shown.selector)}"))
    symbol = f" <{shown.symbol}>" if shown.symbol else ""
    entries = count(len(shown.entries), "entry").replace("entrys", "entries")
    heading = f"{shown.table} at {hex32(shown.base)}{symbol}, limit {shown.limit:#x}: {entries}"
    if not shown.entries:
        return Lines.of(Line.of(heading))
    columns = ("selector", "type", "DPL", "P", "base", "limit", "held by")
    return Lines.of(Line.of(heading), table(_rows(shown.entries), columns, indent=2))


def _rows(entries: Sequence[DescriptorEntry]) -> Iterator[tuple[str | Span, ...]]:
    for empty, group in groupby(entries, lambda entry: entry.descriptor is not None and not entry.descriptor.raw):
        same = list(group)
        if empty:
            first, last = same[0], same[-1]
            if not first.number and not first.selector & 4:  # the null descriptor
                yield Span(hex16(0), STRONG), note("null")
                same = same[1:]
            if same:
                first = same[0]
                selectors = (
                    hex16(first.selector) if first is last else f"{hex16(first.selector)}-{hex16(last.selector)}"
                )
                yield Span(selectors, STRONG), note("empty")
            continue
        for entry in same:
            yield row(entry)


def row(entry: DescriptorEntry) -> tuple[str | Span, ...]:
    """Selector, type, DPL, P, base, limit, and who holds it."""
    selector = Span(hex16(entry.selector), STRONG)
    descriptor = entry.descriptor
    if descriptor is None:
        return selector, "nothing is mapped there"
    present = str(int(descriptor.present))
    held = Span(" ".join(entry.used_by), NAME)
    kind, dpl = describe(descriptor, False), str(descriptor.dpl)
    if is_segment(descriptor):
        return selector, kind, dpl, present, hex32(descriptor.base), hex32(descriptor.limit), held
    gate = Gate(descriptor.raw)
    return selector, kind, dpl, present, f"{hex16(gate.selector)}:{hex32(gate.offset)}", "", held
