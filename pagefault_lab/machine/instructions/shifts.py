"""Shifts and rotations: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD.

Counts are taken modulo 32; with a count of 0 no flag changes. OF is defined for a count of 1 only, AF for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import CF, MASK, OF, SIGN, signed

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Memory, Register, Register8


def shift_rows(name: str, digit: int) -> tuple[tuple[str, str], ...]:
    """The rows that all shifts of one operand share (SDM vol. 2, A.4.2: opcode group 2)."""
    return (
        (f"{name}B $1, rm8", f"D0 /{digit}"),
        (f"{name}V $1, rmV", f"D1 /{digit}"),
        (f"{name}B uimm8, rm8", f"C0 /{digit} ib"),
        (f"{name}V uimm8, rmV", f"C1 /{digit} ib"),
        (f"{name}B %cl, rm8", f"D2 /{digit}"),
        (f"{name}V %cl, rmV", f"D3 /{digit}"),
    )


def set_rotation_flags(cpu: Cpu, carry: bool, overflow: bool) -> None:
    """A rotation changes only CF and OF."""
    cpu.set_flags(CF | OF, (CF if carry else 0) | (OF if overflow else 0))


def set_shift_flags(cpu: Cpu, result: int, size: int, carry: bool, overflow: bool) -> None:
    """SF, ZF and PF follow the result; CF is the last bit that fell out, OF whether the last place changed the sign."""
    cpu.flags_logic(result, size)
    set_rotation_flags(cpu, carry, overflow)


@instruction(*shift_rows("shl", 4), *shift_rows("sal", 4), *shift_rows("sal", 6))  # /6 is undocumented
def shl(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Shift left; zeros come in from the right, the last bit that falls out is CF.

    eax=0xc0000001 | shll $1,%eax = d1e0  | eax=0x80000002 cf=1 of=0
    eax=1 ecx=33   | shll %cl,%eax = d3e0 | eax=2
    """
    size = destination.size
    places = count.read(cpu) & 31
    value = destination.read_for_write(cpu)
    if places:
        wide = value << places
        result = wide & MASK[size]
        carry = bool(wide >> 8 * size & 1)
        destination.write(cpu, result)
        set_shift_flags(cpu, result, size, carry, carry != bool(result & SIGN[size]))


