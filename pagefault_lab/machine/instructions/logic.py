"""Bitwise logic: AND OR XOR NOT TEST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.instructions.arithmetic import two_operand_rows
from pagefault_lab.machine.registers import MASK

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Memory, Register


@instruction(*two_operand_rows("and", 4), lockable=True)
def and_(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Keep the destination's bits that are set in the source too; CF = OF = 0.

    eax=0x0f ebx=0x35 | andl %eax,%ebx = 21c3 | ebx=5 cf=0 of=0
    """
    result = source.read(cpu) & destination.read_for_write(cpu)
    destination.write(cpu, result)
    cpu.flags_logic(result, destination.size)


@instruction(*two_operand_rows("or", 1), lockable=True)
def or_(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Set the destination's bits that are set in the source; CF = OF = 0.

    ebx=0x1000 [0x1000]=1 | orl $0x80000000,(%ebx) = 810b00000080 | [0x1000]=0x80000001 sf=1
    """
    result = source.read(cpu) | destination.read_for_write(cpu)
    destination.write(cpu, result)
    cpu.flags_logic(result, destination.size)


@instruction(*two_operand_rows("xor", 6), lockable=True)
def xor(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Flip the destination's bits that are set in the source; CF = OF = 0.

    eax=5 | xorl %eax,%eax = 31c0 | eax=0 zf=1
    """
    result = source.read(cpu) ^ destination.read_for_write(cpu)
    destination.write(cpu, result)
    cpu.flags_logic(result, destination.size)


@instruction(("notB rm8", "F6 /2"), ("notV rmV", "F7 /2"), lockable=True)
def not_(cpu: Cpu, destination: Register | Memory) -> None:
    """Flip every bit; no flag changes.

    eax=5 | notl %eax = f7d0 | eax=0xfffffffa
    """
    destination.write(cpu, destination.read_for_write(cpu) ^ MASK[destination.size])


@instruction(
    ("testB r8, rm8", "84 /r"),
    ("testV rV, rmV", "85 /r"),
    ("testB rm8, r8", "84 /r"),
    ("testV rmV, rV", "85 /r"),
    ("testB imm8, %al", "A8 ib"),
    ("testV immV, %aV", "A9 iV"),
    ("testB imm8, rm8", "F6 /0 ib"),
    ("testV immV, rmV", "F7 /0 iV"),
    ("testB imm8, rm8", "F6 /1 ib"),  # undocumented, as the next
    ("testV immV, rmV", "F7 /1 iV"),
)
def test(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Set the flags by the bits that both have; neither changes.

    eax=6 | testb $1,%al = a801    | zf=1 cf=0 of=0
    eax=6 | testl %eax,%eax = 85c0 | zf=0
    """
    cpu.flags_logic(source.read(cpu) & destination.read(cpu), destination.size)
