"""What could be different before a machine makes a step: each hypothesis is one change.

    hypothesis.apply(machine)    makes it, on a copy; raises Problem or FaultRaised if it cannot be made there
    hypothesis.place             two of the same place exclude each other

Nothing here knows what would follow: lab/candidates.py proposes, lab/whatif.py finds out by executing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pagefault_lab.lab import peeking
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.memory import PAGE
from pagefault_lab.machine.paging import LARGE, LARGE_RESERVED, PRESENT, USER, WRITABLE
from pagefault_lab.machine.registers import CR0_NAMES, CR4_NAMES, CS, FLAG_NAMES, IOPL, PG, SS, TF
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.machine import Machine

ENTRY_BITS: Final = {"P": PRESENT, "R/W": WRITABLE, "U/S": USER, "PS": LARGE, "21..12": LARGE_RESERVED}


class EntryBits(NamedTuple):
    """A bit, or the reserved bits, of a page directory's or a page table's entry, at its physical `address`.

    `linear` is an address that the entry helps to translate, `frame` the physical address that the entry holds.
    """

    level: str
    linear: int
    address: int
    name: str
    before: int
    after: int
    frame: int

    @property
    def place(self) -> object:
        return self.address, self.name

    def apply(self, machine: Machine) -> None:
        entry = machine.memory.read(self.address, 4)
        machine.memory.write(self.address, 4, with_field(entry, ENTRY_BITS[self.name], self.after))


class TranslationDropped(NamedTuple):
    """The TLB does not hold the page of an address."""

    linear: int
    entry: TlbEntry

    @property
    def place(self) -> object:
        return "TLB", self.linear >> 12

    def apply(self, machine: Machine) -> None:
        machine.cpu.invalidate(self.linear)


class PageMapped(NamedTuple):
    """A page of zeros is where there is none, present in both levels and open to all. The TLB does not hold it."""

    linear: int

    @property
    def place(self) -> object:
        return "page", self.linear >> 12

    def apply(self, machine: Machine) -> None:
        memory, open_to_all = machine.memory, PRESENT | WRITABLE | USER
        pde = walk_now(machine, self.linear).lookups[0]
        table = pde.entry & 0xFFFFF000 if pde.present else new_frame(machine)
        memory.write(pde.address, 4, table | pde.entry & 0xFFF | open_to_all)
        memory.write(table + 4 * (self.linear >> 12 & 0x3FF), 4, new_frame(machine) | open_to_all)
        machine.cpu.invalidate(self.linear)


class Privilege(NamedTuple):
    """The CPL, and with it the RPL and DPL in CS and SS; the other segment registers stay."""

    before: int
    after: int

    @property
    def place(self) -> object:
        return "CPL"

    def apply(self, machine: Machine) -> None:
        set_privilege(machine.cpu, self.after)


class RegisterBits(NamedTuple):
    """A bit or a field of a register of the system (`cr0`, `cr4`, `eflags`), or a table register's `limit`."""

    register: str
    name: str
    before: int
    after: int

    @property
    def place(self) -> object:
        return self.register, self.name

    def apply(self, machine: Machine) -> None:
        cpu = machine.cpu
        match self.register:
            case "cr0":
                cpu.write_cr0(with_field(cpu.cr0, _mask(CR0_NAMES, self.name), self.after))
            case "cr4":
                cpu.write_cr4(with_field(cpu.cr4, _mask(CR4_NAMES, self.name), self.after))
            case "eflags":
                mask = IOPL if self.name == "IOPL" else _mask(FLAG_NAMES, self.name)
                cpu.eflags = with_field(cpu.eflags, mask, self.after)
            case _:
                setattr(cpu, self.register, replace(getattr(cpu, self.register), limit=self.after))


class OtherAccess(NamedTuple):
    """In the place of the instruction, one that accesses `size` bytes at the same address in another way.

    What was a fetch is accessed by a flat DS then, whatever that register holds.
    """

    segment: int
    offset: int
    linear: int
    size: int
    before: Kind
    after: Kind

    @property
    def place(self) -> object:
        return "access"

    def apply(self, machine: Machine) -> None:
        if self.before is Kind.FETCH:
            make_flat(machine.cpu, self.segment)
        prepare_access(machine, self.segment, self.offset, self.size, self.after)


class TableField(NamedTuple):
    """A field in memory of an entry of a table: `size` bytes at a linear `address`, of which `mask` are the field.

    `table` is "IDT", "GDT", "LDT" or "TSS"; `number` the entry's, in the TSS that of the ring or port meant.
    """

    table: str
    number: int
    name: str
    address: int
    size: int
    mask: int
    before: int
    after: int

    @property
    def place(self) -> object:
        return self.address, self.mask

    def apply(self, machine: Machine) -> None:
        value = peeking.read(machine, self.address, self.size)
        changed = with_field(value, self.mask, self.after)
        peeking.place(machine, self.address, changed.to_bytes(self.size, "little"))


