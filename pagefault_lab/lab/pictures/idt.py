"""`picture idt`: IDTR, the table and the page that it lies in, and one gate bit by bit and byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from pagefault_lab.lab import tables
from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, Row, Strip, bits, symbol_note
from pagefault_lab.lab.tables import IdtEntry
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import PAGE_FAULT, VECTORS
from pagefault_lab.machine.paging import Mapped, walk
from pagefault_lab.machine.registers import PG
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

MOST_ROWS = 16  # of the table
MOST_ALIASES = 2


def idt(session: Session, vector: int | None = None) -> Picture:
    """The IDT that IDTR points to, and the gate of a `vector`, that of the page fault if it is None."""
    vector = PAGE_FAULT if vector is None else vector
    if not 0 <= vector <= 255:
        raise Problem(f"there is no vector {vector}", "0 to 255")
    machine = session.machine
    table = tables.idt(machine, session.symbols.name)
    gates = len(table.entries)
    register = Box(
        "idtr", "IDTR", 0, (Row("base", table.base), Row("limit", table.limit, 2), Row(note=f"{gates} gates"))
    )
    boxes = [register, *_pages(session, table.base, table.limit)]
    entry = tables.idt_entry(machine, vector, session.symbols.name)
    strips: list[Strip] = []
    notes = []
    rows = tuple(_rows(table.entries, vector))
    boxes.append(Box("idt", f"IDT{f' <{table.symbol}>' if table.symbol else ''}", 1, rows or (_nothing(),)))
    arrows = [Arrow(End("idtr"), End("idt"))]
    if vector >= gates:
        notes.append(f"Vector {vector} lies beyond the limit: its delivery is #GP.")
    elif entry.gate is None:
        notes.append(f"Nothing is mapped at {entry.address:#010x}, where gate {vector} should be.")
    else:
        strips += _gate(entry)
    strips.append(_operand(table.base, table.limit))
    return Picture("idt", _title(vector), tuple(boxes), tuple(arrows), tuple(strips), "", (*notes, *_mapped(session)))


def _title(vector: int) -> str:
    known = VECTORS.get(vector)
    name = f" ({known.mnemonic} {known.name})" if known is not None else ""
    return f"the IDT now, and its gate {vector}{name}"


def _nothing() -> Row:
    return Row(note="no vector can be delivered", failed=True)


# --- the table


def _rows(entries: tuple[IdtEntry, ...], vector: int) -> Iterator[Row]:
    """Vectors in a row whose gates differ in nothing but their offset share a line, but for the `vector` asked for."""

    def kind(entry: IdtEntry) -> tuple[object, ...]:
        gate = entry.gate
        alike = None if gate is None else (gate.type, gate.dpl, gate.present, gate.selector)
        return alike, entry.vector == vector

    groups = [list(group) for _, group in groupby(entries, kind)]
    shown = groups[:MOST_ROWS]
    asked = next((group for group in groups[MOST_ROWS:] if group[0].vector == vector), None)
    if asked is not None:
        shown.append(asked)
    yield from map(_group, shown)
    left = len(entries) - sum(map(len, shown))
    if left:
        yield Row(note=f"and {left} gates more")


def _group(group: list[IdtEntry]) -> Row:
    first, last = group[0], group[-1]
    vectors = str(first.vector) if first is last else f"{first.vector}-{last.vector}"
    gate = first.gate
    if gate is None:
        return Row(vectors, note="nothing is mapped there", at=first.address, failed=True)
    if not gate.belongs_in_idt:
        return Row(vectors, note="no gate", at=first.address)
    words = gate.kind.removeprefix("32-bit ").removesuffix(" gate")
    words += f" DPL {gate.dpl}" if gate.present else " P=0"
    if first is not last:
        return Row(vectors, note=words, at=first.address)
    where = f"{gate.selector:#06x}" + ("" if gate.is_task_gate else f":{gate.offset:#010x}")
    return Row(vectors, note=f"{words} {where}", at=first.address, more=symbol_note(first.symbol))


def _gate(entry: IdtEntry) -> Iterator[Strip]:
    """The 64 bits by their fields, and the 8 bytes as they lie in memory."""
    gate = entry.gate
    assert gate is not None
    raw = gate.raw
    fields = (
        bits(raw, "offset", 63, 48), bits(raw, "P", 47, 47), bits(raw, "DPL", 46, 45), bits(raw, "S, type", 44, 40),
        bits(raw, "0", 39, 32), bits(raw, "selector", 31, 16), bits(raw, "offset", 15, 0),
    )  # fmt: skip
    yield Strip(f"gate {entry.vector} = {raw:#018x}: {gate.kind}", fields, True)
    memory = ((f"+{place}", f"{byte:02x}") for place, byte in enumerate(raw.to_bytes(8, "little")))
    cells = tuple(Box(f"byte {place}", place, 0, (Row(note=byte),)) for place, byte in memory)
    yield Strip(f"its 8 bytes at {entry.address:#010x}", cells, True)


def _operand(base: int, limit: int) -> Strip:
    """The pseudo-descriptor that lidt reads and sidt writes, byte by byte."""
    low, high = limit.to_bytes(2, "little").hex(" "), base.to_bytes(4, "little").hex(" ")
    cells = (
        Box("operand limit", "+0..1", 0, (Row(note="limit"), Row(note=low))),
        Box("operand base", "+2..5", 0, (Row(note="base"), Row(note=high))),
    )
    return Strip("the 6 bytes that sidt writes now, and lidt would read", cells, True)


# --- the page


def _pages(session: Session, base: int, limit: int) -> Iterator[Box]:
    """The first page of the table: its frame, its rights, and where else that frame is mapped."""
    machine = session.machine
    page = base & 0xFFFFF000
    rows = [Row("linear", page)]
    if not machine.cpu.cr0 & PG:
        rows.append(Row(note="paging is off"))
    else:
        found = walk_now(machine, base)
        if not isinstance(found.end, Mapped):
            rows.append(Row(note="not mapped", failed=True))
        else:
            frame = found.end.physical & 0xFFFFF000
            rows += [
                Row("frame", frame),
                Row(note="writable" if found.end.writable else "read-only"),
                Row(note="for users too" if found.end.user else "supervisor only"),
            ]
            others = [at for at in _aliases(session, frame) if at != page]
            rows += [Row("and at", at) for at in others[:MOST_ALIASES]]
    if (base & 0xFFF) + limit >= 0x1000:
        rows.append(Row(note="goes on in the next"))
    yield Box("page", "page of the IDT", 0, tuple(rows))


def _aliases(session: Session, frame: int) -> Iterator[int]:
    """The linear pages that map a frame."""
    for page in tables.pages(session.machine):
        if page.physical <= frame < page.physical + page.size:
            yield page.linear + frame - page.physical


def _mapped(session: Session) -> Iterator[str]:
    """Whether the page is mapped in this page directory and in the one that the kernel copies."""
    machine = session.machine
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        yield "Paging is off: the table is always there."
        return
    base = cpu.idtr.base
    here = isinstance(walk_now(machine, base).end, Mapped)
    yield f"In the page directory of CR3, {cpu.cr3:#010x}, the table is {'mapped' if here else 'NOT mapped'}."
    doors = session.world.modules
    if doors is not None:
        found = walk(machine.memory, cpu.cr0, doors.directory, cpu.cr4, base, Kind.READ, False)
        there = "mapped" if isinstance(found.end, Mapped) else "NOT mapped"
        yield f"In the kernel's own, {doors.directory:#010x}, from which the others are copied, it is {there}."
