"""Whole programs under paging, judged by Unicorn: registers, memory, and the A and D bits that the walks leave.

A program is a few dozen random instances of any form (random_forms.py encodes them) in a loop, with jumps over some of
them, pushes, pops and a subroutine; linear pages lie in shuffled frames. It runs in ring 0 or 3, and here three times:
translated, recorded and by single steps.
"""

from __future__ import annotations

import os
import struct
from random import Random
from typing import Any

import pytest
from random_forms import REACH, Instance, instance, kinds, uses_stack
from test_instructions_judged_by_unicorn import JUDGED, undefined_flags

from pagefault_lab.machine.instructions import Form
from pagefault_lab.machine.journal import records
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.memory import PAGE, framed
from pagefault_lab.machine.registers import CS, EAX, EBX, ECX, EDI, ESI, ESP, NAMES_32, STATUS
from pagefault_lab.machine.segmentation import Descriptor, Segment, TableRegister

unicorn = pytest.importorskip("unicorn", reason="Unicorn is the judge of execution")
x86 = pytest.importorskip("unicorn.x86_const")

PROGRAMS = int(os.environ.get("PAGEFAULT_LAB_CASES", "50")) // 5
MEMORY = 0x80000
DIRECTORY, TABLE, GDT, ENTRY, ENTRY_STACK = 0x1000, 0x2000, 0x3000, 0x8000, 0x9000
CODE, STACK, COUNTER = 0x10000, 0x20000, 0x21800
SUBROUTINE = CODE + 0x3000
PAGES = (*range(REACH.start >> 12, REACH.stop >> 12), *range(0x10, 0x14), *range(0x20, 0x22))
FLAT = (0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x00CFFB000000FFFF, 0x00CFF3000000FFFF)
CR0 = 0x80010011
REGISTERS = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in NAMES_32]

# not a part of programs: what may fault by its values, and what reaches out of memory
LEFT_OUT = {"div", "idiv", "aam", "bound", "in", "out", "ins", "outs", "mov_from_segment"}
FORMS = [form for form in JUDGED if not (form.transfers or uses_stack(form) or form.name in LEFT_OUT)]
PUSHES_AND_POPS = list(map(bytes.fromhex, ("5058", "66516659", "9c59", "6a055b", "6061", "c820000189ebc9", "545a")))


def settled_flags(made: Instance) -> bytes:
    """An instruction that defines all flags, behind one that does not."""
    return b"\x3c\x05" if undefined_flags(made) else b""  # cmpb $5,%al


def loaded(made: Instance) -> bytes:
    """Instructions that give the registers which the instance needs: `mov $imm32,%r32`."""
    needed = made.addressing | ({ECX} if "%cl" in made.form.operands or made.form.repeat else set())
    for letters, number in (("si", ESI), ("di", EDI), ("bx", EBX)):
        needed |= {number} if any(pattern.startswith(letters) for pattern in made.form.operands) else set()
    if made.form.name.endswith("_string") and made.modrm is not None:
        needed.add(made.modrm >> 3 & 7)
    if made.form.name == "xlat":
        needed.add(EAX)
    return b"".join(bytes((0xB8 + number,)) + made.registers[number].to_bytes(4, "little") for number in sorted(needed))


def touches_stack_pointer(made: Instance) -> bool:
    """Whether it reads or writes ESP: as an operand, or in its address."""
    form, modrm = made.form, made.modrm
    if ESP in made.addressing or (form.plus_register and made.code[len(form.opcode) - 1] & 7 == ESP):
        return True
    if modrm is None:
        return False
    return (form.digit is None and modrm >> 3 & 7 == ESP) or (modrm >= 0xC0 and modrm & 7 == ESP)


def piece(random: Random, form: Form) -> bytes:
    """One instance, ready to stand anywhere in a program."""
    while True:
        made = instance(form, random, random.choice(kinds(form)))
        if not touches_stack_pointer(made) and made.address_size == 4:
            break
        if form.address_size == 2:
            return b"\x90"
    if form.repeat and random.random() < 0.5:
        made.registers[ECX] = random.randrange(9)
        made.prefixes = random.choice((b"\xf3", b"\xf2" if form.repeat == "repe" else b"\xf3")) + made.prefixes
    return loaded(made) + made.bytes + settled_flags(made) + (b"\xfc" if form.name == "std" else b"")


def program(random: Random) -> bytes:
    """Set a counter; pieces, some of them jumped over; count down and loop; an endless jump."""
    start = b"\xc7\x05" + COUNTER.to_bytes(4, "little") + random.randrange(2, 6).to_bytes(4, "little")
    body = bytearray(start)
    for _ in range(40):
        part = piece(random, random.choice(FORMS))
        kind = random.random()
        if kind < 0.25:
            body += bytes((0x70 + random.randrange(16), len(part)))  # jcc over it
        elif kind < 0.4:
            body += random.choice(PUSHES_AND_POPS)
        elif kind < 0.5:
            body += b"\xe8" + (SUBROUTINE - CODE - len(body) - 5 & 0xFFFFFFFF).to_bytes(4, "little")
        body += part
    body += b"\xff\x0d" + COUNTER.to_bytes(4, "little")  # decl
    return bytes(body) + b"\x0f\x85" + (len(start) - len(body) - 6 & 0xFFFFFFFF).to_bytes(4, "little") + b"\xeb\xfe"