class SegmentField(NamedTuple):
    """A field in the hidden part of a segment register: `limit`, `readable`, `writable`."""

    segment: int
    name: str
    before: int
    after: int

    @property
    def place(self) -> object:
        return "segment", self.segment

    def apply(self, machine: Machine) -> None:
        cpu = machine.cpu
        hidden = cpu.segments[self.segment]
        value: Any = self.after if self.name == "limit" else bool(self.after)
        cpu.set_segment(self.segment, replace(hidden, **{self.name: value}))


class SelectorLoaded(NamedTuple):
    """A segment register was loaded with another selector of the GDT."""

    segment: int
    before: int
    after: int

    @property
    def place(self) -> object:
        return "segment", self.segment

    def apply(self, machine: Machine) -> None:
        machine.cpu.load_segment(self.segment, self.after)


Hypothesis: TypeAlias = (
    EntryBits
    | TranslationDropped
    | PageMapped
    | Privilege
    | RegisterBits
    | OtherAccess
    | TableField
    | SegmentField
    | SelectorLoaded
)


def _mask(names: dict[int, str], name: str) -> int:
    return next(bit for bit, each in names.items() if each == name)


def with_field(value: int, mask: int, field: int) -> int:
    """`value` with the bits of `mask` being `field`, a number of its own."""
    return value & ~mask | field * (mask & -mask)


def field_of(value: int, mask: int) -> int:
    """The bits of `mask` in `value`, as a number of their own."""
    return (value & mask) // (mask & -mask)


# --- making a machine stand where it has not been


def set_privilege(cpu: Cpu, cpl: int) -> None:
    """Change the CPL and leave the rest as it is: CS and SS keep base, limit and type."""
    for number in (SS, CS):
        hidden = cpu.segments[number]
        cpu.set_segment(number, replace(hidden, selector=hidden.selector & ~3 | cpl, dpl=cpl))


def let_nothing_come_before(cpu: Cpu) -> None:
    """Let the next step be an instruction, and end behind it: no interrupt is pending, the processor is not halted."""
    cpu.pending.clear()
    cpu.halted = cpu.shutdown = cpu.trapping = False
    cpu.shadow = 0
    cpu.eflags &= ~TF


def make_flat(cpu: Cpu, number: int) -> None:
    """Let a segment register reach every linear address, to read and to write."""
    cpu.set_segment(
        number,
        replace(
            cpu.segments[number], base=0, limit=0xFFFFFFFF, readable=True, writable=True, expand_down=False, valid=True
        ),
    )


def new_frame(machine: Machine) -> int:
    """A frame of zeros behind the end of memory, where nobody answered before; its physical address."""
    memory = machine.memory
    address = memory.size
    memory.frames.append(None)
    memory.size += PAGE
    return address


NO_OPERATION: Final = 0x90
_PREFIXES: Final = (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)  # by segment register
_OPERAND_16: Final = 0x66
_MOVES: Final = {(Kind.READ, 1): 0xA0, (Kind.READ, 4): 0xA1, (Kind.WRITE, 1): 0xA2, (Kind.WRITE, 4): 0xA3}


def prepare_access(machine: Machine, segment: int, offset: int, size: int, kind: Kind) -> None:
    """Let the next step make one access by a segment register: a mov between memory and EAX, AX or AL.

    The mov lies in a frame of its own, in a page that the TLB holds, so that nothing has to be mapped for it. A fetch
    needs no instruction but the one that is to be fetched: a nop, if there is memory to hold it.
    """
    cpu = machine.cpu
    linear = cpu.segments[segment].base + offset & 0xFFFFFFFF
    cpu.set_segment(CS, replace(cpu.segments[CS], base=0, limit=0xFFFFFFFF, big=True))
    offset = linear if segment == CS else offset
    if kind is Kind.FETCH:
        cpu.eip = linear
        place = peeking.locate(machine, linear)
        if isinstance(place, int):
            machine.memory.write(place, 1, NO_OPERATION)
        return
    opcode = _MOVES[kind, 1 if size == 1 else 4]
    code = bytes((*((_OPERAND_16,) if size == 2 else ()), _PREFIXES[segment], opcode)) + offset.to_bytes(4, "little")
    frame = new_frame(machine)
    machine.memory.write_bytes(frame, code)
    cpu.eip = frame
    if cpu.cr0 & PG:
        page = _unused_page(machine, linear)
        cpu.tlb.entries[page] = TlbEntry(frame >> 12, True, True, True, False)
        cpu.eip = page << 12
    cpu.forget_pages()


def _unused_page(machine: Machine, linear: int) -> int:
    """A page that the TLB does not hold, in another directory entry than an address: not mapped, if there is one."""
    near = linear >> 22, (linear + PAGE & 0xFFFFFFFF) >> 22
    pages = [directory << 10 | 0x3FF for directory in range(1023, -1, -1) if directory not in near]
    free = [page for page in pages if page not in machine.cpu.tlb.entries]
    absent = (page for page in free if isinstance(walk_now(machine, page << 12).end, Fault))
    return next(absent, free[0])
