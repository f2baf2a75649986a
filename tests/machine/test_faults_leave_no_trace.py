"""Whatever faults has not happened: at every access of every form, a fault leaves registers, flags and memory alone.

An instance is executed once as a rehearsal, to see which pages it touches; then again with each of these pages absent,
and read-only. After the page is repaired, it does exactly what it did in the rehearsal: faults can be restarted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from flat import decoded, execute
from random_forms import REACH, SELECTORS, Instance, corner, distinct, instance, kinds, memory_size, uses_stack

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.machine.faults import Fault, FaultRaised, NotSimulated, page_fault
from pagefault_lab.machine.instructions import forms
from pagefault_lab.machine.memory import Memory
from pagefault_lab.machine.paging import CODE_WRITE
from pagefault_lab.machine.registers import (
    ALWAYS_ONE,
    CS,
    DF,
    EDI,
    EDX,
    ESI,
    ESP,
    ET,
    IF,
    IOPL,
    MASK,
    PE,
    PG,
    STATUS,
    WP,
)
from pagefault_lab.machine.segmentation import (
    LDT,
    TSS32,
    TSS32_BUSY,
    Descriptor,
    Segment,
    SystemSegment,
    TableRegister,
)

CASES = int(os.environ.get("PAGEFAULT_LAB_CASES", "50")) // 5
EDGE = 0x6000  # where operands straddle two pages
WINDOW = (*range(EDGE - 8, EDGE + 8), *range(EDGE - 40, EDGE, 3), 0x5800)
TSS, GDT, LDT_TABLE, DIRECTORY, TABLE = 0x2000, 0xA000, 0xB000, 0x10000, 0x11000
IO_MAP = 0xFF0  # in the TSS, so that the bytes of a port may lie in two pages
MEMORY = 0x20000
PRESENT_WRITABLE_USER = 7

CODE_0, DATA_0, CODE_3, DATA_3 = 0x08, 0x10, 0x18, 0x20
DESCRIPTORS = {
    CODE_0: 0x00CF9A000000FFFF,
    DATA_0: 0x00CF92000000FFFF,
    CODE_3: 0x00CFFA000000FFFF,
    DATA_3: 0x00CFF2000000FFFF,
    0x28: 0x0000890020002FFF | TSS32 << 40,
    0x30: 0x000082000000FFFF | LDT << 40 | LDT_TABLE << 16,
    0x38: 0x00CF72000000FFFF,  # not present
    0x40: 0x00CFF0000000FFFF,  # read-only data
    0x48: 0x00CF9E000000FFFF,  # conforming code
}
PAGES_OF_TABLES = {DIRECTORY >> 12, TABLE >> 12}  # A and D bits of completed walks stay


class Bench:
    """A processor with paging on, every page of its memory mapped to itself."""

    def __init__(self) -> None:
        self.memory = Memory(MEMORY)
        self.cpu = Cpu(self.memory, Ports())
        random = Random(386)
        for address in range(0, MEMORY, 4):
            self.memory.write(address, 4, corner(random))
        self.memory.write(DIRECTORY, 4, TABLE | PRESENT_WRITABLE_USER)
        for page in range(MEMORY >> 12):
            self.map(page, PRESENT_WRITABLE_USER)
        self.memory.write(TSS + 0x66, 2, IO_MAP)
        for number in range(0x1000):
            self.memory.write(TSS + IO_MAP + number, 1, random.choice((0, 0, 0, 0xFF, 0x5A)))
        for selector, raw in DESCRIPTORS.items():
            self.memory.write(GDT + selector, 4, raw & 0xFFFFFFFF)
            self.memory.write(GDT + selector + 4, 4, raw >> 32)
        self.contents = {number: self.memory.frame(number)[:] for number in range(MEMORY >> 12)}
        cpu = self.cpu
        cpu.gdtr, cpu.idtr = TableRegister(GDT, 0x4F), TableRegister(0, 0)
        cpu.tr = SystemSegment(0x28, TSS, 0x2FFF, TSS32_BUSY, True)
        cpu.write_cr3(DIRECTORY)
        cpu.write_cr0(PE | ET | PG | WP)
        self.blank = cpu.save()

    def map(self, page: int, entry_flags: int) -> None:
        """Set a page's entry, and forget its translation."""
        self.memory.write(TABLE + 4 * page, 4, page << 12 | entry_flags if entry_flags else 0)
        self.cpu.invalidate(page << 12)

    def begin(self, made: Instance, cpl: int, eflags: int, pokes: dict[int, int]) -> None:
        """Put everything in place to execute the instance."""
        for number, words in self.contents.items():
            if self.memory.frame(number) != words:
                self.memory.frame(number)[:] = words
        cpu = self.cpu
        cpu.restore(self.blank)
        cpu.ports.restore(Ports().save())
        cpu.ports.serial.input[:] = b"typed"
        for number in range(6):
            selector = {0: (CODE_0, DATA_0), 3: (CODE_3 | 3, DATA_3 | 3)}[cpl][number != CS]
            cpu.set_segment(number, Segment.of(selector, Descriptor(DESCRIPTORS[selector & ~3] | 1 << 40)))
        cpu.registers[:] = made.registers
        cpu.eflags = eflags
        cpu.start = cpu.eip = 0x1000
        for address, value in pokes.items():
            self.memory.write_bytes(address, value.to_bytes(4, "little"))

    def execute(self, made: Instance) -> Fault | str | None:
        """Execute it: its fault, "not simulated", or None if all went well."""
        cpu = self.cpu
        try:
            execute(cpu, decoded(made.bytes))
        except FaultRaised as raised:
            cpu.eip = cpu.start
            return raised.fault
        except NotSimulated:
            cpu.eip = cpu.start
            return "not simulated"
        return None

    def state(self) -> dict[str, Any]:
        """All that a fault must not change; of descriptors, the A bits may be set."""
        cpu, memory = self.cpu, self.memory
        frames = {number: memory.frame(number).tolist() for number in self.contents if number not in PAGES_OF_TABLES}
        for number in (GDT >> 12, LDT_TABLE >> 12):
            frames[number][1::2] = [word | 0x100 for word in frames[number][1::2]]
        return {
            "registers": list(cpu.registers),
            "eip": cpu.eip,
            "eflags": cpu.eflags,
            "segments": [(segment.selector, segment.raw | 1 << 40) for segment in cpu.segments],
            "tables": (cpu.gdtr, cpu.idtr, cpu.ldtr, cpu.tr),
            "system": (cpu.cr0, cpu.cr3, cpu.cr4, cpu.cpl, cpu.halted, cpu.shadow, list(cpu.debug), list(cpu.test)),
            "ports": cpu.ports.save(),
            "memory": frames,
        }


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def pokes_for(made: Instance, random: Random, cpl: int) -> dict[int, int]:
    """Memory contents with which the instance is likely to do something: selectors, stack frames, small values."""
    registers = made.registers
    pokes = {}
    size = memory_size(made.form)
    if made.address is not None:
        pokes[made.address] = random.choice((corner(random), random.choice(SELECTORS)))
        pokes[made.address + (size or made.form.operand_size or 4)] = random.choice(SELECTORS)
    for number in (ESI, EDI):
        if made.form.name in ("movs", "cmps", "scas", "lods", "stos", "outs", "ins"):
            pokes[registers[number] & MASK[made.address_size] & 0xFFFF] = corner(random)
    if uses_stack(made.form):
        width = made.form.operand_size or 4
        outward = random.random() < 0.5
        code, data = (CODE_3 | 3, DATA_3 | 3) if outward or cpl == 3 else (CODE_0, DATA_0)
        frame = [random.choice(SELECTORS)]
        if made.form.name.startswith("iret"):
            frame = [random.choice((0x1000, corner(random))), code, ALWAYS_ONE | IF, random.choice(WINDOW), data]
        elif made.form.name.startswith("lret"):
            frame = [random.choice((0x1000, corner(random))), code]
            if made.immediates:
                made.registers[ESP] &= ~3
            frame += [random.choice(WINDOW), data]
        top = registers[ESP]
        for place, value in enumerate(frame):
            pokes[top + place * width] = value & MASK[width]
    return {address: value for address, value in pokes.items() if address in REACH}


