"""Moving data: MOV, MOVZX, MOVSX, XCHG, XLAT, LEA, BSWAP, and the conversions of the accumulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Memory, Register, Register32


@instruction(
    ("movB moffs8, %al", "A0 o"),
    ("movV moffsV, %aV", "A1 o"),
    ("movB %al, moffs8", "A2 o"),
    ("movV %aV, moffsV", "A3 o"),
    ("movB r8, rm8", "88 /r"),
    ("movV rV, rmV", "89 /r"),
    ("movB rm8, r8", "8A /r"),
    ("movV rmV, rV", "8B /r"),
    ("movB imm8, r8", "B0 +r ib"),
    ("movV immV, rV", "B8 +r iV"),
    ("movB imm8, rm8", "C6 /0 ib"),
    ("movV immV, rmV", "C7 /0 iV"),
)
def mov(cpu: Cpu, source: Register | Memory, destination: Register | Memory) -> None:
    """Copy the source to the destination; no flag changes.

    ebx=0x1000 eax=5   | movl %eax,(%ebx) = 8903    | [0x1000]=5
    eax=0x11223344     | movb %ah,%cl = 88e1        | ecx=0x33
    """
    destination.write(cpu, source.read(cpu))


@instruction(("leaV m, rV", "8D /r"))
def lea(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load the effective address of the source, cut to the operand size; memory is not touched.

    eax=0x1000 ebx=4 | leal 8(%eax,%ebx,2),%ecx = 8d4c5808 | ecx=0x1010
    """
    destination.write(cpu, source.offset(cpu) & (0xFFFFFFFF if destination.size == 4 else 0xFFFF))


@instruction(("bswapL r32", "0F C8 +r"))
def bswap(cpu: Cpu, register: Register32) -> None:
    """Reverse the order of the four bytes.

    eax=0x11223344 | bswapl %eax = 0fc8 | eax=0x44332211
    """
    register.write(cpu, int.from_bytes(register.read(cpu).to_bytes(4, "little"), "big"))