@instruction(*shift_rows("shr", 5))
def shr(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Shift right, unsigned: zeros come in from the left, the last bit that falls out is CF.

    eax=0x80000003 | shrl $1,%eax = d1e8 | eax=0x40000001 cf=1 of=1
    """
    size = destination.size
    places = count.read(cpu) & 31
    value = destination.read_for_write(cpu)
    if places:
        before = value >> places - 1
        result = before >> 1
        destination.write(cpu, result)
        set_shift_flags(cpu, result, size, bool(before & 1), bool(before & SIGN[size]))


@instruction(*shift_rows("sar", 7))
def sar(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Shift right, signed: copies of the sign come in from the left, the last bit that falls out is CF.

    eax=0x80000003 | sarl $1,%eax = d1f8 | eax=0xc0000001 cf=1 of=0
    """
    size = destination.size
    places = count.read(cpu) & 31
    value = destination.read_for_write(cpu)
    if places:
        before = signed(value, size) >> places - 1
        result = before >> 1 & MASK[size]
        destination.write(cpu, result)
        set_shift_flags(cpu, result, size, bool(before & 1), False)


@instruction(*shift_rows("rol", 0))
def rol(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Rotate left; CF is a copy of the bit that came in from the right.

    eax=0x80000001 | roll $1,%eax = d1c0 | eax=3 cf=1 of=1
    """
    size = destination.size
    places = count.read(cpu) & 31
    value = destination.read_for_write(cpu)
    if places:
        bits = 8 * size
        turn = places % bits
        result = (value << turn | value >> bits - turn) & MASK[size]
        carry = bool(result & 1)
        destination.write(cpu, result)
        set_rotation_flags(cpu, carry, carry != bool(result & SIGN[size]))


@instruction(*shift_rows("ror", 1))
def ror(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Rotate right; CF is a copy of the bit that came in from the left.

    eax=1 | rorl $1,%eax = d1c8 | eax=0x80000000 cf=1 of=1
    """
    size = destination.size
    places = count.read(cpu) & 31
    value = destination.read_for_write(cpu)
    if places:
        bits = 8 * size
        turn = places % bits
        result = (value >> turn | value << bits - turn) & MASK[size]
        carry = bool(result & SIGN[size])
        destination.write(cpu, result)
        set_rotation_flags(cpu, carry, carry != bool(result & SIGN[size] >> 1))


@instruction(*shift_rows("rcl", 2))
def rcl(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Rotate left through CF: the carry comes in from the right, the bit that falls out becomes the carry.

    eax=0x80000000 cf=0 | rcll $1,%eax = d1d0  | eax=0 cf=1 of=1
    eax=0x80 cf=1       | rclb $9,%al = c0d009 | eax=0x80 cf=1
    """
    size = destination.size
    bits = 8 * size
    turn = (count.read(cpu) & 31) % (bits + 1)
    value = destination.read_for_write(cpu)
    if turn:
        ring = cpu.carry << bits | value
        ring = ring << turn | ring >> bits + 1 - turn
        result = ring & MASK[size]
        destination.write(cpu, result)
        set_rotation_flags(cpu, bool(ring >> bits & 1), bool((value ^ result) & SIGN[size]))


@instruction(*shift_rows("rcr", 3))
def rcr(cpu: Cpu, count: Immediate | Register8, destination: Register | Memory) -> None:
    """Rotate right through CF: the carry comes in from the left, the bit that falls out becomes the carry.

    eax=1 cf=0 | rcrl $1,%eax = d1d8 | eax=0 cf=1 of=0
    """
    size = destination.size
    bits = 8 * size
    turn = (count.read(cpu) & 31) % (bits + 1)
    value = destination.read_for_write(cpu)
    if turn:
        ring = cpu.carry << bits | value
        ring = ring >> turn | ring << bits + 1 - turn
        result = ring & MASK[size]
        destination.write(cpu, result)
        set_rotation_flags(cpu, bool(ring >> bits & 1), bool((value ^ result) & SIGN[size]))


@instruction(("shldV uimm8, rV, rmV", "0F A4 /r ib"), ("shldV %cl, rV, rmV", "0F A5 /r"))
def shld(cpu: Cpu, count: Immediate | Register8, source: Register, destination: Register | Memory) -> None:
    """Shift the destination left; the source's upper bits come in from the right.

    eax=0x12345678 ecx=0x9abcdef0 | shldl $8,%ecx,%eax = 0fa4c808 | eax=0x3456789a cf=0
    """
    size = destination.size
    bits = 8 * size
    places = count.read(cpu) & 31
    filling = source.read(cpu)
    value = destination.read_for_write(cpu)
    if places:
        # Counts beyond 16 of a 16-bit operand are undefined; Intel's processors go on with the destination itself.
        wide = (value << bits | filling) << bits | value
        result = wide << places >> 2 * bits & MASK[size]
        carry = bool(wide >> 3 * bits - places & 1)
        destination.write(cpu, result)
        set_shift_flags(cpu, result, size, carry, carry != bool(result & SIGN[size]))


@instruction(("shrdV uimm8, rV, rmV", "0F AC /r ib"), ("shrdV %cl, rV, rmV", "0F AD /r"))
def shrd(cpu: Cpu, count: Immediate | Register8, source: Register, destination: Register | Memory) -> None:
    """Shift the destination right; the source's lower bits come in from the left.

    eax=0x12345678 ecx=0x9abcdef0 | shrdl $8,%ecx,%eax = 0facc808 | eax=0xf0123456 cf=0
    """
    size = destination.size
    bits = 8 * size
    places = count.read(cpu) & 31
    filling = source.read(cpu)
    value = destination.read_for_write(cpu)
    if places:
        before = ((value << bits | filling) << bits | value) >> places - 1  # as in SHLD
        result = before >> 1 & MASK[size]
        destination.write(cpu, result)
        set_shift_flags(cpu, result, size, bool(before & 1), bool((before ^ result) & SIGN[size]))
