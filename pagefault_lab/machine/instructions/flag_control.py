"""Flags one by one: CLC STC CMC CLD STD CLI STI LAHF SAHF SALC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.faults import general_protection
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import AF, CF, DF, EAX, IF, PF, SF, ZF

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


@instruction(("clc", "F8"))
def clc(cpu: Cpu) -> None:
    """Clear the carry flag.

    cf=1 | clc = f8 | cf=0
    """
    cpu.set_flags(CF, 0)


@instruction(("stc", "F9"))
def stc(cpu: Cpu) -> None:
    """Set the carry flag.

    cf=0 | stc = f9 | cf=1
    """
    cpu.set_flags(CF, CF)


@instruction(("cmc", "F5"))
def cmc(cpu: Cpu) -> None:
    """Flip the carry flag.

    cf=0 | cmc = f5 | cf=1
    """
    cpu.set_flags(CF, ~cpu.eflags)


@instruction(("cld", "FC"))
def cld(cpu: Cpu) -> None:
    """Clear the direction flag: strings go upwards, as C code expects it.

    df=1 | cld = fc | df=0
    """
    cpu.set_flags(DF, 0)


@instruction(("std", "FD"))
def std(cpu: Cpu) -> None:
    """Set the direction flag: strings go downwards.

    df=0 | std = fd | df=1
    """
    cpu.set_flags(DF, DF)


@instruction(("cli", "FA"), transfers=True)
def cli(cpu: Cpu) -> None:
    """Clear the interrupt flag: external interrupts wait. It takes CPL <= IOPL.

    if=1              | cli = fa | if=0
    cpl=3 iopl=0 if=1 | cli = fa | #GP(0)
    """
    cpu.require("CPL <= IOPL", cpu.cpl <= cpu.iopl, general_protection(0), CPL=cpu.cpl, IOPL=cpu.iopl)
    cpu.set_flags(IF, 0)


@instruction(("sti", "FB"), transfers=True)
def sti(cpu: Cpu) -> None:
    """Set the interrupt flag: external interrupts are taken, from after the next instruction on. It takes CPL <= IOPL.

    if=0              | sti = fb | if=1
    cpl=3 iopl=2 if=0 | sti = fb | #GP(0)
    """
    cpu.require("CPL <= IOPL", cpu.cpl <= cpu.iopl, general_protection(0), CPL=cpu.cpl, IOPL=cpu.iopl)
    if not cpu.eflags & IF:
        cpu.shadow = 1
    cpu.set_flags(IF, IF)


@instruction(("lahf", "9F"))
def lahf(cpu: Cpu) -> None:
    """Load AH with the low byte of EFLAGS: SF ZF AF PF CF, and the bit that is always 1.

    cf=1 zf=1 | lahf = 9f | eax=0x4300
    """
    cpu.registers[EAX] = cpu.registers[EAX] & 0xFFFF00FF | (cpu.eflags & 0xFF) << 8


@instruction(("sahf", "9E"))
def sahf(cpu: Cpu) -> None:
    """Store AH into SF ZF AF PF CF.

    eax=0x4100 | sahf = 9e | cf=1 zf=1
    """
    cpu.set_flags(SF | ZF | AF | PF | CF, cpu.registers[EAX] >> 8)


@instruction(("salc", "D6"))
def salc(cpu: Cpu) -> None:
    """Set AL to 0xff if CF=1, else to 0. Undocumented, and unknown to GNU as.

    cf=1 | .byte 0xd6 = d6 | eax=0xff
    """
    cpu.registers[EAX] = cpu.registers[EAX] & 0xFFFFFF00 | (0xFF if cpu.eflags & CF else 0)