class World:
    """One program in its memory, for both."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.ring = random.choice((0, 3))
        text = program(random)
        self.end = CODE + len(text) - 2
        self.registers = [random.getrandbits(32) for _ in range(8)]
        self.registers[ESP] = STACK + 0x1000 + random.randrange(4)
        self.eflags = 2 | random.getrandbits(12) & STATUS
        self.memory = bytearray(MEMORY)
        frames = random.sample(range(0x40, 0x80), len(PAGES))
        self.frames = dict(zip(PAGES, frames, strict=True))
        for page in range(0x10):
            struct.pack_into("<I", self.memory, TABLE + 4 * page, page << 12 | 7)
        for page, frame in self.frames.items():
            struct.pack_into("<I", self.memory, TABLE + 4 * page, frame << 12 | 7)
        struct.pack_into("<I", self.memory, DIRECTORY, TABLE | 7)
        struct.pack_into("<5Q", self.memory, GDT, *FLAT)
        self.put(REACH.start, random.randbytes(len(REACH)))
        self.put(CODE, text)
        self.put(SUBROUTINE, piece(random, random.choice(FORMS)) + b"\xc3")

    def put(self, linear: int, data: bytes) -> None:
        for address, byte in enumerate(data, linear):
            self.memory[self.frames[address >> 12] << 12 | address & 0xFFF] = byte

    @property
    def selectors(self) -> tuple[int, int]:
        return (0x1B, 0x23) if self.ring else (0x08, 0x10)

    def machine(self) -> Machine:
        machine = Machine(MEMORY)
        machine.hot = 1
        for number in range(len(self.memory) // PAGE):
            machine.memory.frame(number)[:] = framed(bytes(self.memory[PAGE * number : PAGE * (number + 1)]))
        cpu = machine.cpu
        cpu.gdtr, cpu.idtr = TableRegister(GDT, 0x27), TableRegister(0, 0)
        for number in range(6):
            selector = self.selectors[number != CS]
            cpu.set_segment(number, Segment.of(selector, Descriptor(FLAT[selector >> 3])))
        cpu.write_cr3(DIRECTORY)
        cpu.write_cr0(CR0)
        cpu.registers[:], cpu.eflags, cpu.eip = self.registers, self.eflags, CODE
        return machine

    def unicorn(self) -> Any:
        """Unicorn at the program's start, to which an iret in ENTRY has led it."""
        uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
        uc.mem_map(0, MEMORY)
        uc.mem_write(0, bytes(self.memory))
        uc.reg_write(x86.UC_X86_REG_GDTR, (0, GDT, 0x27, 0))
        uc.reg_write(x86.UC_X86_REG_CR3, DIRECTORY)
        uc.reg_write(x86.UC_X86_REG_CS, 0x08)
        for name in ("SS", "DS", "ES", "FS", "GS"):
            uc.reg_write(getattr(x86, f"UC_X86_REG_{name}"), 0x10)
        uc.reg_write(x86.UC_X86_REG_CR0, CR0)
        if self.ring:
            code, data = self.selectors
            entry = bytes.fromhex("b823000000 8ed8 8ec0 8ee0 8ee8")  # movl $0x23,%eax; movl %eax,%ds %es %fs %gs
            for value in (data, self.registers[ESP], 2, code, CODE):
                entry += b"\x68" + value.to_bytes(4, "little")
            uc.mem_write(ENTRY, entry + b"\xcf")
            uc.reg_write(x86.UC_X86_REG_ESP, ENTRY_STACK)
            uc.emu_start(ENTRY, CODE)
        for register, value in zip(REGISTERS, self.registers, strict=True):
            uc.reg_write(register, value)
        uc.reg_write(x86.UC_X86_REG_EFLAGS, self.eflags)
        return uc


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_program_ends_as_in_unicorn(seed: int) -> None:
    world = World(seed)
    uc = world.unicorn()
    uc.emu_start(CODE, world.end)
    hot, recorded, stepped = world.machine(), world.machine(), world.machine()
    assert hot.run(100_000, stops={world.end}, on_fault=True) is Stop.ADDRESS
    assert tuple(hot.cpu.registers) == uc.reg_read_batch(REGISTERS)
    assert hot.cpu.eflags & STATUS == uc.reg_read(x86.UC_X86_REG_EFLAGS) & STATUS
    for page, frame in world.frames.items():
        told = f"page {page:#x}"
        assert hot.memory.read_bytes(frame << 12, 4096) == bytes(uc.mem_read(frame << 12, 4096)), told
        assert hot.memory.read(TABLE + 4 * page, 4) == int.from_bytes(uc.mem_read(TABLE + 4 * page, 4), "little"), told
    journal: list[Any] = []
    recorded.record(hot.steps, journal)
    assert len(list(records(journal))) == hot.steps
    for _ in range(hot.steps):
        stepped.step()
    for machine in (recorded, stepped):
        assert machine.cpu.save() == hot.cpu.save()
        assert machine.memory.frames == hot.memory.frames
