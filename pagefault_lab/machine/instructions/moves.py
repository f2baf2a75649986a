"""Moving data: MOV, MOVZX, MOVSX, XCHG, NOP, XLAT, LEA, BSWAP, and the conversions of the accumulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import EAX, EDX, MASK, SIGN, sign_extend

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

    ebx=0x1000 eax=5 | movl %eax,(%ebx) = 8903 | [0x1000]=5
    eax=0x11223344   | movb %ah,%cl = 88e1     | ecx=0x33
    """
    destination.write(cpu, source.read(cpu))


@instruction(
    ("movzbV rm8, rV", "0F B6 /r"),
    ("movzwL rm16, r32", "0F B7 /r O32"),
    ("movzxw rm16, r16", "0F B7 /r O16"),
    ("movzx rm8, r32", "0F B6 /r O32"),
    ("movzx rm8, r16", "0F B6 /r O16"),
    ("movzx rm16, r32", "0F B7 /r O32"),
    ("movzx rm16, r16", "0F B7 /r O16"),
    ("movzxb rm8, r32", "0F B6 /r O32"),
    ("movzxb rm8, r16", "0F B6 /r O16"),
    ("movzxw rm16, r32", "0F B7 /r O32"),
)
def movzx(cpu: Cpu, source: Register | Memory, destination: Register) -> None:
    """Copy the narrower source to the register, and fill up with zeros.

    eax=0x80 ecx=-1            | movzbl %al,%ecx = 0fb6c8    | ecx=0x80
    ebx=0x1000 [0x1000]=0x8765 | movzwl (%ebx),%ecx = 0fb70b | ecx=0x8765
    """
    destination.write(cpu, source.read(cpu))


@instruction(
    ("movsbV rm8, rV", "0F BE /r"),
    ("movswL rm16, r32", "0F BF /r O32"),
    ("movsxw rm16, r16", "0F BF /r O16"),
    ("movsx rm8, r32", "0F BE /r O32"),
    ("movsx rm8, r16", "0F BE /r O16"),
    ("movsx rm16, r32", "0F BF /r O32"),
    ("movsx rm16, r16", "0F BF /r O16"),
    ("movsxb rm8, r32", "0F BE /r O32"),
    ("movsxb rm8, r16", "0F BE /r O16"),
    ("movsxw rm16, r32", "0F BF /r O32"),
)
def movsx(cpu: Cpu, source: Register | Memory, destination: Register) -> None:
    """Copy the narrower source to the register, and fill up with its sign.

    eax=0x80                   | movsbl %al,%ecx = 0fbec8    | ecx=0xffffff80
    eax=0x80 ecx=0x11111111    | movsbw %al,%cx = 660fbec8   | ecx=0x1111ff80
    ebx=0x1000 [0x1000]=0x8765 | movswl (%ebx),%ecx = 0fbf0b | ecx=0xffff8765
    """
    destination.write(cpu, sign_extend(source.read(cpu), source.size, destination.size))


@instruction(("nop", "90 O32"))
def nop(cpu: Cpu) -> None:
    """Do nothing; by its encoding the exchange of EAX with itself.

    eax=5 | nop = 90 | eax=5
    """


@instruction(
    ("xchgV %aV, rV", "90 +r"),
    ("xchgV rV, %aV", "90 +r"),
    ("xchgB r8, rm8", "86 /r"),
    ("xchgV rV, rmV", "87 /r"),
    ("xchgB rm8, r8", "86 /r"),
    ("xchgV rmV, rV", "87 /r"),
    lockable=True,
)
def xchg(cpu: Cpu, source: Register, destination: Register | Memory) -> None:
    """Exchange two values; with memory it is atomic even without a lock prefix.

    eax=1 ecx=2                 | xchgl %eax,%ecx = 91     | eax=2 ecx=1
    eax=5 ebx=0x1000 [0x1000]=9 | xchgl %eax,(%ebx) = 8703 | eax=9 [0x1000]=5
    """
    value = destination.read_for_write(cpu)
    destination.write(cpu, source.read(cpu))  # memory first: its address may hang on the other register
    source.write(cpu, value)


@instruction(("xlat bx8", "D7"), ("xlatB bx8", "D7"))
def xlat(cpu: Cpu, table: Memory) -> None:
    """Replace AL by the byte that it indexes in the table at DS:EBX.

    eax=3 ebx=0x1000 b[0x1003]=0x42 | xlat = d7 | eax=0x42
    """
    eax = cpu.registers[EAX]
    cpu.registers[EAX] = eax & 0xFFFFFF00 | table.read_at(cpu, eax & 0xFF, 1)


@instruction(("leaV m, rV", "8D /r"))
def lea(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load the effective address of the source, cut to the operand size; memory is not touched.

    eax=0x1000 ebx=4 | leal 8(%eax,%ebx,2),%ecx = 8d4c5808 | ecx=0x1010
    eax=0x12345678   | leaw 2(%eax),%cx = 668d4802         | ecx=0x567a
    """
    destination.write(cpu, source.offset(cpu) & MASK[destination.size])


@instruction(("bswapL r32", "0F C8 +r"))
def bswap(cpu: Cpu, register: Register32) -> None:
    """Reverse the order of the four bytes.

    eax=0x11223344 | bswapl %eax = 0fc8 | eax=0x44332211
    """
    register.write(cpu, int.from_bytes(register.read(cpu).to_bytes(4, "little"), "big"))


@instruction(("cbtw", "98 O16"), ("cbw", "98 O16"))
def cbtw(cpu: Cpu) -> None:
    """Widen AL to AX, signed.

    eax=0x11110080 | cbtw = 6698 | eax=0x1111ff80
    """
    eax = cpu.registers[EAX]
    cpu.registers[EAX] = eax & 0xFFFF0000 | sign_extend(eax, 1, 2)


@instruction(("cwtl", "98 O32"), ("cwde", "98 O32"))
def cwtl(cpu: Cpu) -> None:
    """Widen AX to EAX, signed.

    eax=0x8000 | cwtl = 98 | eax=0xffff8000
    """
    cpu.registers[EAX] = sign_extend(cpu.registers[EAX], 2, 4)


@instruction(("cwtd", "99 O16"), ("cwd", "99 O16"))
def cwtd(cpu: Cpu) -> None:
    """Widen AX to DX:AX, signed: DX is filled with AX's sign.

    eax=0x8000 edx=0x11111111 | cwtd = 6699 | edx=0x1111ffff
    """
    cpu.registers[EDX] = cpu.registers[EDX] & 0xFFFF0000 | (0xFFFF if cpu.registers[EAX] & SIGN[2] else 0)


@instruction(("cltd", "99 O32"), ("cdq", "99 O32"))
def cltd(cpu: Cpu) -> None:
    """Widen EAX to EDX:EAX, signed: EDX is filled with EAX's sign.

    eax=-5       | cltd = 99 | edx=-1
    eax=5 edx=-1 | cltd = 99 | edx=0
    """
    cpu.registers[EDX] = 0xFFFFFFFF if cpu.registers[EAX] & SIGN[4] else 0