def rehearsals(name: str, random: Random) -> Iterator[Instance]:
    for form in FORMS:
        if form.name == name:
            for in_memory in kinds(form):
                for _ in range(CASES):
                    made = instance(form, random, in_memory, WINDOW)
                    if name in ("in", "ins", "out", "outs"):
                        made.registers[EDX] = random.choice((0x3F8, 0x3FD, 0xE9, corner(random)))
                    if name == "mov_to_segment" and made.address is None:
                        made.registers[made.bytes[-1] & 7] = random.choice(SELECTORS)
                    yield made


FORMS = distinct(forms())
NAMES = list(dict.fromkeys(form.name for form in FORMS))


def pages_of(access: Access) -> set[int]:
    return {access.linear >> 12, (access.linear + access.size - 1 & 0xFFFFFFFF) >> 12}


def pages_read_and_written(events: list[Any]) -> set[int]:
    """The pages of operands that were read and then written back."""
    operands = [event for event in events if isinstance(event, Access) and event.reason is Reason.OPERAND]
    read = {(event.linear, event.size) for event in operands if event.kind is Kind.READ}
    back = [event for event in operands if event.kind is Kind.WRITE and (event.linear, event.size) in read]
    return {page for event in back for page in pages_of(event)}


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_leaves_no_trace_and_can_be_restarted(name: str, bench: Bench) -> None:
    random = Random(name)
    for made in rehearsals(name, random):
        cpl = random.choice((0, 0, 3))
        eflags = (
            ALWAYS_ONE | random.choice((0, IF)) | random.choice((0, 0, IOPL)) | random.getrandbits(12) & (STATUS | DF)
        )
        pokes = pokes_for(made, random, cpl)
        told = f"{made.bytes.hex()} {made.form.mnemonic} CPL {cpl}"

        bench.begin(made, cpl, eflags, pokes)
        before = bench.state()
        events: list[Any] = []
        bench.cpu.look_with(events)
        end = bench.execute(made)
        bench.cpu.look_with(None)
        after = bench.state()
        if end is not None:
            assert after == before, told

        touched = {page for event in events if isinstance(event, Access) for page in pages_of(event)}
        rewritten = pages_read_and_written(events)
        for page in sorted(touched):
            assert page < MEMORY >> 12, told
            for flags in (0, PRESENT_WRITABLE_USER & ~2, PRESENT_WRITABLE_USER & ~4):
                bench.begin(made, cpl, eflags, pokes)
                bench.map(page, flags)
                if random.random() < 0.5:
                    bench.cpu.look_with([])
                outcome = bench.execute(made)
                bench.cpu.look_with(None)
                if not flags:
                    assert isinstance(outcome, Fault), told
                    assert outcome.vector == 14, told
                if isinstance(outcome, Fault) and outcome.vector == 14:
                    assert outcome.linear is not None
                    assert outcome.linear >> 12 == page, told
                    if page in rewritten and name != "movs":
                        assert outcome.error is not None
                        assert outcome.error & CODE_WRITE, f"{told}: a read-modify-write counts as a write"
                    assert bench.state() == before, f"{told} page {page:#x} flags {flags}"
                    bench.map(page, PRESENT_WRITABLE_USER)
                    outcome = bench.execute(made)
                assert outcome == end, told
                assert bench.state() == after, told


@pytest.mark.parametrize("nesting", [0, 1, 2, 31])
def test_enter_faults_if_its_new_top_cannot_be_written(nesting: int, bench: Bench) -> None:
    enter = next(form for form in FORMS if form.name == "enter" and form.operand_size == 4)
    made = Instance(enter, [0, 0, 0, 0, 0x6F00, 0x6F80, 0, 0], code=bytes((0xC8, 0x00, 0x10, nesting)))
    bench.begin(made, 3, ALWAYS_ONE, {})
    bench.map(5, PRESENT_WRITABLE_USER & ~2)
    before = bench.state()
    outcome = bench.execute(made)
    assert outcome == page_fault(7, 0x6F00 - 0x1000 - 4 * (nesting + 1))
    assert bench.state() == before
