"""Operands of a decoded instruction: where a value is read and where it goes.

An operand is plain data and belongs to no processor: `read(cpu)` gives its value, `write(cpu, value)` stores one, and
`read_for_write(cpu)` reads what the same instruction will write back, so that a page that may not be written faults as
a write before anything is changed (SDM vol. 3, 4.7: a read-modify-write reports W/R=1). `size` is in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pagefault_lab.machine.registers import MASK

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


@dataclass(frozen=True, slots=True)
class Register32:
    """EAX to EDI, by number."""

    number: int
    size: int = 4

    def read(self, cpu: Cpu) -> int:
        return cpu.registers[self.number]

    read_for_write = read

    def write(self, cpu: Cpu, value: int) -> None:
        cpu.registers[self.number] = value


@dataclass(frozen=True, slots=True)
class Register16:
    """AX to DI: the low half; writing keeps the high half."""

    number: int
    size: int = 2

    def read(self, cpu: Cpu) -> int:
        return cpu.registers[self.number] & 0xFFFF

    read_for_write = read

    def write(self, cpu: Cpu, value: int) -> None:
        cpu.registers[self.number] = cpu.registers[self.number] & 0xFFFF0000 | value


@dataclass(frozen=True, slots=True)
class Register8:
    """AL CL DL BL (0 to 3), AH CH DH BH (4 to 7)."""

    number: int
    size: int = 1

    def read(self, cpu: Cpu) -> int:
        number = self.number
        if number < 4:
            return cpu.registers[number] & 0xFF
        return cpu.registers[number - 4] >> 8 & 0xFF

    read_for_write = read

    def write(self, cpu: Cpu, value: int) -> None:
        number = self.number
        if number < 4:
            cpu.registers[number] = cpu.registers[number] & 0xFFFFFF00 | value
        else:
            cpu.registers[number - 4] = cpu.registers[number - 4] & 0xFFFF00FF | value << 8


@dataclass(frozen=True, slots=True)
class Immediate:
    """A constant of the instruction, already extended to `size` bytes and unsigned.

    `encoded` is the number of bytes that it takes in the instruction.
    """

    value: int
    size: int
    encoded: int

    def read(self, cpu: Cpu) -> int:
        return self.value


@dataclass(frozen=True, slots=True)
class Target:
    """A branch target relative to the next instruction; `read` gives the new EIP.

    `size` is the operand size: with 2, EIP is cut to 16 bits (SDM vol. 2, Jcc).
    """

    displacement: int  # signed
    size: int
    encoded: int

    def read(self, cpu: Cpu) -> int:
        return cpu.eip + self.displacement & MASK[self.size]


@dataclass(frozen=True, slots=True)
class FarPointer:
    """A selector and an offset written in the instruction itself (ptr16:16, ptr16:32)."""

    selector: int
    offset: int
    size: int

    def read_far(self, cpu: Cpu) -> tuple[int, int]:
        """(selector, offset)."""
        return self.selector, self.offset


@dataclass(frozen=True, slots=True)
class Memory:
    """A place in memory: segment:(base + index*scale + displacement).

    `segment` is the segment register's number, the default already chosen (SS for bases ESP and EBP); `override` tells
    whether a prefix chose it. `displacement` is signed; `displacement_size` is the bytes it takes (0, 1, 2 or 4).
    `size` is the bytes of the value there; 0 for an operand that is only an address or a structure.
    """

    segment: int
    base: int | None
    index: int | None
    scale: int
    displacement: int
    address_size: int
    size: int
    override: bool = False
    displacement_size: int = 4

    def offset(self, cpu: Cpu) -> int:
        """The effective address: an offset in the segment, cut to the address size."""
        registers = cpu.registers
        offset = self.displacement
        if self.base is not None:
            offset += registers[self.base]
        if self.index is not None:
            offset += registers[self.index] * self.scale
        return offset & MASK[self.address_size]

    def read(self, cpu: Cpu) -> int:
        return cpu.read(self.segment, self.offset(cpu), self.size)

    def read_for_write(self, cpu: Cpu) -> int:
        return cpu.read_for_write(self.segment, self.offset(cpu), self.size)

    def write(self, cpu: Cpu, value: int) -> None:
        cpu.write(self.segment, self.offset(cpu), self.size, value)

    def read_at(self, cpu: Cpu, distance: int, size: int) -> int:
        """`size` bytes at `distance` behind the operand's address, for operands that are structures."""
        return cpu.read(self.segment, self.offset(cpu) + distance & MASK[self.address_size], size)

    def read_far(self, cpu: Cpu) -> tuple[int, int]:
        """(selector, offset) of a far pointer in memory, whose offset has `size` bytes."""
        offset = self.read_at(cpu, 0, self.size)
        return self.read_at(cpu, self.size, 2), offset


@dataclass(frozen=True, slots=True)
class SegmentRegister:
    """ES CS SS DS FS GS, by number. Loading one is segmentation's business (`cpu.load_segment`)."""

    number: int
    size: int = 2

    def read(self, cpu: Cpu) -> int:
        return cpu.segments[self.number].selector


@dataclass(frozen=True, slots=True)
class ControlRegister:
    """CR0, CR2, CR3, CR4 by number."""

    number: int
    size: int = 4


@dataclass(frozen=True, slots=True)
class DebugRegister:
    """DR0 to DR7 by number."""

    number: int
    size: int = 4


@dataclass(frozen=True, slots=True)
class TestRegister:
    """TR3 to TR7 of the 386 and 486, by number."""

    number: int
    size: int = 4

    __test__ = False  # not a test case, whatever pytest thinks of the name


Register: TypeAlias = Register32 | Register16 | Register8
Operand: TypeAlias = (
    Register
    | Memory
    | Immediate
    | Target
    | FarPointer
    | SegmentRegister
    | ControlRegister
    | DebugRegister
    | TestRegister
)


def register(number: int, size: int) -> Register:
    """The general register `number` of `size` bytes."""
    if size == 4:
        return Register32(number)
    return Register16(number) if size == 2 else Register8(number)
