"""Integer arithmetic: ADD ADC SUB SBB CMP INC DEC NEG MUL IMUL DIV IDIV XADD CMPXCHG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.faults import DIVIDE_ERROR
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import CF, EAX, EDX, MASK, OF, SIGN, signed

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Memory, Register


def two_operand_rows(name: str, number: int) -> tuple[tuple[str, str], ...]:
    """The rows that ADD OR ADC SBB AND SUB XOR CMP share, `number` 0 to 7 (SDM vol. 2, A.4.2: opcode group 1)."""
    first = 8 * number
    return (
        (f"{name}B r8, rm8", f"{first:02X} /r"),
        (f"{name}V rV, rmV", f"{first + 1:02X} /r"),
        (f"{name}B rm8, r8", f"{first + 2:02X} /r"),
        (f"{name}V rmV, rV", f"{first + 3:02X} /r"),
        (f"{name}V imm8, rmV", f"83 /{number} ib"),
        (f"{name}B imm8, %al", f"{first + 4:02X} ib"),
        (f"{name}V immV, %aV", f"{first + 5:02X} iV"),
        (f"{name}B imm8, rm8", f"80 /{number} ib"),
        (f"{name}V immV, rmV", f"81 /{number} iV"),
        (f"{name}B imm8, rm8", f"82 /{number} ib"),  # undocumented
    )


@instruction(*two_operand_rows("add", 0), lockable=True)
def add(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Add the source to the destination.

    eax=2 ebx=3                    | addl %eax,%ebx = 01c3   | ebx=5 cf=0 of=0
    eax=0xff                       | addb $1,%al = 0401      | eax=0 cf=1 zf=1 af=1
    ebx=0x1000 [0x1000]=0x7fffffff | addl $1,(%ebx) = 830301 | [0x1000]=0x80000000 of=1 sf=1 cf=0
    """
    right = source.read(cpu)
    left = destination.read_for_write(cpu)
    result = left + right & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_add(left, right, result, destination.size)


