"""Random accesses, edits of page tables and flushes, made by a guest and by the manual's rules written down plainly.

The guest is a loop that takes one operation after the other from a list and notes what it reads and which page faults
it gets. Its pages lie low and are left alone; what is tried lies above, where two directory entries share two tables,
and both tables can be mapped among the frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from builders import (
    DIRECTORY,
    KERNEL_CODE,
    KERNEL_STACK,
    USER_CODE,
    USER_DATA,
    USER_STACK,
    USER_TEXT,
    set_gate,
    two_rings,
)  # fmt: skip

from pagefault_lab.assembler import assemble
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.registers import ECX, ESI, PE, PG, PGE, PSE, WP
from pagefault_lab.machine.step import ShutDown
from pagefault_lab.machine.tlb import TlbEntry

OPERATIONS, NOTES = 0x20000, 0x60000
TABLES, FRAMES = (0x90000, 0x91000), (0x92000, 0x93000, 0x94000)
END = 0x95000
NOWHERE = 0x300000  # beyond the memory
AREAS = (0x800000, 0xC00000)
RET = 0xC3  # the first byte of each frame
P, RW, US, A, D, PS, G = 1, 2, 4, 0x20, 0x40, 0x80, 0x100

ACCESSES = [
    "read", "write", "add", "read_byte", "write_byte", "call",
    "user_read", "user_write", "user_add", "user_call",
]  # fmt: skip
CONTROLS = ["invlpg", "cr0", "cr3", "cr4"]
KINDS = [*ACCESSES, *CONTROLS, "done"]

GUEST = f"""
        movl    ${USER_DATA}, %eax
        movl    %eax, %ds
        movl    %eax, %es
next:   lodsl
        movl    %eax, %edx
        lodsl
        movl    %eax, %ebx
        lodsl
        jmp     *kinds(,%edx,4)
read:   movl    (%ebx), %eax
note:   movl    %eax, (%ecx)
        addl    $4, %ecx
        jmp     next
write:  movl    %eax, (%ebx)
        jmp     next
add:    addl    %eax, (%ebx)
        jmp     next
read_byte:
        movb    (%ebx), %al
        jmp     note
write_byte:
        movb    %al, (%ebx)
        jmp     next
call:   call    *%ebx
        jmp     next
user_read:
user_write:
user_add:
user_call:
        pushl   ${USER_DATA}
        pushl   ${USER_STACK + 0xF00}
        pushl   $2
        pushl   ${USER_CODE}
        pushl   users - 4 * {KINDS.index("user_read")}(,%edx,4)
        iret
in_user_read:
        movl    (%ebx), %eax
        int     $17
in_user_write:
        movl    %eax, (%ebx)
        int     $16
in_user_add:
        addl    %eax, (%ebx)
        int     $16
in_user_call:
        call    *%ebx
        int     $16
invlpg: invlpg  (%ebx)
        jmp     next
cr0:    movl    %eax, %cr0
        jmp     next
cr3:    movl    %eax, %cr3
        jmp     next
cr4:    movl    %eax, %cr4
        jmp     next
back_with_note:
        movl    ${KERNEL_STACK - 0x100}, %esp
        jmp     note
back:   movl    ${KERNEL_STACK - 0x100}, %esp
        jmp     next
fault:  popl    (%ecx)
        movl    %cr2, %eax
        movl    %eax, 4(%ecx)
        addl    $8, %ecx
        jmp     back
