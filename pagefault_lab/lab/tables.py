"""The processor's tables and registers as values, read without any effect: what `info` and `sreg` show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.walks import contradiction
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.paging import LARGE
from pagefault_lab.machine.registers import NAMES_32, PG, PSE, SEGMENT_NAMES
from pagefault_lab.machine.segmentation import TSS32, TSS32_BUSY, Descriptor, Segment, SystemSegment, descriptor_address
from pagefault_lab.machine.step import REGISTERS, visible
from pagefault_lab.machine.tlb import TlbEntry
from pagefault_lab.machine.tss import FIELDS

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

NameOf = Callable[[int], "str | None"]  # a linear address to `symbol+4`


# --- registers


class Register(NamedTuple):
    """A register; `before` is its value at the last stop, the same if nothing is known of one. `name` of an address."""

    name: str
    value: int
    before: int
    symbol: str


class Registers(NamedTuple):
    """The general registers, EIP, EFLAGS and the selectors."""

    registers: tuple[Register, ...]
    cpl: int


def registers(machine: Machine, name_of: NameOf, before: tuple[int, ...] | None = None) -> Registers:
    """The registers now; `before` is what `machine.step.visible` gave at the last stop."""
    shown = (*NAMES_32, "eip", "eflags", *SEGMENT_NAMES)
    now = dict(zip(REGISTERS, visible(machine.cpu), strict=True))
    then = dict(zip(REGISTERS, before, strict=True)) if before is not None else now
    found = []
    for name in shown:
        symbol = "" if name in SEGMENT_NAMES or name == "eflags" else name_of(now[name]) or ""
        if name != "eip" and "+" in symbol:
            symbol = ""  # a number that happens to lie behind a symbol
        found.append(Register(name, now[name], then[name], symbol))
    return Registers(tuple(found), machine.cpu.cpl)


class ControlRegisters(NamedTuple):
    """CR0 to CR4, as they are."""

    cr0: int
    cr2: int
    cr3: int
    cr4: int
    symbol: str  # name of CR2's address


def control_registers(machine: Machine, name_of: NameOf) -> ControlRegisters:
    cpu = machine.cpu
    return ControlRegisters(cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, name_of(cpu.cr2) or "")


class HiddenSegment(NamedTuple):
    """A segment register with its hidden part. `kind` tells its type in words; "" if it is null."""

    name: str
    selector: int
    base: int
    limit: int
    dpl: int
    type: str
    stale: bool  # the descriptor in the table is not any more what was loaded


class SegmentRegisters(NamedTuple):
    """All segment registers, LDTR and TR; GDTR and IDTR as (base, limit)."""

    segments: tuple[HiddenSegment, ...]
    gdtr: tuple[int, int]
    idtr: tuple[int, int]


def segment_registers(machine: Machine) -> SegmentRegisters:
    """The hidden parts, and whether the tables still say the same."""
    from pagefault_lab.lab.decode import describe
    from pagefault_lab.machine.segmentation import SYSTEM_TYPES

    cpu = machine.cpu
    found = []
    accessed = 1 << 40
    for name, segment in zip(SEGMENT_NAMES, cpu.segments, strict=True):
        kind = describe(Descriptor(segment.raw), False) if segment.valid else ""
        now = descriptor_of(machine, segment.selector) if segment.valid else None
        stale = segment.valid and (now is None or now.raw | accessed != segment.raw | accessed)
        found.append(HiddenSegment(name, segment.selector, segment.base, segment.limit, segment.dpl, kind, stale))
    for name, system in (("ldtr", cpu.ldtr), ("tr", cpu.tr)):
        kind = SYSTEM_TYPES.get(system.type, "") if system.valid else ""
        found.append(HiddenSegment(name, system.selector, system.base, system.limit, 0, kind, False))
    return SegmentRegisters(tuple(found), (cpu.gdtr.base, cpu.gdtr.limit), (cpu.idtr.base, cpu.idtr.limit))


# --- descriptor tables


class IdtEntry(NamedTuple):
    """One vector's gate and where it lies; `gate` is None if nothing is mapped there. `symbol` names its offset.

    `code` is the descriptor that the gate's selector names, None if there is none.
    """

    vector: int
    address: int
    gate: Gate | None
    symbol: str
    code: Descriptor | None


class IdtTable(NamedTuple):
    """The IDT that IDTR points to; `symbol` names its base."""

    base: int
    limit: int
    symbol: str
    entries: tuple[IdtEntry, ...]


def idt(machine: Machine, name_of: NameOf) -> IdtTable:
    """All gates inside the limit, at most 256."""
    idtr = machine.cpu.idtr
    count = min((idtr.limit + 1) // 8, 256)
    return IdtTable(
        idtr.base, idtr.limit, name_of(idtr.base) or "", tuple(idt_entry(machine, n, name_of) for n in range(count))
    )


def idt_entry(machine: Machine, vector: int, name_of: NameOf) -> IdtEntry:
    """One gate."""
    address = machine.cpu.idtr.base + 8 * vector & 0xFFFFFFFF
    raw = _peek64(machine, address)
    if raw is None:
        return IdtEntry(vector, address, None, "", None)
    gate = Gate(raw)
    symbol = "" if gate.is_task_gate or not gate.belongs_in_idt else name_of(gate.offset) or ""
    return IdtEntry(vector, address, gate, symbol, descriptor_of(machine, gate.selector))


class DescriptorEntry(NamedTuple):
    """One entry of the GDT or the LDT; `descriptor` is None if nothing is mapped there. `used_by` are the registers
    that hold its selector now."""

    number: int
    selector: int
    address: int
    descriptor: Descriptor | None
    used_by: tuple[str, ...]


class DescriptorTable(NamedTuple):
    """The GDT, or the LDT with its selector; `table` is which."""

    table: str
    selector: int
    base: int
    limit: int
    symbol: str
    entries: tuple[DescriptorEntry, ...]


def gdt(machine: Machine, name_of: NameOf) -> DescriptorTable:
    """Every entry inside GDTR's limit."""
    gdtr = machine.cpu.gdtr
    return _descriptors(machine, "GDT", 0, gdtr.base, gdtr.limit, name_of)


