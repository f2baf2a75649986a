"""Registers of the system: descriptor-table registers, control, debug and test registers, caches and the TLB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.faults import NotSimulated, general_protection
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.registers import CD, CR0_NAMES, CR4_NAMES, EM, MASK, MP, NW, PE, PG, TS
from pagefault_lab.machine.segmentation import TableRegister

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import (
        ControlRegister,
        DebugRegister,
        Memory,
        Register,
        Register32,
        TestRegister,
    )

CR0_BITS = sum(CR0_NAMES)  # the others are reserved: written to no effect
CR4_BITS = sum(CR4_NAMES)
MSW_BITS = PE | MP | EM | TS
DR6_ONES, DR6_BITS = 0xFFFF0FF0, 0xF00F  # BT BS BD, a bit of no meaning, B3 to B0
DR7_ONES = 0x400


# --- GDTR and IDTR


def loaded_table(cpu: Cpu, operand_size: int, source: Memory) -> TableRegister:
    """The limit and base that LGDT and LIDT read; with a 16-bit operand size the base has 24 bits."""
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    limit = source.read_at(cpu, 0, 2)
    base = source.read_at(cpu, 2, 4)
    return TableRegister(base if operand_size == 4 else base & 0xFFFFFF, limit)


def store_table(cpu: Cpu, operand_size: int, register: TableRegister, destination: Memory) -> None:
    """Store limit and base as SGDT and SIDT do: six bytes, judged before one is written."""
    segment = destination.segment
    at = destination.offset(cpu)
    behind = at + 2 & MASK[destination.address_size]
    cpu.read_for_write(segment, at, 2)
    cpu.read_for_write(segment, behind, 4)
    cpu.write(segment, at, 2, register.limit)
    cpu.write(segment, behind, 4, register.base if operand_size == 4 else register.base & 0xFFFFFF)


@instruction(
    ("lgdtL m", "O32 0F 01 /2"), ("lgdt m", "O32 0F 01 /2"), ("lgdtW m", "O16 0F 01 /2"), transfers=True,
)  # fmt: skip
def lgdt(cpu: Cpu, operand_size: int, source: Memory) -> None:
    """Load GDTR from six bytes in memory: limit, then base. Privileged. Segment registers keep what they hold.

    [0x2000]=0x1000007f [0x2004]=2 | lgdtl 0x2000 = 0f011500200000 | gdtr.base=0x21000 gdtr.limit=0x7f
    """
    cpu.gdtr = loaded_table(cpu, operand_size, source)
    cpu.notice(What.GDT, cpu.gdtr.base, cpu.gdtr.limit)


@instruction(
    ("lidtL m", "O32 0F 01 /3"), ("lidt m", "O32 0F 01 /3"), ("lidtW m", "O16 0F 01 /3"), transfers=True,
)  # fmt: skip
def lidt(cpu: Cpu, operand_size: int, source: Memory) -> None:
    """Load IDTR from six bytes in memory: limit, then base. Privileged.

    [0x2000]=0x100007ff [0x2004]=0xab000002 | lidtl 0x2000 = 0f011d00200000   | idtr.base=0x21000 idtr.limit=0x7ff
    [0x2000]=0x100007ff [0x2004]=0xab12 | lidtw 0x2000 = 660f011d00200000 | idtr.base=0x121000 idtr.limit=0x7ff
    """
    cpu.idtr = loaded_table(cpu, operand_size, source)
    cpu.notice(What.IDT, cpu.idtr.base, cpu.idtr.limit)


@instruction(("sgdtL m", "O32 0F 01 /0"), ("sgdt m", "O32 0F 01 /0"), ("sgdtW m", "O16 0F 01 /0"))
def sgdt(cpu: Cpu, operand_size: int, destination: Memory) -> None:
    """Store GDTR as six bytes: limit, then base. Anybody may.

    gdtr.base=0x12345678 gdtr.limit=0x7f | sgdtl 0x2000 = 0f010500200000   | [0x2000]=0x5678007f w[0x2004]=0x1234
    gdtr.base=0x12345678 gdtr.limit=0x7f | sgdtw 0x2000 = 660f010500200000 | [0x2000]=0x5678007f w[0x2004]=0x34
    """
    store_table(cpu, operand_size, cpu.gdtr, destination)


@instruction(("sidtL m", "O32 0F 01 /1"), ("sidt m", "O32 0F 01 /1"), ("sidtW m", "O16 0F 01 /1"))
def sidt(cpu: Cpu, operand_size: int, destination: Memory) -> None:
    """Store IDTR as six bytes: limit, then base. Anybody may.

    idtr.base=0x12345678 idtr.limit=0x7ff | sidtl 0x2000 = 0f010d00200000 | [0x2000]=0x567807ff w[0x2004]=0x1234
    """
    store_table(cpu, operand_size, cpu.idtr, destination)


# --- control registers


def change_cr0(cpu: Cpu, value: int) -> None:
    """Judge and write CR0."""
    cpu.require("PG=1 needs PE=1", bool(value & PE) or not value & PG, general_protection(0), CR0=value)
    cpu.require("NW=1 needs CD=1", bool(value & CD) or not value & NW, general_protection(0), CR0=value)
    if not value & PE:
        raise NotSimulated("real mode (CR0.PE=0)")
    cpu.write_cr0(value & CR0_BITS)


@instruction(("movL creg, rm32", "0F 20 /r R"))
def mov_from_control(cpu: Cpu, source: ControlRegister, destination: Register32) -> None:
    """Copy CR0, CR2, CR3 or CR4 to a register. Privileged.

    cr2=0x1234       | movl %cr2,%eax = 0f20d0   | eax=0x1234
    cpl=3            | movl %cr0,%eax = 0f20c0   | #GP(0)
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    number = source.number
    if number == 0:
        value = cpu.cr0
    elif number == 2:
        value = cpu.cr2
    elif number == 3:
        value = cpu.cr3
    else:
        value = cpu.cr4
    destination.write(cpu, value)


