"""Strings: MOVS CMPS SCAS LODS STOS INS OUTS, one element at a time; the machine does what REP asks for.

The source is at DS:ESI (another segment by prefix), the destination at ES:EDI (always). Afterwards they stand at the
next element: the one before if DF=1. With 16-bit addresses it is SI, DI and, for REP, CX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.io_permission import check_io
from pagefault_lab.machine.registers import DF, EDI, ESI, MASK

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Memory, Register


def advance(cpu: Cpu, number: int, address_size: int, size: int) -> None:
    """Move ESI or EDI (SI, DI) past an element of `size` bytes, in the direction that DF gives."""
    mask = MASK[address_size]
    value = cpu.registers[number]
    step = -size if cpu.eflags & DF else size
    cpu.registers[number] = value & ~mask | value + step & mask


@instruction(("movsB si8, di8", "A4"), ("movsV siV, diV", "A5"), repeat="rep")
def movs(cpu: Cpu, address_size: int, source: Memory, destination: Memory) -> None:
    """Copy an element from DS:ESI to ES:EDI.

    esi=0x1000 edi=0x2000 [0x1000]=9      | movsl = a5 | [0x2000]=9 esi=0x1004 edi=0x2004
    esi=0x1000 edi=0x2000 [0x1000]=9 df=1 | movsb = a4 | b[0x2000]=9 esi=0xfff edi=0x1fff
    """
    destination.write(cpu, source.read(cpu))
    advance(cpu, ESI, address_size, source.size)
    advance(cpu, EDI, address_size, source.size)


@instruction(("cmpsB di8, si8", "A6"), ("cmpsV diV, siV", "A7"), repeat="repe")
def cmps(cpu: Cpu, address_size: int, second: Memory, first: Memory) -> None:
    """Set the flags as if the element at ES:EDI were subtracted from the one at DS:ESI.

    esi=0x1000 edi=0x2000 [0x1000]=9 [0x2000]=9 | cmpsl = a7 | zf=1 esi=0x1004 edi=0x2004
    """
    left = first.read(cpu)
    right = second.read(cpu)
    advance(cpu, ESI, address_size, first.size)
    advance(cpu, EDI, address_size, first.size)
    cpu.flags_subtract(left, right, left - right & MASK[first.size], first.size)


@instruction(("scasB di8, %al", "AE"), ("scasV diV, %aV", "AF"), repeat="repe")
def scas(cpu: Cpu, address_size: int, source: Memory, accumulator: Register) -> None:
    """Set the flags as if the element at ES:EDI were subtracted from the accumulator.

    eax=9 edi=0x2000 b[0x2000]=9 | scasb = ae | zf=1 edi=0x2001
    """
    left = accumulator.read(cpu)
    right = source.read(cpu)
    advance(cpu, EDI, address_size, source.size)
    cpu.flags_subtract(left, right, left - right & MASK[source.size], source.size)


@instruction(("lodsB si8, %al", "AC"), ("lodsV siV, %aV", "AD"), repeat="rep")
def lods(cpu: Cpu, address_size: int, source: Memory, accumulator: Register) -> None:
    """Load the accumulator from DS:ESI.

    esi=0x1000 [0x1000]=9 | lodsl = ad | eax=9 esi=0x1004
    """
    accumulator.write(cpu, source.read(cpu))
    advance(cpu, ESI, address_size, source.size)


@instruction(("stosB %al, di8", "AA"), ("stosV %aV, diV", "AB"), repeat="rep")
def stos(cpu: Cpu, address_size: int, accumulator: Register, destination: Memory) -> None:
    """Store the accumulator at ES:EDI.

    eax=9 edi=0x2000 | stosl = ab | [0x2000]=9 edi=0x2004
    """
    destination.write(cpu, accumulator.read(cpu))
    advance(cpu, EDI, address_size, destination.size)


@instruction(("insB %dx, di8", "6C"), ("insV %dx, diV", "6D"), repeat="rep")
def ins(cpu: Cpu, address_size: int, port: Register, destination: Memory) -> None:
    """Store what the port DX gives at ES:EDI.

    edx=0xe9 edi=0x2000   | insb = 6c | b[0x2000]=0xe9 edi=0x2001
    cpl=3 iopl=0 edx=0xe9 | insb = 6c | #GP(0)
    """
    number = port.read(cpu)
    check_io(cpu, number, destination.size)
    destination.read_for_write(cpu)  # whatever can fault comes before the port is read, which may change its device
    destination.write(cpu, cpu.read_port(number, destination.size))
    advance(cpu, EDI, address_size, destination.size)


@instruction(("outsB si8, %dx", "6E"), ("outsV siV, %dx", "6F"), repeat="rep")
def outs(cpu: Cpu, address_size: int, source: Memory, port: Register) -> None:
    """Write the element at DS:ESI to the port DX.

    edx=0xe9 esi=0x2000 b[0x2000]=0x41 | outsb = 6e | esi=0x2001
    """
    number = port.read(cpu)
    check_io(cpu, number, source.size)
    cpu.write_port(number, source.size, source.read(cpu))
    advance(cpu, ESI, address_size, source.size)
