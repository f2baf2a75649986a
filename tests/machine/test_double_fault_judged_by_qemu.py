"""The double-fault table judged by QEMU: the same memory and registers there and here, and the same handler reached.

QEMU gives no EXT bit in error codes (bit 0 is not compared). What else it does otherwise than the manual is left to
test_double_fault.py: DEPARTURES, and alignment checks, which it does not make.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from judges import qemu
from rings import ABSENT, GDT, HANDLERS, IDT, STACKS, TSS, TSS_BASE, Entered, Rings, code, data, gate, handler
from test_double_fault import (
    DF,
    FIRST,
    INVALID_OPCODE,
    PF,
    SPOILS,
    STACK_SPOILS,
    USER_PAGE_FAULT,
    First,
    Spoil,
    absent_gate,
    absent_stack_segment,
    prepared,
    spoil_gate,
    stack_without_room,
)

from pagefault_lab.machine.registers import ESP, NAMES_32

pytestmark = pytest.mark.skipif(not qemu.is_installed(), reason=f"{qemu.EMULATOR} is not installed")

DEPARTURES = {
    stack_without_room: "pushes are not checked against the limit of the inner stack's segment",
    absent_stack_segment: "it is #TS instead of #SS",
}

END = 0x3E000  # all handlers come here, with their vector in EBP
ENTRY, LEAVE = 0x3F000, 0x3FF00  # code at CPL 0 that takes over a state; `int $BACK`, which leads to ENTRY
BACK = 0x41
VALUES = 0x3F800  # what ENTRY loads: GDTR, IDTR at +8, SS:ESP to take the rest from at +16, CR3 +24, CR0 +28, DS +32
FRAME = 0x3F900
ALIGNMENT = 17

Bytes = dict[int, bytes]
PAGE = 4096


def entry_code() -> bytes:
    """Load the processor from VALUES; 32-bit code without labels."""
    at = {name: struct.pack("<I", VALUES + place) for name, place in
          (("gdtr", 0), ("idtr", 8), ("esp", 16), ("cr3", 24), ("cr0", 28), ("ds", 32))}  # fmt: skip
    parts = [
        bytes.fromhex("0f20c0 25ffffff7f 0f22c0"),  # mov %cr0,%eax; and $0x7fffffff,%eax; mov %eax,%cr0: paging off
        bytes.fromhex("0f0115") + at["gdtr"],
        bytes.fromhex("0f011d") + at["idtr"],
        bytes.fromhex("66b8") + struct.pack("<H", data(0)) + bytes.fromhex("8ed0"),  # mov $data(0),%ax; mov %ax,%ss
        bytes.fromhex("ea"), b"\0\0\0\0", struct.pack("<H", code(0)),
        bytes.fromhex("66b8") + struct.pack("<H", TSS) + bytes.fromhex("0f00d8"),  # ltr
        bytes.fromhex("31c0 0f00d0"),  # lldt of null
        bytes.fromhex("a1") + at["cr3"] + bytes.fromhex("0f22d8"),
        bytes.fromhex("a1") + at["cr0"] + bytes.fromhex("0f22c0"),
        bytes.fromhex("a1") + at["ds"] + bytes.fromhex("8ed88ec08ee08ee8"),
        bytes.fromhex("8b25") + at["esp"],
        bytes.fromhex("61cf"),  # popal; iret
    ]  # fmt: skip
    behind_jump = ENTRY + sum(map(len, parts[:7]))
    parts[5] = struct.pack("<I", behind_jump)
    return b"".join(parts)


def add_common_code(rings: Rings) -> None:
    """Handlers, ENTRY and the way back to it."""
    for vector in range(256):
        jump = END - (handler(vector) + 10)
        rings.memory.write_bytes(handler(vector), struct.pack("<BIBi", 0xBD, vector, 0xE9, jump))
    rings.memory.write_bytes(END, bytes.fromhex("ebfe"))
    rings.memory.write_bytes(ENTRY, entry_code())
    rings.memory.write_bytes(LEAVE, bytes((0xCD, BACK)))
    rings.set_gate(BACK, gate(code(0), ENTRY))


def image_of(rings: Rings) -> Bytes:
    """Memory by page, with the TSS still available."""
    rings.memory.write(GDT + TSS + 5, 1, 0x89)
    return {
        number * PAGE: struct.pack("<1024I", *words)
        for number, words in enumerate(rings.memory.frames)
        if words is not None and number
    }


def add_values(rings: Rings) -> None:
    """What ENTRY needs to go on as this machine would."""
    cpu = rings.cpu
    registers = cpu.registers
    ring = cpu.cpl
    frame_at = FRAME if ring else registers[4] - 44  # an iret to the same ring leaves ESP behind its frame
    frame = struct.pack("<8I", *(registers[NAMES_32.index(name)] for name in
                                 ("edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax")))  # fmt: skip
    frame += struct.pack("<3I", cpu.eip, code(ring), cpu.eflags)
    if ring:
        frame += struct.pack("<2I", registers[4], data(ring))
    rings.memory.write_bytes(frame_at, frame)
    rings.memory.write_bytes(VALUES, struct.pack("<HI", cpu.gdtr.limit, cpu.gdtr.base))
    rings.memory.write_bytes(VALUES + 8, struct.pack("<HI", cpu.idtr.limit, cpu.idtr.base))
    for place, value in ((16, frame_at), (24, cpu.cr3), (28, cpu.cr0), (32, data(ring))):
        rings.memory.write_bytes(VALUES + place, struct.pack("<I", value))


def multiboot_image(folder: Path) -> Path:
    """A kernel that does nothing but be at CPL 0 with paging off."""
    flags = 0x10000
    start = 0x100000
    header = struct.pack("<8I", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF, start, start, 0, 0, start + 0x20)
    path = folder / "nothing.bin"
    path.write_bytes(header + bytes.fromhex("ebfe") + bytes(64))
    return path


class Judge:
    """QEMU with the clean image loaded; `run` brings a state there and tells the handler that is reached."""

    def __init__(self, folder: Path) -> None:
        self.pc = qemu.Qemu(multiboot_image(folder))
        self.pc.run_to(0x100020)
        clean = Rings()
        add_common_code(clean)
        self.clean = image_of(clean)
        self.dirty: Bytes = {}
        for address, content in self.clean.items():
            self.pc.write(address, content)
        self.pc.set_register("eip", ENTRY)

    def upload(self, image: Bytes, over: Bytes) -> None:
        """Write the parts of pages that differ from what is there."""
        for address, content in image.items():
            before = over.get(address, bytes(PAGE))
            for start in range(0, PAGE, 256):
                if content[start : start + 256] != before[start : start + 256]:
                    self.pc.write(address + start, content[start : start + 256])

    def run(self, rings: Rings) -> tuple[Entered, int, int]:
        """(handler with its error code and ring, the saved EIP, CR2)."""
        pc = self.pc
        add_common_code(rings)
        add_values(rings)
        image = image_of(rings)
        touched = {address: self.clean.get(address, bytes(PAGE)) for address in image}
        self.upload(image, touched)
        pc.run_to(END)
        registers = pc.registers()
        vector, ring = registers["ebp"], registers["cs"] & 3
        esp = registers["esp"]
        has_error = vector in (DF, 10, 11, 12, 13, PF)
        error = pc.read_long(esp) if has_error else None
        eip = pc.read_long(esp + 4 * has_error)
        cr2 = pc.system_register("CR2")
        # back to ring 0, by tables as they should be
        for address, content in touched.items():
            for start in range(0, PAGE, 256):
                if content[start : start + 256] != image[address][start : start + 256] or address < HANDLERS:
                    pc.write(address + start, content[start : start + 256])
        pc.set_register("eip", LEAVE)
        pc.run_to(ENTRY)
        pc.write(GDT + TSS + 5, b"\x89")
        return Entered(vector, error, ring), eip, cr2

    def close(self) -> None:
        self.pc.close()


@pytest.fixture
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    found = Judge(tmp_path_factory.mktemp("qemu"))
    yield found
    found.close()


def without_ext(entered: Entered) -> Entered:
    if entered.error is None or entered.vector == PF:
        return entered
    return Entered(entered.vector, entered.error & ~1, entered.ring)


def compared() -> Iterator[tuple[int, First, Spoil | None]]:
    for first in FIRST:
        for ring in first.rings:
            if first.vector != ALIGNMENT:
                yield ring, first, None
                for spoil in SPOILS + (STACK_SPOILS if ring == 3 else ()):
                    if spoil not in DEPARTURES:
                        yield ring, first, spoil


def prepared_state(ring: int, first: First, spoil: Spoil | None) -> Rings:
    rings = prepared(ring, first)
    if spoil is not None:
        spoil_gate(rings, spoil, first.vector)
    return rings


def test_the_same_handler_is_reached_with_the_same_frame_and_cr2(judge: Judge) -> None:
    wrong = []
    for ring, first, spoil in compared():
        there, saved_eip, cr2 = judge.run(prepared_state(ring, first, spoil))
        here = prepared_state(ring, first, spoil)
        entered = here.step()
        assert entered is not None
        our_eip = here.cpu.peek(here.cpu.registers[ESP] + (0 if entered.error is None else 4), 4)
        same = without_ext(entered) == without_ext(there) and our_eip == saved_eip
        if PF in (first.vector, entered.vector):
            same = same and here.cpu.cr2 == cr2
        if not same:
            name = spoil.__name__ if spoil else "nothing spoiled"
            wrong.append(f"ring {ring}, {first}, {name}: {entered} from {our_eip:#x} for {there} from {saved_eip:#x}")
    assert not wrong, "\n".join(wrong)


ABSENT_PAGES = {"IDT": IDT, "GDT": GDT, "TSS": TSS_BASE, "ring 1's stack": STACKS + 0x1000}


@pytest.mark.parametrize("name", ABSENT_PAGES)
def test_without_a_page_that_delivery_needs_both_shut_down(name: str, judge: Judge) -> None:
    rings = prepared(3, INVALID_OPCODE)
    rings.page(ABSENT_PAGES[name], ABSENT)
    rings.machine.run(1)
    assert rings.cpu.shutdown
    rings = prepared(3, INVALID_OPCODE)
    rings.page(ABSENT_PAGES[name], ABSENT)
    with pytest.raises(qemu.ShutDown):
        judge.run(rings)


@pytest.mark.parametrize("last", SPOILS, ids=lambda spoil: spoil.__name__)
def test_after_a_double_fault_that_cannot_be_delivered_both_shut_down(last: Spoil, judge: Judge) -> None:
    def state() -> Rings:
        rings = prepared(3, USER_PAGE_FAULT)
        spoil_gate(rings, absent_gate, PF)
        spoil_gate(rings, last, DF)
        return rings

    here = state()
    here.machine.run(1)
    assert here.cpu.shutdown
    with pytest.raises(qemu.ShutDown):
        judge.run(state())