@instruction(("movL rm32, creg", "0F 22 /r R"), transfers=True)
def mov_to_control(cpu: Cpu, source: Register32, destination: ControlRegister) -> None:
    """Load CR0, CR2, CR3 or CR4. Privileged. CR3 drops every translation from the TLB but the global ones.

    eax=0x1234                   | movl %eax,%cr2 = 0f22d0   | cr2=0x1234
    eax=0x5fff                   | movl %eax,%cr3 = 0f22d8   | cr3=0x5fff
    eax=0x80000000               | movl %eax,%cr0 = 0f22c0   | #GP(0)
    eax=0x20000001               | movl %eax,%cr0 = 0f22c0   | #GP(0)
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    number = destination.number
    value = source.read(cpu)
    if number == 0:
        change_cr0(cpu, value)
    elif number == 2:
        cpu.cr2 = value
    elif number == 3:
        cpu.write_cr3(value)  # bits that mean nothing stay too
    else:
        cpu.require("reserved bits of CR4 are 0", not value & ~CR4_BITS, general_protection(0), CR4=value)
        cpu.write_cr4(value)


@instruction(("lmsw rm16", "0F 01 /6"), ("lmswW rm16", "0F 01 /6"), transfers=True)
def lmsw(cpu: Cpu, source: Register | Memory) -> None:
    """Load PE, MP, EM and TS of CR0; PE cannot be cleared. Privileged.

    eax=0xe cr0=0x11  | lmsw %ax = 0f01f0 | cr0=0x1f
    eax=0 cr0=0x1f    | lmsw %ax = 0f01f0 | cr0=0x11
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    value = source.read(cpu) & MSW_BITS
    change_cr0(cpu, cpu.cr0 & ~(MP | EM | TS) | value)


