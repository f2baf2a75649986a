"""Small machines for tests, built by hand: flat and bare, or paged with two rings, an IDT and a TSS.

Nothing here looks like the world `linux`: other selectors, other addresses, so that what is shown of these machines
can come only from what ran.
"""

from __future__ import annotations

from pagefault_lab.lab.history import History
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, DS, ES, ESP, FS, GS, PE, PG, SS, WP
from pagefault_lab.machine.segmentation import Descriptor, Segment, SystemSegment, TableRegister
from pagefault_lab.worlds import World

KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA, TSS = 0x08, 0x10, 0x1B, 0x23, 0x28
FLAT = {
    KERNEL_CODE: 0x00CF9B000000FFFF, KERNEL_DATA: 0x00CF93000000FFFF,
    USER_CODE & ~3: 0x00CFFB000000FFFF, USER_DATA & ~3: 0x00CFF3000000FFFF,
}  # fmt: skip

# physical pages, mapped at the same linear address and for the supervisor only
DIRECTORY, TABLE, GDT, IDT, TSS_BASE, HANDLERS, KERNEL_STACK = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x8000
# user pages
USER_TEXT, USER_STACK = 0x10000, 0x12000
PRESENT, WRITABLE, USER = 1, 2, 4

BUILT = World("built", "by hand")


def flat(code: bytes = b"", at: int = 0x1000, **registers: int) -> Machine:
    """Paging off, CPL 0, flat segments, no IDT; `code` lies at `at`, EIP points to it."""
    machine = Machine(1 << 20)
    cpu = machine.cpu
    cpu.cr0 = 0x10 | PE
    code_segment = Segment.of(KERNEL_CODE, Descriptor(FLAT[KERNEL_CODE]))
    data_segment = Segment.of(KERNEL_DATA, Descriptor(FLAT[KERNEL_DATA]))
    for number in (ES, SS, DS, FS, GS):
        cpu.set_segment(number, data_segment)
    cpu.set_segment(CS, code_segment)
    cpu.idtr = TableRegister(0, 0)
    cpu.registers[ESP] = 0x8000
    machine.memory.write_bytes(at, code)
    cpu.eip = at
    _set(machine, registers)
    return machine


def two_rings(code: bytes = b"", cpl: int = 3, wp: bool = True, **registers: int) -> Machine:
    """Paging on, GDT, a TSS with the ring-0 stack, an IDT of interrupt gates to `HANDLERS + 16*vector`, running `code`.

    The first megabyte is mapped one to one: for the supervisor below USER_TEXT, for users (writable) from there on.
    `map_page` changes that. The TLB is empty.
    """
    machine = Machine(1 << 20)
    cpu, memory = machine.cpu, machine.memory
    memory.write(DIRECTORY, 4, TABLE | PRESENT | WRITABLE | USER)
    for page in range(256):
        memory.write(TABLE + 4 * page, 4, page << 12 | PRESENT | WRITABLE | (USER if page >= USER_TEXT >> 12 else 0))
    for selector, raw in FLAT.items():
        _write_descriptor(machine, selector, raw)
    _write_descriptor(machine, TSS, 0x0000_8B00_0000_0067 | TSS_BASE << 16)
    memory.write(TSS_BASE + 4, 4, KERNEL_STACK)
    memory.write(TSS_BASE + 8, 4, KERNEL_DATA)
    for vector in range(32):
        set_gate(machine, vector, KERNEL_CODE, HANDLERS + 16 * vector, 0x8E00)
    cpu.gdtr, cpu.idtr = TableRegister(GDT, 0x2F), TableRegister(IDT, 0xFF)
    cpu.tr = SystemSegment(TSS, TSS_BASE, 0x67, 11, True)
    cpu.cr3 = DIRECTORY
    cpu.write_cr0(PE | PG | (WP if wp else 0))
    selectors = (USER_CODE, USER_DATA) if cpl == 3 else (KERNEL_CODE, KERNEL_DATA)
    data_segment = Segment.of(selectors[1], Descriptor(FLAT[selectors[1] & ~3]))
    for number in (ES, SS, DS, FS, GS):
        cpu.set_segment(number, data_segment)
    cpu.set_segment(CS, Segment.of(selectors[0], Descriptor(FLAT[selectors[0] & ~3])))
    cpu.registers[ESP] = USER_STACK + 0xFF0 if cpl == 3 else KERNEL_STACK - 0x100
    cpu.eflags = 0x202
    cpu.eip = USER_TEXT
    memory.write_bytes(USER_TEXT, code)
    _set(machine, registers)
    return machine


def map_page(machine: Machine, linear: int, flags: int, directory_flags: int = PRESENT | WRITABLE | USER) -> None:
    """Give the page at `linear` (below 4 MiB) these bits, and its directory entry these; its frame stays."""
    machine.memory.write(DIRECTORY, 4, TABLE | directory_flags)
    machine.memory.write(TABLE + 4 * (linear >> 12), 4, linear & 0xFFFFF000 | flags)
    machine.cpu.tlb.entries.clear()
    machine.cpu.forget_pages()


def set_gate(machine: Machine, vector: int, selector: int, offset: int, bits: int) -> None:
    """Write a gate; `bits` is the word of P, DPL and type, as in 0x8E00."""
    machine.memory.write(IDT + 8 * vector, 4, selector << 16 | offset & 0xFFFF)
    machine.memory.write(IDT + 8 * vector + 4, 4, offset & 0xFFFF0000 | bits)


def on_bench(machine: Machine, world: World = BUILT) -> Session:
    """A session with this machine, in which nothing can be typed but commands."""
    session = Session("bare")
    session.machine, session.world = machine, world
    session.history = History(session)
    return session


def _write_descriptor(machine: Machine, selector: int, raw: int) -> None:
    machine.memory.write(GDT + (selector & ~7), 4, raw & 0xFFFFFFFF)
    machine.memory.write(GDT + (selector & ~7) + 4, 4, raw >> 32)


def _set(machine: Machine, registers: dict[str, int]) -> None:
    from pagefault_lab.machine.registers import NAMES_32

    for name, value in registers.items():
        machine.cpu.registers[NAMES_32.index(name)] = value
