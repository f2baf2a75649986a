"""Segment registers, the descriptors behind them, and what a program may ask of a selector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.events import Reason
from pagefault_lab.machine.faults import INVALID_OPCODE, general_protection, not_present
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.registers import CS, DS, ES, FS, GS, SS, ZF
from pagefault_lab.machine.segmentation import (
    CALL_GATE16,
    CALL_GATE32,
    LDT,
    TASK_GATE,
    TSS16,
    TSS16_BUSY,
    TSS32,
    TSS32_BUSY,
    Descriptor,
    SystemSegment,
    descriptor_address,
    is_null,
    read_descriptor,
)

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Memory, Register, SegmentRegister

SHADOW_OF_SS = 2  # cpu.shadow: neither an interrupt nor a trap comes between a load of SS and the next instruction


@instruction(
    ("movL sreg, rm32", "O32 8C /r R"),
    ("movW sreg, rm16", "O16 8C /r R"),
    ("movW sreg, m16", "8C /r"),
)
def mov_from_segment(cpu: Cpu, source: SegmentRegister, destination: Register | Memory) -> None:
    """Copy a segment register's selector: 16 bits to memory, zero-extended to a 32-bit register.

    eax=0xffffffff ds=0x10     | movl %ds,%eax = 8cd8        | eax=0x10
    [0x2000]=0xffffffff ds=0x10 | movw %ds,0x2000 = 8c1d00200000 | [0x2000]=0xffff0010
    """
    destination.write(cpu, source.read(cpu))


@instruction(
    ("movL rm32, sreg", "8E /r R"),
    ("movW rm16, sreg", "8E /r R"),
    ("movW m16, sreg", "8E /r"),
    transfers=True,
)
def mov_to_segment(cpu: Cpu, source: Register | Memory, destination: SegmentRegister) -> None:
    """Load ES, SS, DS, FS or GS and what its selector's descriptor says; after SS no interrupt before the next one.

    eax=0      | movl %eax,%es = 8ec0 | es=0
    eax=0      | movl %eax,%ss = 8ed0 | #GP(0)
    eax=0xfff8 | movl %eax,%es = 8ec0 | #GP(0xfff8)
    """
    number = destination.number
    cpu.require("the register loaded is not CS", number != CS, INVALID_OPCODE)
    cpu.load_segment(number, source.read(cpu) & 0xFFFF)
    if number == SS:
        cpu.shadow = SHADOW_OF_SS


@instruction(("ldsV mfar, rV", "C5 /r"), transfers=True)
def lds(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load DS and a register from a far pointer in memory: the offset, then the selector.

    [0x2000]=5 [0x2004]=0 | ldsl 0x2000,%ebx = c51d00200000 | ds=0 ebx=5
    """
    selector, offset = source.read_far(cpu)
    cpu.load_segment(DS, selector)
    destination.write(cpu, offset)