@instruction(
    ("smswL rm32", "O32 0F 01 /4 R"),
    ("smswW rm16", "O16 0F 01 /4 R"),
    ("smsw m16", "0F 01 /4"),
    ("smswW m16", "0F 01 /4"),
)
def smsw(cpu: Cpu, destination: Register | Memory) -> None:
    """Store the low half of CR0; to a 32-bit register all of it. Anybody may.

    cr0=0x11 eax=0     | smswl %eax = 0f01e0      | eax=0x11
    cr0=0x11 eax=-1    | smsww %ax = 660f01e0     | eax=0xffff0011
    """
    destination.write(cpu, cpu.cr0 & MASK[destination.size])


@instruction(("clts", "0F 06"), transfers=True)
def clts(cpu: Cpu) -> None:
    """Clear CR0.TS. Privileged.

    cr0=0x19 | clts = 0f06 | cr0=0x11
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    cpu.write_cr0(cpu.cr0 & ~TS)


# --- debug and test registers


@instruction(("movL dreg, rm32", "0F 21 /r R"))
def mov_from_debug(cpu: Cpu, source: DebugRegister, destination: Register32) -> None:
    """Copy a debug register; DR4 and DR5 are other names of DR6 and DR7. Privileged.

    dr3=0x1234 | movl %dr3,%eax = 0f21d8 | eax=0x1234
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    number = source.number
    if number in (4, 5):
        number += 2
    destination.write(cpu, cpu.debug[number])


@instruction(("movL rm32, dreg", "0F 23 /r R"))
def mov_to_debug(cpu: Cpu, source: Register32, destination: DebugRegister) -> None:
    """Load a debug register; some reserved bits of DR6 and DR7 are always 1. Privileged.

    eax=0x1234 | movl %eax,%dr0 = 0f23c0 | dr0=0x1234
    eax=0      | movl %eax,%dr7 = 0f23f8 | dr7=0x400
    eax=-1     | movl %eax,%dr6 = 0f23f0 | dr6=0xffffffff
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    number = destination.number
    if number in (4, 5):
        number += 2
    value = source.read(cpu)
    if number == 6:
        value = value & DR6_BITS | DR6_ONES
    elif number == 7:
        value |= DR7_ONES
    cpu.debug[number] = value


@instruction(("movL treg, rm32", "0F 24 /r R"))
def mov_from_test(cpu: Cpu, source: TestRegister, destination: Register32) -> None:
    """Copy a test register of the cache (TR3 to TR5) or the TLB (TR6, TR7). Privileged. Nothing is behind them here.

    eax=5 | movl %tr6,%eax = 0f24f0 | eax=0
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    destination.write(cpu, cpu.test[source.number])


@instruction(("movL rm32, treg", "0F 26 /r R"))
def mov_to_test(cpu: Cpu, source: Register32, destination: TestRegister) -> None:
    """Load a test register. Privileged.

    eax=5 | movl %eax,%tr6 = 0f26f0 | tr6=5
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    cpu.test[destination.number] = source.read(cpu)


# --- the TLB and the caches


@instruction(("invlpg m", "0F 01 /7"), transfers=True)
def invlpg(cpu: Cpu, place: Memory) -> None:
    """Drop the translation of one page from the TLB. Privileged. The address is not judged.

    eax=0x1000 | invlpg (%eax) = 0f0138 | eax=0x1000
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    cpu.invalidate(cpu.segments[place.segment].base + place.offset(cpu) & 0xFFFFFFFF)


@instruction(("invd", "0F 08"))
def invd(cpu: Cpu) -> None:
    """Drop the caches without writing them back; there is none here. Privileged.

    eax=5 | invd = 0f08 | eax=5
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)


@instruction(("wbinvd", "0F 09"))
def wbinvd(cpu: Cpu) -> None:
    """Write the caches back and drop them; there is none here. Privileged.

    eax=5 | wbinvd = 0f09 | eax=5
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
