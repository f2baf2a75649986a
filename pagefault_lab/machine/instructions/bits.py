"""Single bits: BT BTS BTR BTC BSF BSR.

A bit offset in a register reaches memory far beyond the operand: it is a signed number of bits from its address. In a
register operand, and as an immediate, only its low bits count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import CF, MASK, signed

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Memory, Register


def set_carry(cpu: Cpu, bit: int) -> None:
    """CF becomes the bit; the other status flags are undefined and stay."""
    cpu.set_flags(CF, CF if bit else 0)


def bit_string_offset(cpu: Cpu, address_size: int, number: int, base: Memory) -> int:
    """Where the word or doubleword lies that holds bit `number`, unsigned as read from a register, of a bit string."""
    size = base.size
    word = signed(number, size) // (8 * size)
    return base.offset(cpu) + word * size & MASK[address_size]


@instruction(("btV rV, rmV", "0F A3 /r R"), ("btV uimm8, rmV", "0F BA /4 ib"))
def bt(cpu: Cpu, number: Register | Immediate, base: Register | Memory) -> None:
    """Copy one bit to CF.

    eax=0x20 ecx=5 | btl %ecx,%eax = 0fa3c8 | cf=1
    eax=0x20       | btl $4,%eax = 0fbae004 | cf=0
    """
    place = number.read(cpu) & 8 * base.size - 1
    set_carry(cpu, base.read(cpu) >> place & 1)


@instruction(("btV rV, mV", "0F A3 /r"))
def bt_string(cpu: Cpu, address_size: int, number: Register, base: Memory) -> None:
    """Copy one bit of a bit string in memory to CF.

    ebx=0x1000 ecx=37 b[0x1004]=0x20 | btl %ecx,(%ebx) = 0fa30b | cf=1
    ebx=0x1000 ecx=-1 b[0xfff]=0x80  | btl %ecx,(%ebx) = 0fa30b | cf=1
    """
    which = number.read(cpu)
    place = which & 8 * base.size - 1
    offset = bit_string_offset(cpu, address_size, which, base)
    set_carry(cpu, cpu.read(base.segment, offset, base.size) >> place & 1)


@instruction(("btsV rV, rmV", "0F AB /r R"), ("btsV uimm8, rmV", "0F BA /5 ib"), lockable=True)
def bts(cpu: Cpu, number: Register | Immediate, base: Register | Memory) -> None:
    """Copy one bit to CF, and set it.

    eax=0 | btsl $4,%eax = 0fbae804 | eax=0x10 cf=0
    """
    place = number.read(cpu) & 8 * base.size - 1
    value = base.read_for_write(cpu)
    base.write(cpu, value | 1 << place)
    set_carry(cpu, value >> place & 1)


@instruction(("btsV rV, mV", "0F AB /r"), lockable=True)
def bts_string(cpu: Cpu, address_size: int, number: Register, base: Memory) -> None:
    """Copy one bit of a bit string in memory to CF, and set it.

    ebx=0x1000 ecx=37 | btsl %ecx,(%ebx) = 0fab0b | [0x1004]=0x20 cf=0
    """
    which = number.read(cpu)
    place = which & 8 * base.size - 1
    offset = bit_string_offset(cpu, address_size, which, base)
    value = cpu.read_for_write(base.segment, offset, base.size)
    cpu.write(base.segment, offset, base.size, value | 1 << place)
    set_carry(cpu, value >> place & 1)


@instruction(("btrV rV, rmV", "0F B3 /r R"), ("btrV uimm8, rmV", "0F BA /6 ib"), lockable=True)
def btr(cpu: Cpu, number: Register | Immediate, base: Register | Memory) -> None:
    """Copy one bit to CF, and clear it.

    eax=0x13 | btrl $4,%eax = 0fbaf004 | eax=3 cf=1
    """
    place = number.read(cpu) & 8 * base.size - 1
    value = base.read_for_write(cpu)
    base.write(cpu, value & ~(1 << place))
    set_carry(cpu, value >> place & 1)


@instruction(("btrV rV, mV", "0F B3 /r"), lockable=True)
def btr_string(cpu: Cpu, address_size: int, number: Register, base: Memory) -> None:
    """Copy one bit of a bit string in memory to CF, and clear it.

    ebx=0x1000 ecx=-32 [0xffc]=3 | btrl %ecx,(%ebx) = 0fb30b | [0xffc]=2 cf=1
    """
    which = number.read(cpu)
    place = which & 8 * base.size - 1
    offset = bit_string_offset(cpu, address_size, which, base)
    value = cpu.read_for_write(base.segment, offset, base.size)
    cpu.write(base.segment, offset, base.size, value & ~(1 << place))
    set_carry(cpu, value >> place & 1)


@instruction(("btcV rV, rmV", "0F BB /r R"), ("btcV uimm8, rmV", "0F BA /7 ib"), lockable=True)
def btc(cpu: Cpu, number: Register | Immediate, base: Register | Memory) -> None:
    """Copy one bit to CF, and flip it.

    eax=0x13 | btcl $4,%eax = 0fbaf804 | eax=3 cf=1
    """
    place = number.read(cpu) & 8 * base.size - 1
    value = base.read_for_write(cpu)
    base.write(cpu, value ^ 1 << place)
    set_carry(cpu, value >> place & 1)


@instruction(("btcV rV, mV", "0F BB /r"), lockable=True)
def btc_string(cpu: Cpu, address_size: int, number: Register, base: Memory) -> None:
    """Copy one bit of a bit string in memory to CF, and flip it.

    ebx=0x1000 ecx=8 | btcw %cx,(%ebx) = 660fbb0b | w[0x1000]=0x100 cf=0
    """
    which = number.read(cpu)
    place = which & 8 * base.size - 1
    offset = bit_string_offset(cpu, address_size, which, base)
    value = cpu.read_for_write(base.segment, offset, base.size)
    cpu.write(base.segment, offset, base.size, value ^ 1 << place)
    set_carry(cpu, value >> place & 1)


@instruction(("bsfV rmV, rV", "0F BC /r"))
def bsf(cpu: Cpu, source: Register | Memory, destination: Register) -> None:
    """Find the lowest bit that is set: its number. If there is none, ZF=1 and the destination stays.

    ecx=0x50    | bsfl %ecx,%eax = 0fbcc1 | eax=4 zf=0
    eax=7 ecx=0 | bsfl %ecx,%eax = 0fbcc1 | eax=7 zf=1
    """
    value = source.read(cpu)
    if value:
        destination.write(cpu, (value & -value).bit_length() - 1)
    cpu.flags_logic(value, source.size)


@instruction(("bsrV rmV, rV", "0F BD /r"))
def bsr(cpu: Cpu, source: Register | Memory, destination: Register) -> None:
    """Find the highest bit that is set: its number. If there is none, ZF=1 and the destination stays.

    ecx=0x50 | bsrl %ecx,%eax = 0fbdc1 | eax=6 zf=0
    """
    value = source.read(cpu)
    if value:
        destination.write(cpu, value.bit_length() - 1)
    cpu.flags_logic(value, source.size)