@instruction(("lesV mfar, rV", "C4 /r"), transfers=True)
def les(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load ES and a register from a far pointer in memory.

    [0x2000]=5 [0x2004]=0 | lesl 0x2000,%ebx = c41d00200000 | es=0 ebx=5
    ebx=0x70000 [0x2000]=5 | lesw 0x2000,%bx = 66c41d00200000 | es=0 ebx=0x70005
    """
    selector, offset = source.read_far(cpu)
    cpu.load_segment(ES, selector)
    destination.write(cpu, offset)


@instruction(("lssV mfar, rV", "0F B2 /r"), transfers=True)
def lss(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load SS and a register, by custom ESP, from a far pointer in memory.

    [0x2000]=5 [0x2004]=0 | lssl 0x2000,%esp = 0fb22500200000 | #GP(0)
    """
    selector, offset = source.read_far(cpu)
    cpu.load_segment(SS, selector)
    destination.write(cpu, offset)


@instruction(("lfsV mfar, rV", "0F B4 /r"), transfers=True)
def lfs(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load FS and a register from a far pointer in memory.

    [0x2000]=5 [0x2004]=3 | lfsl 0x2000,%ebx = 0fb41d00200000 | fs=3 ebx=5
    """
    selector, offset = source.read_far(cpu)
    cpu.load_segment(FS, selector)
    destination.write(cpu, offset)


@instruction(("lgsV mfar, rV", "0F B5 /r"), transfers=True)
def lgs(cpu: Cpu, source: Memory, destination: Register) -> None:
    """Load GS and a register from a far pointer in memory.

    [0x2000]=5 [0x2004]=3 | lgsl 0x2000,%ebx = 0fb51d00200000 | gs=3 ebx=5
    """
    selector, offset = source.read_far(cpu)
    cpu.load_segment(GS, selector)
    destination.write(cpu, offset)


# --- asking about a selector: ZF tells whether it may be used, nothing faults

_LSL_TYPES = (TSS16, LDT, TSS16_BUSY, TSS32, TSS32_BUSY)
_LAR_TYPES = (*_LSL_TYPES, CALL_GATE16, TASK_GATE, CALL_GATE32)


def visible_descriptor(cpu: Cpu, selector: int, system_types: tuple[int, ...]) -> Descriptor | None:
    """The selector's descriptor if this program may know it: in its table, of a known type, DPL >= CPL and RPL."""
    if is_null(selector):
        return None
    address = descriptor_address(cpu, selector)
    if address is None:
        return None
    low = cpu.read_linear(address, 4, False, Reason.TABLE)
    descriptor = Descriptor(low | cpu.read_linear(address + 4 & 0xFFFFFFFF, 4, False, Reason.TABLE) << 32)
    if descriptor.system and descriptor.type not in system_types:
        return None
    if not descriptor.conforming and descriptor.dpl < max(cpu.cpl, selector & 3):
        return None
    return descriptor


@instruction(
    ("larV rmV, rV", "0F 02 /r R"),
    ("larV m16, rV", "0F 02 /r"),
    ("larL rm16, r32", "O32 0F 02 /r R"),
)
def lar(cpu: Cpu, operand_size: int, source: Register | Memory, destination: Register) -> None:
    """Load a descriptor's access rights (its high dword but for base and limit) and set ZF, if it is visible.

    eax=0 ebx=7 zf=1 | larl %eax,%ebx = 0f02d8 | ebx=7 zf=0
    """
    descriptor = visible_descriptor(cpu, source.read(cpu) & 0xFFFF, _LAR_TYPES)
    if descriptor is not None:
        rights = descriptor.raw >> 32 & (0x00FFFF00 if operand_size == 4 else 0xFF00)
        destination.write(cpu, rights)
    cpu.set_flags(ZF, ZF if descriptor is not None else 0)


@instruction(
    ("lslV rmV, rV", "0F 03 /r R"),
    ("lslV m16, rV", "0F 03 /r"),
    ("lslL rm16, r32", "O32 0F 03 /r R"),
)
def lsl(cpu: Cpu, operand_size: int, source: Register | Memory, destination: Register) -> None:
    """Load a segment's limit, in bytes, and set ZF, if it is visible.

    eax=0 ebx=7 zf=1 | lsll %eax,%ebx = 0f03d8 | ebx=7 zf=0
    """
    descriptor = visible_descriptor(cpu, source.read(cpu) & 0xFFFF, _LSL_TYPES)
    if descriptor is not None:
        destination.write(cpu, descriptor.limit & (0xFFFFFFFF if operand_size == 4 else 0xFFFF))
    cpu.set_flags(ZF, ZF if descriptor is not None else 0)


@instruction(("verr rm16", "0F 00 /4"), ("verrW rm16", "0F 00 /4"))
def verr(cpu: Cpu, source: Register | Memory) -> None:
    """Set ZF if the selector's segment can be read from this privilege level.

    eax=0 zf=1 | verr %ax = 0f00e0 | zf=0
    """
    descriptor = visible_descriptor(cpu, source.read(cpu), ())
    cpu.set_flags(ZF, ZF if descriptor is not None and descriptor.readable else 0)


@instruction(("verw rm16", "0F 00 /5"), ("verwW rm16", "0F 00 /5"))
def verw(cpu: Cpu, source: Register | Memory) -> None:
    """Set ZF if the selector's segment can be written from this privilege level.

    eax=0 zf=1 | verw %ax = 0f00e8 | zf=0
    """
    descriptor = visible_descriptor(cpu, source.read(cpu), ())
    cpu.set_flags(ZF, ZF if descriptor is not None and descriptor.writable else 0)


@instruction(("arpl r16, rm16", "63 /r"), ("arplW r16, rm16", "63 /r"))
def arpl(cpu: Cpu, caller: Register, selector: Register | Memory) -> None:
    """Raise the destination's RPL to the source's and set ZF; clear ZF if it was high enough.

    eax=3 ebx=0x10   | arpl %ax,%bx = 63c3    | ebx=0x13 zf=1
    eax=1 ebx=0x13   | arpl %ax,%bx = 63c3    | ebx=0x13 zf=0
    """
    old = selector.read_for_write(cpu)
    rpl = caller.read(cpu) & 3
    if old & 3 < rpl:
        selector.write(cpu, old & 0xFFFC | rpl)
        cpu.set_flags(ZF, ZF)
    else:
        cpu.set_flags(ZF, 0)


# --- LDTR and TR


@instruction(("lldt rm16", "0F 00 /2"), ("lldtW rm16", "0F 00 /2"), transfers=True)
def lldt(cpu: Cpu, source: Register | Memory) -> None:
    """Load LDTR; a null selector means that there is no LDT. Privileged.

    eax=0      | lldt %ax = 0f00d0 | eax=0
    eax=0xfff8 | lldt %ax = 0f00d0 | #GP(0xfff8)
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    selector = source.read(cpu)
    if is_null(selector):
        cpu.ldtr = SystemSegment(selector)
        cpu.notice(What.LDT, selector)
        return
    bad = general_protection(selector & 0xFFFC)
    cpu.require("the selector is of the GDT", not selector & 4, bad, selector=selector)
    descriptor = read_descriptor(cpu, selector, bad)
    cpu.require("it is an LDT", descriptor.system and descriptor.type == LDT, bad, type=descriptor.type)
    cpu.require("the LDT is present", descriptor.present, not_present(selector & 0xFFFC), P=int(descriptor.present))
    cpu.ldtr = SystemSegment(selector, descriptor.base, descriptor.limit, LDT, True)
    cpu.notice(What.LDT, selector)


@instruction(("ltr rm16", "0F 00 /3"), ("ltrW rm16", "0F 00 /3"), transfers=True)
def ltr(cpu: Cpu, source: Register | Memory) -> None:
    """Load TR from an available TSS and mark it busy. Privileged. No task switch is made, and no limit is checked.

    eax=0      | ltr %ax = 0f00d8 | #GP(0)
    eax=0xfff8 | ltr %ax = 0f00d8 | #GP(0xfff8)
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    selector = source.read(cpu)
    cpu.require("the selector is not null", not is_null(selector), general_protection(0), selector=selector)
    bad = general_protection(selector & 0xFFFC)
    cpu.require("the selector is of the GDT", not selector & 4, bad, selector=selector)
    descriptor = read_descriptor(cpu, selector, bad)
    cpu.require("it is an available TSS", descriptor.is_tss(busy=False), bad, type=descriptor.type)
    cpu.require("the TSS is present", descriptor.present, not_present(selector & 0xFFFC), P=int(descriptor.present))
    busy = descriptor.type | 2
    address = cpu.gdtr.base + (selector & 0xFFF8) + 5 & 0xFFFFFFFF
    cpu.write_linear(address, 1, descriptor.raw >> 40 & 0xFF | 2, False, Reason.TABLE)
    cpu.tr = SystemSegment(selector, descriptor.base, descriptor.limit, busy, True)
    cpu.notice(What.TASK, selector)


@instruction(
    ("sldtL rm32", "O32 0F 00 /0 R"),
    ("sldtW rm16", "O16 0F 00 /0 R"),
    ("sldt m16", "0F 00 /0"),
    ("sldtW m16", "0F 00 /0"),
)
def sldt(cpu: Cpu, destination: Register | Memory) -> None:
    """Store LDTR's selector, zero-extended to a 32-bit register. Anybody may.

    eax=0xffffffff ldtr=0 | sldtl %eax = 0f00c0 | eax=0
    """
    destination.write(cpu, cpu.ldtr.selector)


@instruction(
    ("strL rm32", "O32 0F 00 /1 R"),
    ("strW rm16", "O16 0F 00 /1 R"),
    ("str m16", "0F 00 /1"),
    ("strW m16", "0F 00 /1"),
)
def str_(cpu: Cpu, destination: Register | Memory) -> None:
    """Store TR's selector, zero-extended to a 32-bit register. Anybody may.

    eax=0xffffffff tr=0 | strl %eax = 0f00c8 | eax=0
    """
    destination.write(cpu, cpu.tr.selector)
