"""A machine with all four rings, for tests of protection: whatever the rules look at can be spoiled.

Paging is on. The first megabyte is mapped one to one and open to all; `page` changes that for one page. Ring r has its
code and data segments, and rings 0 to 2 their stack in the TSS. Each vector's interrupt gate (DPL 3) leads to
`handler(vector)` in ring 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, DS, ES, ESP, FS, GS, PE, PG, SS, WP
from pagefault_lab.machine.segmentation import Descriptor, Segment, SystemSegment, TableRegister

DIRECTORY, TABLE = 0x1000, 0x2000
GDT, FAR_GDT = 0x3000, 0x4000  # two pages, so that one can be absent
IDT = 0x5000
TSS_BASE = 0x6000  # three pages: the I/O permission bitmap is part of it
HANDLERS = 0xA000
STACKS = 0x10000  # a page for each ring
TEXT, DATA = 0x20000, 0x21000

TSS, SPARE_TSS, SPARE, FAR_CODE = 0x48, 0x50, 0x58, 0x1000  # selectors; FAR_CODE's descriptor begins FAR_GDT
SPARE_GATE = 0x60
CODE_ACCESS, DATA_ACCESS = 0x9B, 0x93
ABSENT, OPEN = 0, 7  # flags of a page


def code(ring: int) -> int:
    """The selector of a ring's flat code segment."""
    return 0x08 + 0x10 * ring | ring


def data(ring: int) -> int:
    """The selector of a ring's flat data segment."""
    return 0x10 + 0x10 * ring | ring


def stack_top(ring: int) -> int:
    return STACKS + 0x1000 * (ring + 1)


def handler(vector: int) -> int:
    return HANDLERS + 16 * vector


def descriptor(access: int, base: int = 0, limit: int = 0xFFFFF, flags: int = 0xC) -> int:
    """A descriptor's 64 bits; `flags` is G, D/B, 0, AVL; `access` P, DPL, S and type."""
    return (
        limit & 0xFFFF | (base & 0xFFFFFF) << 16 | access << 40 | (limit >> 16) << 48 | flags << 52 | (base >> 24) << 56
    )


def gate(selector: int, offset: int, access: int = 0xEE, count: int = 0) -> int:
    """A gate's 64 bits; `access` is P, DPL and type."""
    return offset & 0xFFFF | selector << 16 | count << 32 | access << 40 | (offset >> 16) << 48


@dataclass(frozen=True)
class Entered:
    """A handler was entered: its vector, the error code on its stack (None where there is none), and its ring."""

    vector: int
    error: int | None = None
    ring: int = 0

    def __str__(self) -> str:
        return f"{self.vector}({'' if self.error is None else hex(self.error)}) in ring {self.ring}"


class Rings:
    """The machine, running in ring `cpl` at TEXT."""

    def __init__(self, cpl: int = 0, program: bytes = b"", iopl: int = 0) -> None:
        self.machine = Machine(1 << 20)
        self.cpu, self.memory = self.machine.cpu, self.machine.memory
        self.memory.write(DIRECTORY, 4, TABLE | OPEN)
        for number in range(256):
            self.memory.write(TABLE + 4 * number, 4, number << 12 | OPEN)
        for ring in range(4):
            self.describe(code(ring), descriptor(CODE_ACCESS | ring << 5))
            self.describe(data(ring), descriptor(DATA_ACCESS | ring << 5))
        for selector, access in ((TSS, 0x8B), (SPARE_TSS, 0x89)):
            self.describe(selector, descriptor(access, TSS_BASE, 0x67, 0))
        self.describe(FAR_CODE, descriptor(CODE_ACCESS))
        for vector in range(256):
            self.set_gate(vector, gate(code(0), handler(vector)))
        cpu = self.cpu
        cpu.gdtr, cpu.idtr = TableRegister(GDT, 0x1FFF), TableRegister(IDT, 0x7FF)
        self.use_tss(TSS_BASE)
        cpu.write_cr3(DIRECTORY)
        cpu.write_cr0(PE | PG | WP)
        self.go_to_ring(cpl)
        cpu.eflags = 2 | iopl << 12
        cpu.eip = TEXT
        self.memory.write_bytes(TEXT, program)

    def go_to_ring(self, ring: int) -> None:
        """Load all segment registers, and ESP, as a program of the ring has them."""
        cpu = self.cpu
        for number in (ES, SS, DS, FS, GS):
            cpu.set_segment(number, Segment.of(data(ring), self.descriptor(data(ring))))
        cpu.set_segment(CS, Segment.of(code(ring), self.descriptor(code(ring))))
        cpu.registers[ESP] = stack_top(ring) - 0x100

    def descriptor(self, selector: int) -> Descriptor:
        """A GDT entry as it is now."""
        return Descriptor(int.from_bytes(self.memory.read_bytes(GDT + (selector & ~7), 8), "little"))

    def describe(self, selector: int, raw: int) -> None:
        """Write a GDT entry."""
        self.memory.write_bytes(GDT + (selector & ~7), raw.to_bytes(8, "little"))

    def set_gate(self, vector: int, raw: int) -> None:
        """Write an IDT entry."""
        self.memory.write_bytes(IDT + 8 * vector, raw.to_bytes(8, "little"))

    def page(self, linear: int, flags: int) -> None:
        """Give a page other flags."""
        self.memory.write(TABLE + 4 * (linear >> 12), 4, linear & 0xFFFFF000 | flags)
        self.cpu.tlb.drop_all(keep_global=False)
        self.cpu.forget_pages()

    def use_tss(self, base: int, limit: int = 0x67, kind: int = 11) -> None:
        """Let TR hold a TSS there, with a stack for rings 0 to 2 (32-bit: kind 11, 16-bit: kind 3)."""
        self.cpu.tr = SystemSegment(TSS, base, limit, kind, True)
        for ring in range(3):
            if kind == 11:
                self.memory.write_bytes(base + 4 + 8 * ring, stack_top(ring).to_bytes(4, "little"))
                self.memory.write_bytes(base + 8 + 8 * ring, data(ring).to_bytes(4, "little"))
            else:
                self.memory.write_bytes(base + 2 + 4 * ring, (stack_top(ring) & 0xFFFF).to_bytes(2, "little"))
                self.memory.write_bytes(base + 4 + 4 * ring, data(ring).to_bytes(2, "little"))

    def step(self) -> Entered | None:
        """Execute one instruction. None if it completed or shut the processor down."""
        self.machine.run(1)
        return self.entered()

    def entered(self) -> Entered | None:
        """The handler that is about to run, if one is."""
        cpu = self.cpu
        vector, inside = divmod(cpu.eip - HANDLERS, 16)
        if inside or not 0 <= vector < 256 or cpu.shutdown:
            return None
        has_error = vector in (8, 10, 11, 12, 13, 14, 17)
        error = cpu.peek(cpu.segments[SS].base + cpu.registers[ESP], 4) if has_error else None
        return Entered(vector, error, cpu.cpl)

    def interrupt(self, vector: int) -> Entered | None:
        """Let an external interrupt come, with IF=1."""
        self.cpu.eflags |= 0x200
        self.machine.interrupt(vector)
        return self.step()
