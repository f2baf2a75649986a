"""`diff`: what differs between two points of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from pagefault_lab.lab.changed_ranges import ChangedRange
from pagefault_lab.lab.difference import (
    DescriptorChange,
    Difference,
    EntryChange,
    FieldChange,
    GateChange,
    HiddenChange,
)
from pagefault_lab.lab.moments import Moment
from pagefault_lab.lab.tables import DescriptorEntry, HiddenSegment, IdtEntry, Register
from pagefault_lab.machine.faults import VECTORS
from pagefault_lab.machine.registers import SEGMENT_NAMES
from pagefault_lab.views import view
from pagefault_lab.views.descriptor_table import row as descriptor_row
from pagefault_lab.views.idt_table import rows as gate_rows
from pagefault_lab.views.lines import GOOD, NAME, STRONG, Block, Line, Lines, Span, note, table
from pagefault_lab.views.words import count, entry_flags, flag_changes, hex16, hex32, printable, sized

MOST = 20  # rows of a kind; of more the number is told
NEAR = 0x10000  # bytes between two ranges that lie at the same place
Cells: TypeAlias = "tuple[str | Span, ...]"

BEYOND, NOT_MAPPED = ABSENT = ("beyond the limit", "nothing is mapped there")
SMALL = ("cpl", "halted", "shut down", "single-step trap due", "interrupts held back", "interrupts waiting")
SHORT = (*SEGMENT_NAMES, "ldtr", "tr", "gdtr.limit", "idtr.limit")


@view(Difference)
def difference(found: Difference) -> Lines:
    """The two points; each kind of thing that differs; in a line each what nobody will miss; and if that was all."""
    return Lines.of(
        Line.of(f"{_moment(found.before)} -> {_moment(found.after)}", hang=2),
        *_section("registers", map(_register, found.registers)),
        *_section("hidden parts, under the same selectors", map(_hidden, found.hidden)),
        *_section("GDT", _pairs(_descriptors(found.descriptors, "GDT"), "descriptor")),
        *_section("LDT", _pairs(_descriptors(found.descriptors, "LDT"), "descriptor")),
        *_section("IDT", _pairs(_gates(found.gates), "gate")),
        *_section("TSS", map(_field, found.fields)),
        *_entries(found.entries),
        *_section("memory", map(_range, found.memory), ("physical", "linear", "")),
        *_in_a_line_each(found),
        _verdict(found),
    )


def _moment(moment: Moment) -> str:
    line = printable(moment.line).partition("\n")[0]
    return f"step {moment.steps}{' (now)' if moment.now else f' (before: {line})' if line else ''}"


def _section(title: str, rows: Iterable[Cells], heading: Sequence[str] = ()) -> Iterator[Block]:
    cells = [*rows]
    if cells:
        yield Line.of(Span(title, STRONG))
        yield table(cells[:MOST], heading, indent=2)
    if len(cells) > MOST:
        yield Line.of(f"and {len(cells) - MOST} rows more", indent=2)


# --- the processor


def _register(register: Register) -> Cells:
    name, value, before, symbol = register
    more = flag_changes(before, value) if name == "eflags" else f"<{symbol}>" if symbol else ""
    return Span(name), f"{_number(name, before)} -> {_number(name, value)}", Span(more, NAME if symbol else "")


def _number(name: str, value: int) -> str:
    return str(value) if name in SMALL else hex16(value) if name in SHORT else hex32(value)


def _hidden(change: HiddenChange) -> Cells:
    name = f"{change.before.name} {hex16(change.before.selector)}"
    return name, f"{_hidden_part(change.before)} -> {_hidden_part(change.after)}"


def _hidden_part(segment: HiddenSegment) -> str:
    return f"{segment.type}, base {hex32(segment.base)}, limit {hex32(segment.limit)}"


# --- structures


class _Pair(NamedTuple):
    """A gate or a descriptor, then and now; each is its cells, or one that says why there is none."""

    name: str
    before: Cells
    after: Cells


def _pairs(pairs: Iterable[_Pair], noun: str) -> Iterator[Cells]:
    """Two rows for each; of several in a row that are there at one point only, their number."""
    for absent, group in groupby(pairs, lambda pair: tuple(cells if cells[0] in ABSENT else () for cells in pair[1:])):
        same = [*group]
        if any(absent) and len(same) > 1:
            number = (count(len(same), noun),)
            names = "-".join(pair.name.split()[0] for pair in (same[0], same[-1]))
            same = [_Pair(names, absent[0] or number, absent[1] or number)]
        for pair in same:
            yield pair.name, note("was"), *pair.before
            yield "", note("now"), *pair.after


def _descriptors(changes: tuple[DescriptorChange, ...], table: str) -> Iterator[_Pair]:
    for change in changes:
        if change.table == table:
            entry = change.before or change.after
            assert entry is not None
            yield _Pair(hex16(entry.selector), _described(change.before), _described(change.after))


def _described(entry: DescriptorEntry | None) -> Cells:
    if entry is None:
        return (BEYOND,)
    if entry.descriptor is None:
        return (NOT_MAPPED,)
    return descriptor_row(entry)[1:6] if entry.descriptor.raw else ("empty",)


def _gates(changes: tuple[GateChange, ...]) -> Iterator[_Pair]:
    for change in changes:
        entry = change.before or change.after
        assert entry is not None
        known = VECTORS.get(entry.vector)
        name = f"{entry.vector} {known.mnemonic}" if known is not None else str(entry.vector)
        yield _Pair(name, _led(change.before), _led(change.after))


def _led(entry: IdtEntry | None) -> Cells:
    if entry is None:
        return (BEYOND,)
    return (NOT_MAPPED,) if entry.gate is None else next(gate_rows((entry,)))[2:]


def _field(change: FieldChange) -> Cells:
    before, after = ("none" if value is None else hex32(value) for value in (change.before, change.after))
    return change.name, f"{before} -> {after}"


def _entries(entries: tuple[EntryChange, ...]) -> Iterator[Block]:
    """Entries; those in a line that differ only by what the processor notes in them."""
    noted = [change for change in entries if change.only_noted]
    yield from _section("page tables", (_entry(change) for change in entries if not change.only_noted))
    if noted:
        pages = ", ".join(hex32(change.linear) for change in noted[:MOST]) + (" ..." if len(noted) > MOST else "")
        yield Line.of(f"only A or D differs in {_entries_of(len(noted))}: ", note(pages), hang=2)


def _entry(change: EntryChange) -> Cells:
    before, after = (
        "no table" if entry is None else f"{hex32(entry)} {entry_flags(entry)}"
        for entry in (change.before, change.after)
    )
    return hex32(change.linear), change.level, before, "->", after


def _entries_of(number: int) -> str:
    return count(number, "entry").replace("entrys", "entries")


# --- memory


def _range(changed: ChangedRange) -> Cells:
    symbol = f" <{changed.symbol}>" if changed.symbol else ""
    linear = "not mapped" if changed.linear is None else f"{hex32(changed.linear)}{symbol}"
    if changed.before is not None and changed.after is not None:
        before, after = (sized(value, changed.size) for value in (changed.before, changed.after))
        return hex32(changed.physical), linear, f"{before} -> {after}"
    of = "" if changed.differing == changed.size else f" of {changed.size}"
    return hex32(changed.physical), linear, f"{changed.differing}{of} bytes"


def _in_a_line_each(found: Difference) -> Iterator[Line]:
    if found.log:
        printed = found.printed or 0
        yield Line.of(f"kernel log: {f'{printed:,} bytes printed' if printed > 0 else f'{_bytes(found.log)} differ'}")
    if found.typed:
        yield Line.of("typed lines", note(_where(found.typed)))
    if found.left_over:
        yield Line.of(f"below the stack pointers: {_bytes(found.left_over)} left over", note(_where(found.left_over)))
    if found.free:
        yield Line.of(f"contents of {count(len(found.free), 'free page')} differ")
    if found.devices:
        yield Line.of(f"devices: {', '.join(found.devices)}")
    if any(found.tlb):
        added, dropped, changed = found.tlb
        yield Line.of(f"TLB: {_entries_of(added)} added, {dropped} dropped, {changed} changed")


def _bytes(ranges: tuple[ChangedRange, ...]) -> str:
    return count(sum(changed.differing for changed in ranges), "byte")


def _where(ranges: tuple[ChangedRange, ...]) -> str:
    """`, 0xc0111f80 to 0xc0111fec`: from the first to the last, of each place where many lie."""
    places: list[tuple[int, int]] = []
    for first, size in sorted((each.linear, each.size) for each in ranges if each.linear is not None):
        near = places and first - places[-1][1] < NEAR
        begin, end = places.pop() if near else (first, first)
        places.append((begin, max(end, first + size - 1)))
    return "".join(f", {hex32(first)} to {hex32(last)}" for first, last in places)


def _verdict(found: Difference) -> Line | None:
    if not found.anything:
        return Line.of(Span("✓ nothing differs", GOOD))
    if not found.matters:
        return Line.of(Span("✓ nothing else differs", GOOD), ": registers, tables and memory in use are as they were")
    return None