done:   nop
kinds:  .long   {", ".join(KINDS)}
users:  .long   in_user_read, in_user_write, in_user_add, in_user_call
"""


class PageFault(Exception):
    def __init__(self, code: int, linear: int) -> None:
        super().__init__(code, linear)
        self.noted = [code, linear]


@dataclass
class Model:
    """What the manual says of paging (SDM vol. 3, 4.3, 4.6 to 4.8, 4.10), without any haste."""

    memory: bytearray
    cr0: int = PE | PG | WP
    cr4: int = 0
    tlb: dict[int, TlbEntry] = field(default_factory=dict)
    notes: list[int] = field(default_factory=list)

    def long(self, physical: int) -> int:
        return int.from_bytes(bytes(self.byte(physical + place) for place in range(4)), "little")

    def byte(self, physical: int) -> int:
        """What is in the memory; nobody answers beyond it."""
        return self.memory[physical] if physical < len(self.memory) else 0xFF

    def store(self, physical: int, data: bytes) -> None:
        if physical < len(self.memory):
            self.memory[physical : physical + len(data)] = data

    def drop(self, linear: int) -> None:
        for page, entry in list(self.tlb.items()):
            if page == linear >> 12 or (entry.large and page >> 10 == linear >> 22):
                del self.tlb[page]

    def fault(self, code: int, linear: int, write: bool, user: bool) -> PageFault:
        self.drop(linear)
        return PageFault(code | 2 * write | 4 * user, linear)

    def translate(self, linear: int, write: bool, user: bool) -> int:
        if linear < AREAS[0]:
            return linear
        bound = write and (user or bool(self.cr0 & WP))  # by R/W
        known = self.tlb.get(linear >> 12)
        if known is not None:
            if (user and not known.user) or (bound and not known.writable):
                raise self.fault(1, linear, write, user)
            if known.dirty or not write:
                return known.frame << 12 | linear & 0xFFF
        places = [DIRECTORY + 4 * (linear >> 22)]
        pde = entry = rights = self.long(places[0])
        large = bool(pde & PS and self.cr4 & PSE)
        if pde & P and not large:
            places.append((pde & ~0xFFF) + 4 * (linear >> 12 & 0x3FF))
            entry = self.long(places[1])
            rights = pde & entry
        if not rights & P:
            raise self.fault(0, linear, write, user)
        if large and pde & 0x3FF000:
            raise self.fault(9, linear, write, user)
        if (user and not rights & US) or (bound and not rights & RW):
            raise self.fault(1, linear, write, user)
        for place in places:
            last = place == places[-1]
            self.store(place, (self.long(place) | A | (D if write and last else 0)).to_bytes(4, "little"))
        frame = (pde >> 22 << 10 | linear >> 12 & 0x3FF) if large else entry >> 12
        self.tlb[linear >> 12] = TlbEntry(
            frame,
            bool(rights & US),
            bool(rights & RW),
            bool(write or entry & D),
            bool(entry & G and self.cr4 & PGE),
            large,
        )
        return frame << 12 | linear & 0xFFF

    def places(self, linear: int, size: int, write: bool, user: bool) -> list[int]:
        """The physical addresses of the bytes, all judged before the first is touched."""
        pages = {linear >> 12: linear, linear + size - 1 >> 12: linear + size - 1 & ~0xFFF}
        pages[linear >> 12] = linear
        starts = {page: self.translate(first, write, user) & ~0xFFF for page, first in pages.items()}
        return [starts[each >> 12] | each & 0xFFF for each in range(linear, linear + size)]

    def do(self, kind: str, linear: int, value: int) -> None:
        user = kind.startswith("user_")
        match kind.removeprefix("user_"):
            case "invlpg":
                self.drop(linear)
            case "cr3" | "cr4" | "cr0":
                keep = G if kind == "cr3" and self.cr4 & PGE else 0
                if kind == "cr0":
                    self.cr0 = value
                else:
                    self.tlb = {page: entry for page, entry in self.tlb.items() if keep and entry.global_}
                    self.cr4 = value if kind == "cr4" else self.cr4
            case what:
                size = 1 if what in ("read_byte", "write_byte", "call") else 4
                write = what in ("write", "write_byte", "add")
                try:
                    places = self.places(linear, size, write, user)
                except PageFault as fault:
                    self.notes += fault.noted
                    return
                before = int.from_bytes(bytes(map(self.byte, places)), "little")
                if write:
                    after = value + (before if what == "add" else 0) & (1 << 8 * size) - 1
                    for place, byte in zip(places, after.to_bytes(size, "little"), strict=True):
                        self.store(place, bytes([byte]))
                elif what == "read_byte":
                    self.notes.append(value & ~0xFF | before)
                elif what == "read":
                    self.notes.append(before)


def entry(random: Random, frames: tuple[int, ...]) -> int:
    bits = random.choice((P | RW | US, P | RW | US, P | RW | US, random.randrange(8)))
    return random.choice(frames) | bits | sum(random.choice((0, 0, 0, bit)) for bit in (A, D, PS, G))


def operation(random: Random) -> tuple[str, int, int]:
    edits = ["edit", "edit", "edit", "edit directory"]
    kind = random.choice([*ACCESSES * 3, *CONTROLS, "invlpg", *edits])
    page = random.choice((*TABLES, *FRAMES))
    area = random.choice(AREAS)
    if kind == "edit":
        return "write", random.choice(TABLES) + 4 * (page >> 12), entry(random, (*TABLES, *FRAMES, NOWHERE))
    if kind == "edit directory":
        directory = random.choice((entry(random, TABLES), P | RW | US | PS, entry(random, (0,)) | PS))
        return "write", DIRECTORY + 4 * (area >> 22), directory
    if kind == "cr0":
        return kind, 0, 0x10 | PE | PG | random.choice((0, WP))
    if kind == "cr3":
        return kind, 0, DIRECTORY
    if kind == "cr4":
        return kind, 0, random.choice((0, PSE, PGE, PSE | PGE))
    offset = (
        0
        if kind in ("call", "user_call", "invlpg")
        else random.choice((4, 8, 0x240, 0x248, 0x24C, 0x251, 0xFFC, 0xFFE))
    )
    return kind, area | page | offset, entry(random, (*TABLES, *FRAMES)) if offset & 3 == 0 else random.getrandbits(32)


PROGRAM = assemble(GUEST, origin=USER_TEXT)
LABELS = {name: symbol.value for name, symbol in PROGRAM.symbols.items()}


def guest(operations: list[int]) -> Machine:
    """The guest with these operations before it; all that is tried is mapped to itself, for anybody."""
    machine = two_rings(PROGRAM.data, cpl=0)
    memory = machine.memory
    for vector, label in ((14, "fault"), (16, "back"), (17, "back_with_note")):
        set_gate(machine, vector, KERNEL_CODE, LABELS[label], 0xEE00)
    for area, table in zip(AREAS, TABLES, strict=True):
        memory.write(DIRECTORY + 4 * (area >> 22), 4, table | P | RW | US)
        for page in (*TABLES, *FRAMES):
            memory.write(table + 4 * (page >> 12), 4, page | P | RW | US)
    for frame in FRAMES:
        memory.write(frame, 1, RET)
    memory.write_bytes(OPERATIONS, b"".join(each.to_bytes(4, "little") for each in operations))
    machine.cpu.registers[ESI], machine.cpu.registers[ECX] = OPERATIONS, NOTES
    return machine


def tried(seed: int, count: int) -> tuple[list[int], Model]:
    """Operations at random, and the model behind them. A call is left out where it would not return."""
    random = Random(seed)
    memory = guest([]).memory
    model = Model(bytearray(memory.read_bytes(0, memory.size)))
    operations: list[int] = []
    for _ in range(count):
        kind, linear, value = operation(random)
        if kind.endswith("call"):
            trial = Model(bytearray(model.memory), model.cr0, model.cr4, dict(model.tlb))
            trial.do(kind.replace("call", "read_byte"), linear, 0)
            if len(trial.notes) == 1 and trial.notes[0] != RET:
                continue
        model.do(kind, linear, value)
        operations += KINDS.index(kind), linear, value
    return [*operations, KINDS.index("done"), 0, 0], model


def by_steps(machine: Machine) -> None:
    while machine.cpu.eip != LABELS["done"]:
        assert not isinstance(machine.step().end, ShutDown)


def at_full_speed(machine: Machine) -> None:
    assert machine.run(1_000_000, {LABELS["done"]}) is Stop.ADDRESS


def in_pieces(machine: Machine) -> None:
    while machine.cpu.eip != LABELS["done"]:
        if machine.run(97, {LABELS["done"]}) is Stop.LIMIT:
            assert not isinstance(machine.step().end, ShutDown)


@pytest.mark.parametrize("seed", range(4))
def test_every_access_ends_as_the_manual_says(seed: int) -> None:
    operations, model = tried(seed, 800)
    for run in (by_steps, at_full_speed, in_pieces):
        machine = guest(operations)
        run(machine)
        memory = machine.memory
        count = (machine.cpu.registers[ECX] - NOTES) // 4
        assert [memory.read(NOTES + 4 * place, 4) for place in range(count)] == model.notes
        assert memory.read_bytes(TABLES[0], END - TABLES[0]) == model.memory[TABLES[0] : END]
        known = {page: entry for page, entry in machine.cpu.tlb.entries.items() if page >= AREAS[0] >> 12}
        assert known == model.tlb