@instruction(*two_operand_rows("adc", 2), lockable=True)
def adc(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Add the source and the carry to the destination.

    eax=-1 ebx=0 cf=1 | adcl %eax,%ebx = 11c3 | ebx=0 cf=1 zf=1
    """
    right = source.read(cpu)
    left = destination.read_for_write(cpu)
    result = left + right + cpu.carry & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_add(left, right, result, destination.size)


@instruction(*two_operand_rows("sub", 5), lockable=True)
def sub(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Subtract the source from the destination.

    eax=3 ebx=5 | subl %eax,%ebx = 29c3 | ebx=2 cf=0
    eax=0x80    | subb $1,%al = 2c01    | eax=0x7f of=1 cf=0 af=1
    """
    right = source.read(cpu)
    left = destination.read_for_write(cpu)
    result = left - right & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_subtract(left, right, result, destination.size)


@instruction(*two_operand_rows("sbb", 3), lockable=True)
def sbb(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Subtract the source and the borrow (CF) from the destination.

    cf=1 | sbbl %eax,%eax = 19c0 | eax=-1 cf=1
    """
    right = source.read(cpu)
    left = destination.read_for_write(cpu)
    result = left - right - cpu.carry & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_subtract(left, right, result, destination.size)


@instruction(*two_operand_rows("cmp", 7))
def cmp(cpu: Cpu, source: Register | Memory | Immediate, destination: Register | Memory) -> None:
    """Set the flags as if the source were subtracted from the destination; neither changes.

    eax=5 | cmpl $5,%eax = 83f805  | zf=1 cf=0
    eax=5 | cmpl $-1,%eax = 83f8ff | zf=0 cf=1
    """
    right = source.read(cpu)
    left = destination.read(cpu)
    cpu.flags_subtract(left, right, left - right & MASK[destination.size], destination.size)


@instruction(("incV rV", "40 +r"), ("incB rm8", "FE /0"), ("incV rmV", "FF /0"), lockable=True)
def inc(cpu: Cpu, destination: Register | Memory) -> None:
    """Add 1; the carry flag stays.

    eax=-1 cf=0 | incl %eax = 40 | eax=0 zf=1 cf=0
    """
    result = destination.read_for_write(cpu) + 1 & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_increment(result, destination.size)


@instruction(("decV rV", "48 +r"), ("decB rm8", "FE /1"), ("decV rmV", "FF /1"), lockable=True)
def dec(cpu: Cpu, destination: Register | Memory) -> None:
    """Subtract 1; the carry flag stays.

    eax=0 cf=1 | decl %eax = 48 | eax=-1 sf=1 cf=1
    """
    result = destination.read_for_write(cpu) - 1 & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_decrement(result, destination.size)


@instruction(("negB rm8", "F6 /3"), ("negV rmV", "F7 /3"), lockable=True)
def neg(cpu: Cpu, destination: Register | Memory) -> None:
    """Change the sign: subtract the destination from 0. CF tells whether it was not 0.

    eax=5 | negl %eax = f7d8 | eax=-5 cf=1
    eax=0 | negl %eax = f7d8 | eax=0 cf=0
    """
    value = destination.read_for_write(cpu)
    result = -value & MASK[destination.size]
    destination.write(cpu, result)
    cpu.flags_subtract(0, value, result, destination.size)


def read_double(cpu: Cpu, size: int) -> int:
    """The accumulator of twice `size` bytes: AX, DX:AX or EDX:EAX."""
    if size == 1:
        value = cpu.registers[EAX] & 0xFFFF
    else:
        value = (cpu.registers[EDX] & MASK[size]) << 8 * size | cpu.registers[EAX] & MASK[size]
    return value


def write_double(cpu: Cpu, size: int, low: int, high: int) -> None:
    """Set AL and AH, AX and DX, or EAX and EDX."""
    if size == 1:
        cpu.registers[EAX] = cpu.registers[EAX] & 0xFFFF0000 | high << 8 | low
    else:
        cpu.registers[EAX] = cpu.registers[EAX] & ~MASK[size] | low
        cpu.registers[EDX] = cpu.registers[EDX] & ~MASK[size] | high


def set_product_flags(cpu: Cpu, low: int, size: int, overflow: bool) -> None:
    """CF and OF tell that the product needs its upper half; the others are undefined, and follow the lower half."""
    cpu.flags_logic(low, size)
    cpu.set_flags(CF | OF, CF | OF if overflow else 0)


@instruction(("mulB rm8", "F6 /4"), ("mulV rmV", "F7 /4"))
def mul(cpu: Cpu, source: Register | Memory) -> None:
    """Multiply the accumulator by the source, unsigned, into twice the width: AX, DX:AX or EDX:EAX.

    eax=0x80000000 ecx=4 | mull %ecx = f7e1 | eax=0 edx=2 cf=1 of=1
    eax=0x10 ecx=5       | mulb %cl = f6e1  | eax=0x50 cf=0 of=0
    """
    size = source.size
    product = (cpu.registers[EAX] & MASK[size]) * source.read(cpu)
    low = product & MASK[size]
    write_double(cpu, size, low, product >> 8 * size)
    set_product_flags(cpu, low, size, product != low)


@instruction(("imulB rm8", "F6 /5"), ("imulV rmV", "F7 /5"))
def imul(cpu: Cpu, source: Register | Memory) -> None:
    """Multiply the accumulator by the source, signed, into twice the width: AX, DX:AX or EDX:EAX.

    eax=-2 ecx=3 | imull %ecx = f7e9 | eax=-6 edx=-1 cf=0 of=0
    eax=64 ecx=2 | imulb %cl = f6e9  | eax=128 cf=1 of=1
    """
    size = source.size
    product = signed(cpu.registers[EAX] & MASK[size], size) * signed(source.read(cpu), size)
    low = product & MASK[size]
    write_double(cpu, size, low, product >> 8 * size & MASK[size])
    set_product_flags(cpu, low, size, product != signed(low, size))


@instruction(("imulV rmV, rV", "0F AF /r"))
def imul_register(cpu: Cpu, source: Register | Memory, destination: Register) -> None:
    """Multiply the register by the source, signed; the upper half of the product is lost.

    eax=-2 ecx=3            | imull %ecx,%eax = 0fafc1 | eax=-6 cf=0 of=0
    eax=0x10000 ecx=0x10000 | imull %ecx,%eax = 0fafc1 | eax=0 cf=1 of=1
    """
    size = destination.size
    product = signed(destination.read(cpu), size) * signed(source.read(cpu), size)
    low = product & MASK[size]
    destination.write(cpu, low)
    set_product_flags(cpu, low, size, product != signed(low, size))


@instruction(("imulV imm8, rmV, rV", "6B /r ib"), ("imulV immV, rmV, rV", "69 /r iV"))
def imul_constant(cpu: Cpu, factor: Immediate, source: Register | Memory, destination: Register) -> None:
    """Multiply the source by a constant, signed, into the register; the upper half of the product is lost.

    ecx=7 | imull $-3,%ecx,%eax = 6bc1fd         | eax=-21 cf=0 of=0
    ecx=7 | imull $1000,%ecx,%eax = 69c1e8030000 | eax=7000 cf=0 of=0
    """
    size = destination.size
    product = signed(source.read(cpu), size) * signed(factor.read(cpu), size)
    low = product & MASK[size]
    destination.write(cpu, low)
    set_product_flags(cpu, low, size, product != signed(low, size))


@instruction(("divB rm8", "F6 /6"), ("divV rmV", "F7 /6"))
def div(cpu: Cpu, source: Register | Memory) -> None:
    """Divide AX, DX:AX or EDX:EAX by the source, unsigned: the quotient to AL, AX or EAX, the rest to AH, DX or EDX.

    eax=17 edx=0 ecx=5 | divl %ecx = f7f1 | eax=3 edx=2
    eax=17 edx=5 ecx=5 | divl %ecx = f7f1 | #DE
    """
    size = source.size
    dividend = read_double(cpu, size)
    divisor = source.read(cpu)
    cpu.require("the divisor is not 0", divisor != 0, DIVIDE_ERROR, divisor=divisor)
    quotient = dividend // divisor
    cpu.require("the quotient fits", quotient <= MASK[size], DIVIDE_ERROR, quotient=quotient, largest=MASK[size])
    write_double(cpu, size, quotient, dividend % divisor)


@instruction(("idivB rm8", "F6 /7"), ("idivV rmV", "F7 /7"))
def idiv(cpu: Cpu, source: Register | Memory) -> None:
    """Divide AX, DX:AX or EDX:EAX by the source, signed, cutting towards 0: the rest has the dividend's sign.

    eax=-17 edx=-1 ecx=5         | idivl %ecx = f7f9 | eax=-3 edx=-2
    eax=0x80000000 edx=-1 ecx=-1 | idivl %ecx = f7f9 | #DE
    """
    size = source.size
    dividend = read_double(cpu, size)
    if dividend >> 16 * size - 1:
        dividend -= 1 << 16 * size
    divisor = signed(source.read(cpu), size)
    cpu.require("the divisor is not 0", divisor != 0, DIVIDE_ERROR, divisor=divisor)
    quotient = abs(dividend) // abs(divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    fits = -SIGN[size] <= quotient < SIGN[size]
    cpu.require("the quotient fits", fits, DIVIDE_ERROR, quotient=quotient, largest=SIGN[size] - 1)
    rest = dividend - quotient * divisor
    write_double(cpu, size, quotient & MASK[size], rest & MASK[size])


@instruction(("xaddB r8, rm8", "0F C0 /r R"), ("xaddV rV, rmV", "0F C1 /r R"))
def xadd(cpu: Cpu, source: Register, destination: Register) -> None:
    """Exchange the two registers, then add the source to the destination.

    eax=2 ecx=3 | xaddl %eax,%ecx = 0fc1c1 | eax=3 ecx=5
    eax=2       | xaddl %eax,%eax = 0fc1c0 | eax=4
    """
    right = source.read(cpu)
    left = destination.read(cpu)
    result = left + right & MASK[destination.size]
    source.write(cpu, left)
    destination.write(cpu, result)
    cpu.flags_add(left, right, result, destination.size)


@instruction(("xaddB r8, m8", "0F C0 /r"), ("xaddV rV, mV", "0F C1 /r"), lockable=True)
def xadd_memory(cpu: Cpu, source: Register, destination: Memory) -> None:
    """Add the register to memory, and give it what was there.

    eax=2 ebx=0x1000 [0x1000]=3 | xaddl %eax,(%ebx) = 0fc103 | eax=3 [0x1000]=5
    """
    right = source.read(cpu)
    left = destination.read_for_write(cpu)
    result = left + right & MASK[destination.size]
    destination.write(cpu, result)  # before the register, on which the address may hang
    source.write(cpu, left)
    cpu.flags_add(left, right, result, destination.size)


@instruction(("cmpxchgB r8, rm8", "0F B0 /r"), ("cmpxchgV rV, rmV", "0F B1 /r"), lockable=True)
def cmpxchg(cpu: Cpu, source: Register, destination: Register | Memory) -> None:
    """Compare the accumulator with the destination: if equal, store the source there, else load it.

    eax=3 ecx=5 ebx=0x1000 [0x1000]=3 | cmpxchgl %ecx,(%ebx) = 0fb10b | [0x1000]=5 zf=1
    eax=4 ecx=5 ebx=0x1000 [0x1000]=3 | cmpxchgl %ecx,(%ebx) = 0fb10b | eax=3 zf=0
    """
    size = destination.size
    eax = cpu.registers[EAX]
    left = eax & MASK[size]
    right = destination.read_for_write(cpu)
    if left == right:
        destination.write(cpu, source.read(cpu))
    else:
        cpu.registers[EAX] = eax & ~MASK[size] | right
    cpu.flags_subtract(left, right, left - right & MASK[size], size)
