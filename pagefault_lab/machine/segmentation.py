"""Segments: descriptors, the hidden part of segment registers, and the rules for loading them.

    descriptor, high dword   31      24 23 22 21 20 19   16 15 14 13 12 11   8 7       0
                            | base 31..24 | G| B|  |A | limit | P| DPL | S| type | base 23..16 |
    low dword               |      base 15..0               |      limit 15..0            |

SDM vol. 3, 3.4 and 5.2 to 5.7; the checks of each load are those of MOV in vol. 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pagefault_lab.machine.events import Kind, Reason
from pagefault_lab.machine.faults import Fault, general_protection, not_present, stack_fault
from pagefault_lab.machine.registers import CS, SEGMENT_NAMES, SS

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu

# System descriptor types (S=0)
TSS16, LDT, TSS16_BUSY, CALL_GATE16, TASK_GATE, INTERRUPT_GATE16, TRAP_GATE16 = 1, 2, 3, 4, 5, 6, 7
TSS32, TSS32_BUSY, CALL_GATE32, INTERRUPT_GATE32, TRAP_GATE32 = 9, 11, 12, 14, 15
SYSTEM_TYPES: Final = {
    TSS16: "16-bit TSS (available)",
    LDT: "LDT",
    TSS16_BUSY: "16-bit TSS (busy)",
    CALL_GATE16: "16-bit call gate",
    TASK_GATE: "task gate",
    INTERRUPT_GATE16: "16-bit interrupt gate",
    TRAP_GATE16: "16-bit trap gate",
    TSS32: "32-bit TSS (available)",
    TSS32_BUSY: "32-bit TSS (busy)",
    CALL_GATE32: "32-bit call gate",
    INTERRUPT_GATE32: "32-bit interrupt gate",
    TRAP_GATE32: "32-bit trap gate",
}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A segment descriptor of the GDT or an LDT, as the 64 bits that it is."""

    raw: int

    @property
    def base(self) -> int:
        return self.raw >> 16 & 0xFFFFFF | self.raw >> 32 & 0xFF000000

    @property
    def limit(self) -> int:
        """The last byte's offset (for expand-down data: the last forbidden one), granularity applied."""
        limit = self.raw & 0xFFFF | self.raw >> 32 & 0xF0000
        return limit << 12 | 0xFFF if self.granular else limit

    @property
    def type(self) -> int:
        return self.raw >> 40 & 0xF

    @property
    def system(self) -> bool:
        return not self.raw >> 44 & 1

    @property
    def dpl(self) -> int:
        return self.raw >> 45 & 3

    @property
    def present(self) -> bool:
        return bool(self.raw >> 47 & 1)

    @property
    def big(self) -> bool:
        """D/B: 32-bit code, 32-bit stack, or a 4 GiB upper bound of expand-down data."""
        return bool(self.raw >> 54 & 1)

    @property
    def granular(self) -> bool:
        return bool(self.raw >> 55 & 1)

    @property
    def code(self) -> bool:
        return not self.system and bool(self.type & 8)

    @property
    def data(self) -> bool:
        return not self.system and not self.type & 8

    @property
    def conforming(self) -> bool:
        return self.code and bool(self.type & 4)

    @property
    def expand_down(self) -> bool:
        return self.data and bool(self.type & 4)

    @property
    def readable(self) -> bool:
        return self.data or (self.code and bool(self.type & 2))

    @property
    def writable(self) -> bool:
        return self.data and bool(self.type & 2)

    @property
    def accessed(self) -> bool:
        return not self.system and bool(self.type & 1)

    def is_tss(self, *, busy: bool) -> bool:
        """Whether it is a TSS, busy or available, of 16 or 32 bits."""
        return self.system and self.type in ((TSS16_BUSY, TSS32_BUSY) if busy else (TSS16, TSS32))


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment register: the visible selector and the hidden part that was loaded with it (SDM vol. 3, 3.4.3).

    `valid` is False for a null selector: the register can be loaded with it, but not used.
    """

    selector: int
    base: int = 0
    limit: int = 0
    readable: bool = False
    writable: bool = False
    code: bool = False
    conforming: bool = False
    expand_down: bool = False
    big: bool = False
    dpl: int = 0
    valid: bool = False
    raw: int = 0  # the descriptor

    @classmethod
    def of(cls, selector: int, descriptor: Descriptor) -> Segment:
        """The hidden part that loading this descriptor gives."""
        return cls(
            selector,
            descriptor.base,
            descriptor.limit,
            descriptor.readable,
            descriptor.writable,
            descriptor.code,
            descriptor.conforming,
            descriptor.expand_down,
            descriptor.big,
            descriptor.dpl,
            True,
            descriptor.raw,
        )

    @property
    def flat(self) -> bool:
        """Whether every offset is inside and equals the linear address, so that no check can fail."""
        return self.valid and not self.base and self.limit == 0xFFFFFFFF and not self.expand_down

    def contains(self, offset: int, size: int) -> bool:
        """Whether `size` bytes from `offset` lie inside the limit (SDM vol. 3, 5.3); in a flat one they wrap around."""
        if self.flat:
            return True
        last = offset + size - 1
        if self.expand_down:
            return offset > self.limit and last <= (0xFFFFFFFF if self.big else 0xFFFF)
        return last <= self.limit

    def refusal(self, number: int, offset: int, size: int, kind: Kind) -> tuple[str, Fault] | None:
        """The rule that an access through segment register `number` breaks, and its fault; None if it is allowed."""
        if not self.valid:
            return "the segment register is not null", _fault_through(number)
        if kind is Kind.WRITE and not self.writable:
            return "the segment is writable", general_protection(0)
        if kind is Kind.READ and not self.readable:
            return "the segment is readable", general_protection(0)
        if not self.contains(offset, size):
            return "the offset is within the limit", _fault_through(number)
        return None


def _fault_through(number: int) -> Fault:
    """What an access through this segment register raises."""
    return stack_fault(0) if number == SS else general_protection(0)


NULL_SEGMENT: Final = Segment(0)


@dataclass(frozen=True, slots=True)
class SystemSegment:
    """LDTR or TR: selector and hidden part. `valid` is False after loading a null selector."""

    selector: int = 0
    base: int = 0
    limit: int = 0
    type: int = 0
    valid: bool = False


@dataclass(frozen=True, slots=True)
class TableRegister:
    """GDTR or IDTR: linear base, and limit (the last byte's offset)."""

    base: int = 0
    limit: int = 0xFFFF


def is_null(selector: int) -> bool:
    """Index 0 of the GDT, whatever the RPL."""
    return not selector & 0xFFFC


def descriptor_address(cpu: Cpu, selector: int) -> int | None:
    """The linear address of a selector's descriptor; None if it lies beyond the table or there is no LDT."""
    if selector & 4:
        if not cpu.ldtr.valid:
            return None
        base, limit = cpu.ldtr.base, cpu.ldtr.limit
    else:
        base, limit = cpu.gdtr.base, cpu.gdtr.limit
    return base + (selector & 0xFFF8) & 0xFFFFFFFF if selector | 7 <= limit else None


def read_descriptor(cpu: Cpu, selector: int, fault: Fault) -> Descriptor:
    """Read a selector's descriptor from its table; `fault` is raised if it lies beyond the table's limit."""
    address = descriptor_address(cpu, selector)
    limit = (cpu.ldtr.limit if cpu.ldtr.valid else 0) if selector & 4 else cpu.gdtr.limit
    cpu.require("the selector lies inside its table", address is not None, fault, selector=selector, limit=limit)
    assert address is not None
    low = cpu.read_linear(address, 4, False, Reason.TABLE)
    return Descriptor(low | cpu.read_linear(address + 4 & 0xFFFFFFFF, 4, False, Reason.TABLE) << 32)


def mark_accessed(cpu: Cpu, selector: int, descriptor: Descriptor) -> Descriptor:
    """Set the descriptor's A bit in its table, as loading it does; the descriptor with the bit set."""
    if descriptor.system or descriptor.accessed:
        return descriptor
    address = descriptor_address(cpu, selector)
    assert address is not None
    cpu.write_linear(address + 5 & 0xFFFFFFFF, 1, descriptor.raw >> 40 & 0xFF | 1, False, Reason.TABLE)
    return Descriptor(descriptor.raw | 1 << 40)


def stack_segment(
    cpu: Cpu, selector: int, cpl: int, bad: Callable[[int], Fault] = general_protection, ext: int = 0
) -> Segment:
    """Check a selector for SS at `cpl` and give what to load. `bad` is #TS where the TSS names the stack."""
    error = (selector & 0xFFFC) | ext
    cpu.require("SS is not null", not is_null(selector), bad(ext), SS=selector)
    descriptor = read_descriptor(cpu, selector, bad(error))
    cpu.require("SS.RPL = CPL", selector & 3 == cpl, bad(error), RPL=selector & 3, CPL=cpl)
    cpu.require("SS is a writable data segment", descriptor.writable, bad(error), type=descriptor.type)
    cpu.require("SS.DPL = CPL", descriptor.dpl == cpl, bad(error), DPL=descriptor.dpl, CPL=cpl)
    cpu.require("SS is present", descriptor.present, stack_fault(error), P=int(descriptor.present))
    return Segment.of(selector, mark_accessed(cpu, selector, descriptor))


def data_segment(cpu: Cpu, name: str, selector: int) -> Segment:
    """Check a selector for DS, ES, FS or GS and give what to load (SDM vol. 3, 5.6)."""
    if is_null(selector):
        return Segment(selector)
    fault = general_protection(selector & 0xFFFC)
    descriptor = read_descriptor(cpu, selector, fault)
    cpu.require(f"{name} is data or readable code", descriptor.readable, fault, type=descriptor.type)
    if not descriptor.conforming:
        cpu.require(f"{name}.DPL >= CPL", descriptor.dpl >= cpu.cpl, fault, DPL=descriptor.dpl, CPL=cpu.cpl)
        cpu.require(f"{name}.DPL >= RPL", descriptor.dpl >= selector & 3, fault, DPL=descriptor.dpl, RPL=selector & 3)
    cpu.require(f"{name} is present", descriptor.present, not_present(selector & 0xFFFC), P=int(descriptor.present))
    return Segment.of(selector, mark_accessed(cpu, selector, descriptor))


def load_segment(cpu: Cpu, number: int, selector: int) -> None:
    """Load ES, SS, DS, FS or GS as MOV and POP do; CS is loaded by transfers only."""
    assert number != CS
    if number == SS:
        cpu.set_segment(SS, stack_segment(cpu, selector, cpu.cpl))
    else:
        cpu.set_segment(number, data_segment(cpu, SEGMENT_NAMES[number].upper(), selector))
