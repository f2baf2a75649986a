"""Sessions in states worth a picture, for the tests of what is drawn and of how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from builders import DIRECTORY, KERNEL_CODE, TSS_BASE, USER_CODE, map_page, on_bench, set_gate, two_rings

from pagefault_lab.lab.pictures import Picture
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import PSE
from pagefault_lab.machine.segmentation import SystemSegment, TableRegister
from pagefault_lab.problem import Problem

PICTURES = (
    "picture switch", "picture switch 13", "picture switch 0x20", "picture frame", "picture idt", "picture idt 128",
    "picture walk $esp", "picture walk 0x00412345 write user", "picture walk 0 fetch supervisor",
)  # fmt: skip


def begun(world: str, *lines: str) -> Callable[[], Session]:
    """A session in a world, after these lines."""

    def make() -> Session:
        session = Session(world)
        for line in lines:
            for _ in session.execute(line):
                pass
        return session

    return make


def built(change: Callable[[Machine], object], cpl: int = 3) -> Callable[[], Session]:
    """A session with the machine of builders.py, changed in some way."""

    def make() -> Session:
        machine = two_rings(b"\x90", cpl)
        change(machine)
        return on_bench(machine)

    return make


def null_tr(machine: Machine) -> None:
    machine.cpu.tr = SystemSegment()


def short_tss(machine: Machine) -> None:
    machine.cpu.tr = SystemSegment(0x28, TSS_BASE, 5, 11, True)


def moved_tss(machine: Machine) -> None:
    machine.cpu.tr = SystemSegment(0x28, TSS_BASE + 0x80, 0x67, 11, True)
    machine.memory.write(TSS_BASE + 0x84, 4, 0x8800)
    machine.memory.write(TSS_BASE + 0x88, 4, 0x10)


def old_tss(machine: Machine) -> None:
    machine.cpu.tr = SystemSegment(0x28, TSS_BASE, 0x2B, 3, True)


def no_kernel_stack(machine: Machine) -> None:
    map_page(machine, 0x7000, 0)


def half_a_frame(machine: Machine) -> None:
    """ESP0 lies 8 bytes into a page below which nothing is mapped."""
    machine.memory.write(TSS_BASE + 4, 4, 0x7008)
    map_page(machine, 0x6000, 0)


def wrong_selector(machine: Machine) -> None:
    set_gate(machine, 14, 0x10, 0x6000, 0x8E00)


def selector_beyond(machine: Machine) -> None:
    set_gate(machine, 14, 0x0FF8, 0x6000, 0x8E00)


def user_handler(machine: Machine) -> None:
    set_gate(machine, 14, USER_CODE, 0x10000, 0xEF00)


def small_gate(machine: Machine) -> None:
    set_gate(machine, 14, KERNEL_CODE, 0x6000, 0x8600)


def large_page(machine: Machine) -> None:
    machine.cpu.cr4 |= PSE
    machine.memory.write(DIRECTORY + 4, 4, 0x00000087)


def reserved_bits(machine: Machine) -> None:
    machine.cpu.cr4 |= PSE
    machine.memory.write(DIRECTORY + 4, 4, 0x00001087)


def every_gate_differs(machine: Machine) -> None:
    for vector in range(32):
        set_gate(machine, vector, KERNEL_CODE + 8 * (vector & 1), 0x6000 + vector, 0x8E00)


def idt_in_two_pages(machine: Machine) -> None:
    machine.cpu.idtr = TableRegister(0x4FF0, 0xFF)


STATES: dict[str, Callable[[], Session]] = {
    "bare": begun("bare"),
    "bare, shut down": begun("bare", "int3"),
    "linux": begun("linux"),
    "a fault at CPL 3": begun("linux", "movl %eax,0"),
    "a fault at CPL 0": begun("linux", "kernel", "movl %eax,0"),
    "a refused int": begun("linux", "int $14"),
    "a system call": begun("linux", "kernel"),
    "much pushed": begun("linux", "kernel", "pushal", "pushal", "pushal", "pushl $5", "call page_fault"),
    "an interrupt": begun("linux", "irq 0", "si"),
    "repaired": begun("linux", "movl %eax,0", "back"),
    "no IDT": begun("linux", "unmap idtr.base", "flush"),
    "no IDT, shut down": begun("linux", "unmap idtr.base", "flush", "movl %eax,0"),
    "a stale translation": begun("linux", "movl (%esp),%eax", "protect $esp r", "unmap 0x0804a000"),
    "a gate not present": begun("linux", "poke/b idtr.base+14*8+5 0x0e"),
    "a gate not present, a fault": begun("linux", "poke/b idtr.base+14*8+5 0x0e", "movl %eax,0"),
    "a task gate": begun("linux", "poke/b idtr.base+14*8+5 0x85"),
    "a double fault by a task gate": begun(
        "linux", "poke/b idtr.base+8*8+5 0x85", "poke/b idtr.base+14*8+5 0x0e", "poke/b idtr.base+13*8+5 0x0e"
    ),
    "no gate": begun("linux", "poke idtr.base+14*8 0 0"),
    "null TR": built(null_tr),
    "null TR at CPL 0": built(null_tr, 0),
    "a short TSS": built(short_tss),
    "another TSS than the GDT's": built(moved_tss),
    "a 16-bit TSS": built(old_tss),
    "no kernel stack": built(no_kernel_stack),
    "half a frame": built(half_a_frame),
    "a data selector in the gate": built(wrong_selector),
    "a selector beyond the GDT": built(selector_beyond),
    "a handler in user mode": built(user_handler),
    "a 16-bit gate": built(small_gate),
    "a large page": built(large_page),
    "reserved bits": built(reserved_bits),
    "every gate differs": built(every_gate_differs),
    "an IDT in two pages": built(idt_in_two_pages),
}


def pictures_of(session: Session) -> Iterator[tuple[str, Picture]]:
    """Every picture that there is in a state, with its line."""
    for line in PICTURES:
        try:
            for value in session.execute(line):
                assert isinstance(value, Picture)
                yield line, value
        except Problem:
            assert line.startswith(("picture frame", "picture switch")), line