def ldt(machine: Machine, name_of: NameOf) -> DescriptorTable:
    """Every entry inside the LDT's limit; none without an LDT."""
    ldtr = machine.cpu.ldtr
    if not ldtr.valid:
        return DescriptorTable("LDT", ldtr.selector, 0, 0, "", ())
    return _descriptors(machine, "LDT", ldtr.selector, ldtr.base, ldtr.limit, name_of)


def _descriptors(
    machine: Machine, table: str, selector: int, base: int, limit: int, name_of: NameOf
) -> DescriptorTable:
    cpu = machine.cpu
    local = 4 if table == "LDT" else 0
    holders: list[tuple[str, Segment | SystemSegment]] = [("ldtr", cpu.ldtr), ("tr", cpu.tr)]
    holders[:0] = zip(SEGMENT_NAMES, cpu.segments, strict=True)
    entries = []
    for index in range(min((limit + 1) // 8, 8192)):
        address = base + 8 * index & 0xFFFFFFFF
        raw = _peek64(machine, address)
        named = 8 * index | local
        users = [name for name, held in holders if held.valid and held.selector & 0xFFFC == named]
        entries.append(DescriptorEntry(index, named, address, None if raw is None else Descriptor(raw), tuple(users)))
    return DescriptorTable(table, selector, base, limit, name_of(base) or "", tuple(entries))


def descriptor_of(machine: Machine, selector: int) -> Descriptor | None:
    """The descriptor that a selector names now; None for a null one, beyond the limit, or where nothing is mapped."""
    if not selector & 0xFFFC:
        return None
    address = descriptor_address(machine.cpu, selector)
    raw = None if address is None else _peek64(machine, address)
    return None if raw is None else Descriptor(raw)


def _peek64(machine: Machine, address: int) -> int | None:
    low, high = machine.cpu.peek(address, 4), machine.cpu.peek(address + 4 & 0xFFFFFFFF, 4)
    return None if low is None or high is None else low | high << 32


# --- the TSS


class TssField(NamedTuple):
    """A field: its offset, its value, None beyond the limit or where nothing is mapped. `symbol` names an address."""

    name: str
    offset: int
    value: int | None
    symbol: str


class TssPicture(NamedTuple):
    """The TSS that TR names, a 32-bit one; `fields` is empty if TR is null or the TSS a 16-bit one.

    `ports` are the ranges of ports that the I/O map allows at any CPL, first and last.
    """

    selector: int
    base: int
    limit: int
    busy: bool
    valid: bool
    symbol: str
    fields: tuple[TssField, ...]
    ports: tuple[tuple[int, int], ...]


SHORT_FIELDS = frozenset({"link", "ss0", "ss1", "ss2", "es", "cs", "ss", "ds", "fs", "gs", "ldt", "trap", "io_map"})


def tss(machine: Machine, name_of: NameOf) -> TssPicture:
    """What the TSS says now."""
    cpu = machine.cpu
    tr = cpu.tr
    fields = []
    ports: tuple[tuple[int, int], ...] = ()
    if _is_wide(tr):
        for name, offset in FIELDS.items():
            value = field_of_tss(machine, name)
            fields.append(TssField(name, offset, value, (name_of(value) or "") if name == "eip" and value else ""))
            if name == "io_map" and value is not None:
                ports = _allowed_ports(machine, value)
    busy = tr.type in (3, TSS32_BUSY)
    return TssPicture(tr.selector, tr.base, tr.limit, busy, tr.valid, name_of(tr.base) or "", tuple(fields), ports)


def field_of_tss(machine: Machine, name: str) -> int | None:
    """A field (one of FIELDS) of the 32-bit TSS that TR names; None if there is no such TSS, or the field lies beyond
    its limit or in a page that is not mapped."""
    tr, offset, size = machine.cpu.tr, FIELDS[name], 2 if name in SHORT_FIELDS else 4
    if not _is_wide(tr) or offset + size - 1 > tr.limit:
        return None
    return machine.cpu.peek(tr.base + offset & 0xFFFFFFFF, size)


def _is_wide(tr: SystemSegment) -> bool:
    return tr.valid and tr.type in (TSS32, TSS32_BUSY)


def _allowed_ports(machine: Machine, base: int) -> tuple[tuple[int, int], ...]:
    """Ranges of ports whose bit is 0 in the I/O map, as far as it lies inside the TSS."""
    tr = machine.cpu.tr
    found: list[tuple[int, int]] = []
    for place in range(min(tr.limit - base, 8192) if base >= 0x68 else 0):  # the last byte is a stopper
        byte = machine.cpu.peek(tr.base + base + place & 0xFFFFFFFF, 1)
        if byte in (None, 0xFF):
            continue
        for bit in range(8):
            if not byte >> bit & 1:
                port = 8 * place + bit
                if found and found[-1][1] == port - 1:
                    found[-1] = (found[-1][0], port)
                else:
                    found.append((port, port))
    return tuple(found)


# --- paging


class TlbLine(NamedTuple):
    """One page that the TLB knows. `stale` tells how the page tables differ from it now, "" if they agree."""

    linear: int
    entry: TlbEntry
    symbol: str
    stale: str


class TlbTable(NamedTuple):
    """What the TLB holds, by address. `paging` is CR0.PG."""

    paging: bool
    lines: tuple[TlbLine, ...]


def tlb(machine: Machine, name_of: NameOf) -> TlbTable:
    """The real TLB, each entry compared with what a walk would find now."""
    cpu = machine.cpu
    lines = []
    for page, entry in sorted(cpu.tlb.entries.items()):
        linear = page << 12
        lines.append(TlbLine(linear, entry, exactly(linear, name_of), contradiction(machine, linear, entry)))
    return TlbTable(bool(cpu.cr0 & PG), tuple(lines))


def exactly(linear: int, name_of: NameOf) -> str:
    """The symbol that stands at this very address."""
    symbol = name_of(linear) or ""
    return "" if "+" in symbol else symbol


class MemoryRange(NamedTuple):
    """Linear pages in a row with the same rights. `physical` is the frame address of the first one; `contiguous` tells
    whether the others follow it. `accessed` and `dirty` count pages."""

    start: int
    end: int  # the last byte
    writable: bool
    user: bool
    global_: bool
    large: bool
    physical: int
    contiguous: bool
    accessed: int
    dirty: int
    symbol: str


class MemoryMap(NamedTuple):
    """What the page tables of CR3 map. `paging` is CR0.PG."""

    cr3: int
    paging: bool
    ranges: tuple[MemoryRange, ...]


class Page(NamedTuple):
    """A page that both levels of the tables map, of `size` bytes."""

    linear: int
    size: int
    physical: int
    rights: tuple[bool, bool, bool, bool]  # writable, user, global, large
    accessed: bool
    dirty: bool


def memory_map(machine: Machine, name_of: NameOf) -> MemoryMap:
    """The page tables as ranges, whatever the TLB believes."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return MemoryMap(cpu.cr3, False, ())
    runs: list[_Run] = []
    for page in pages(machine):
        if not runs or not runs[-1].goes_on_with(page):
            runs.append(_Run(page, page.linear))
        runs[-1].take(page)
    return MemoryMap(
        cpu.cr3,
        True,
        tuple(
            MemoryRange(
                run.first.linear, run.end - 1, *run.first.rights, run.first.physical, run.contiguous, run.accessed,
                run.dirty, exactly(run.first.linear, name_of),
            )
            for run in runs
        ),
    )  # fmt: skip


@dataclass(slots=True)
class _Run:
    """Pages that follow each other with the same rights, up to `end`."""

    first: Page
    end: int
    contiguous: bool = True
    accessed: int = 0
    dirty: int = 0

    def goes_on_with(self, page: Page) -> bool:
        return page.linear == self.end and page.rights == self.first.rights

    def take(self, page: Page) -> None:
        self.contiguous = self.contiguous and page.physical - page.linear == self.first.physical - self.first.linear
        self.end = page.linear + page.size
        self.accessed += page.accessed
        self.dirty += page.dirty


def pages(machine: Machine) -> Iterator[Page]:
    """Every page that the tables of CR3 map, by address, whatever the TLB believes."""
    cpu, memory = machine.cpu, machine.memory
    for directory, pde in enumerate(memory.frame(cpu.cr3 >> 12)):
        if not pde & 1:
            continue
        if pde & LARGE and cpu.cr4 & PSE:
            rights = (bool(pde & 2), bool(pde & 4), bool(pde & 0x100), True)
            yield Page(directory << 22, 1 << 22, pde & 0xFFC00000, rights, bool(pde & 0x20), bool(pde & 0x40))
            continue
        for table, pte in enumerate(memory.frame(pde >> 12)):
            if pte & 1:
                rights = (bool(pde & pte & 2), bool(pde & pte & 4), bool(pte & 0x100), False)
                yield Page(
                    directory << 22 | table << 12, 4096, pte & 0xFFFFF000, rights, bool(pte & 0x20), bool(pte & 0x40)
                )
