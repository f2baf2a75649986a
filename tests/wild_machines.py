"""Machines in any state: segments, tables, control registers and code are partly sound and partly garbage; pages alias
each other, so that code rewrites itself under other addresses."""

from __future__ import annotations

from random import Random

from pagefault_lab.machine.instructions import table
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, ESP, VM
from pagefault_lab.machine.segmentation import Descriptor, Segment, SystemSegment, TableRegister

DIRECTORY, TABLE, GDT, IDT, TSS = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000
CODE, TOP = 0x8000, 0x20000
FLAT = (0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF)


def soup(seed: int) -> bytes:
    """Random instructions: any opcode of the table, any ModRM, some prefixes, jumps back now and then."""
    source = Random(seed)
    keys = list(table(4, 4))
    out = bytearray()
    while len(out) < 300:
        if source.random() < 0.15:
            out += source.choice((b"\x66", b"\x67", b"\xf3", b"\xf2", b"\x65", b"\xf0"))
        if source.random() < 0.1:
            out += bytes((source.choice((0x74, 0x75, 0xEB, 0xE2)), source.randrange(0xC0, 0x100)))
            continue
        if source.random() < 0.5:
            key = source.choice(
                (0x01, 0x03, 0x29, 0x2B, 0x31, 0x39, 0x89, 0x8B, 0x88, 0x8A, 0xFF, 0x83, 0xC1, 0x50, 0x58)
            )
        else:
            key = source.choice(keys)
        out += bytes((0x0F, key & 0xFF)) if key > 0xFF else bytes((key,))
        out += bytes(source.choice((0x03, 0x06, 0x07, 0x43, 0x46, 0xC0 | source.randrange(64), source.randrange(256)))
                     for _ in range(source.randrange(1, 3)))  # fmt: skip
    return bytes(out) + b"\xeb\xc0" + b"\xe9" + (-len(out) - 7 & 0xFFFFFFFF).to_bytes(4, "little")


TEXTS = [soup(seed) for seed in range(30)]


def descriptor(random: Random) -> int:
    """A segment as programs might have it, or garbage."""
    if random.random() < 0.2:
        return random.getrandbits(64)
    access = random.choice((0x93, 0x97, 0xF3, 0xF6, 0xFA, 0x9A, 0x9E, 0xFE, 0x90, 0x13, 0x82, 0x89, 0xEC, 0xE5))
    base, limit = random.choice((0, 0, 1, 0x8000)), random.choice((0xFFFF, 0x10, 0x2FFF))
    return limit | base << 16 | access << 40 | random.choice((0xCF, 0x4F, 0x80, 0x40, 0)) << 48


def wild(seed: int) -> Machine:
    random = Random(seed)
    machine = Machine(TOP)
    memory, cpu = machine.memory, machine.cpu
    for page in range(CODE, TOP, 0x1000):
        for place in range(page, page + 0x1000, 0x200):
            memory.write_bytes(place, random.choice(TEXTS)[:0x200] if random.random() < 0.7 else random.randbytes(64))
    memory.write(DIRECTORY, 4, TABLE | 7)
    for page in range(TOP >> 12):
        frame = random.randrange(CODE >> 12, TOP >> 12) if page >= CODE >> 12 and random.random() < 0.3 else page
        rights = random.choice((7, 7, 7, 7, 0x67, 5, 3, 0)) if page >= CODE >> 12 else 7
        memory.write(TABLE + 4 * page, 4, frame << 12 | rights)
    for index in range(32):
        raw = FLAT[index] if index < len(FLAT) else descriptor(random)
        memory.write_bytes(GDT + 8 * index, raw.to_bytes(8, "little"))
    for vector in range(256):
        memory.write(IDT + 8 * vector, 4, 0x08 << 16 | random.randrange(CODE, 0x10000))
        memory.write(IDT + 8 * vector + 4, 4, random.choice((0xEE00, 0xEF00, 0x8E00, 0xEE00, 0x8500)))
    memory.write(TSS + 4, 4, TOP)
    memory.write(TSS + 8, 4, 0x10)
    cpu.gdtr, cpu.idtr = TableRegister(GDT, 0xFF), TableRegister(IDT, random.choice((0x7FF, 0x7FF, 0x77)))
    cpu.tr = SystemSegment(0x28, TSS, 0x67, 11, True)
    code, data = random.choice(((0x08, 0x10), (0x1B, 0x23)))
    for number in range(6):
        raw = FLAT[(code if number == CS else data) >> 3]
        if random.random() < 0.1:
            raw = raw & ~(1 << random.choice((54, 55))) if number == CS else descriptor(random)
        cpu.set_segment(number, Segment.of(code if number == CS else data, Descriptor(raw)))
    cpu.cr3 = DIRECTORY
    cpu.write_cr0(random.choice((0x80010011, 0x80010011, 0x80050011, 0x11, 0x8000001F)))
    for number in range(8):
        cpu.registers[number] = random.choice((random.randrange(TOP), random.randrange(64), random.getrandbits(32)))
    cpu.registers[ESP] = random.randrange(CODE, TOP)
    cpu.eip = random.randrange(CODE, TOP)
    cpu.eflags = random.getrandbits(20 if random.random() < 0.3 else 8) & ~VM | 0x3000
    return machine
