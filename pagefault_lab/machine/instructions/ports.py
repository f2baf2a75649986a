"""Input and output: IN OUT. The strings INS and OUTS are in strings.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.io_permission import check_io

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Register


@instruction(("inB uimm8, %al", "E4 ib"), ("inV uimm8, %aV", "E5 ib"), ("inB %dx, %al", "EC"), ("inV %dx, %aV", "ED"))
def in_(cpu: Cpu, port: Immediate | Register, accumulator: Register) -> None:
    """Read a port into AL, AX or EAX, if IOPL or the I/O bitmap permits.

    edx=0xe9     | inb (%dx),%al = ec   | eax=0xe9
    cpl=3 iopl=0 | inb $0x60,%al = e460 | #GP(0)
    """
    number = port.read(cpu)
    check_io(cpu, number, accumulator.size)
    accumulator.write(cpu, cpu.read_port(number, accumulator.size))


@instruction(
    ("outB %al, uimm8", "E6 ib"), ("outV %aV, uimm8", "E7 ib"), ("outB %al, %dx", "EE"), ("outV %aV, %dx", "EF")
)
def out(cpu: Cpu, accumulator: Register, port: Immediate | Register) -> None:
    """Write AL, AX or EAX to a port, if IOPL or the I/O bitmap permits.

    eax=0x41            | outb %al,$0xe9 = e6e9 | eax=0x41
    cpl=3 iopl=0 edx=32 | outb %al,(%dx) = ee   | #GP(0)
    """
    number = port.read(cpu)
    check_io(cpu, number, accumulator.size)
    cpu.write_port(number, accumulator.size, accumulator.read(cpu))
