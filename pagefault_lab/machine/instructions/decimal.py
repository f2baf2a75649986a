"""Decimal arithmetic, one or two digits in a byte: DAA DAS AAA AAS AAM AAD (SDM vol. 1, 7.3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pagefault_lab.machine.faults import DIVIDE_ERROR
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.operands import Immediate
from pagefault_lab.machine.registers import AF, CF, EAX

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu

TEN: Final = Immediate(10, 1, 0)  # the base when none is written; its byte is encoded all the same


@instruction(("daa", "27"))
def daa(cpu: Cpu) -> None:
    """Make AL two decimal digits again after an addition of such.

    eax=0x3c           | daa = 27 | eax=0x42 af=1 cf=0
    eax=0x20 cf=1 af=1 | daa = 27 | eax=0x86 af=1 cf=1
    """
    eax = cpu.registers[EAX]
    al = eax & 0xFF
    before = cpu.eflags
    low = 6 if al & 0xF > 9 or before & AF else 0
    high = 0x60 if al > 0x99 or before & CF else 0
    result = al + low + high & 0xFF
    cpu.registers[EAX] = eax & 0xFFFFFF00 | result
    cpu.flags_logic(result, 1)
    cpu.set_flags(AF | CF, (AF if low else 0) | (CF if high else 0))


@instruction(("das", "2F"))
def das(cpu: Cpu) -> None:
    """Make AL two decimal digits again after a subtraction of such.

    eax=0x2d af=1      | das = 2f | eax=0x27 af=1 cf=0
    eax=0xff cf=1 af=1 | das = 2f | eax=0x99 af=1 cf=1
    """
    eax = cpu.registers[EAX]
    al = eax & 0xFF
    before = cpu.eflags
    low = 6 if al & 0xF > 9 or before & AF else 0
    high = 0x60 if al > 0x99 or before & CF else 0
    result = al - low - high & 0xFF
    cpu.registers[EAX] = eax & 0xFFFFFF00 | result
    cpu.flags_logic(result, 1)
    cpu.set_flags(AF | CF, (AF if low else 0) | (CF if high or al < low else 0))


@instruction(("aaa", "37"))
def aaa(cpu: Cpu) -> None:
    """Make AL one decimal digit again after an addition of such, and carry into AH.

    eax=0x010c | aaa = 37 | eax=0x0202 af=1 cf=1
    eax=0x0109 | aaa = 37 | eax=0x0109 af=0 cf=0
    """
    eax = cpu.registers[EAX]
    carries = eax & 0xF > 9 or bool(cpu.eflags & AF)
    adjusted = eax + 0x106 if carries else eax
    cpu.registers[EAX] = eax & 0xFFFF0000 | adjusted & 0xFF0F
    cpu.set_flags(AF | CF, AF | CF if carries else 0)


@instruction(("aas", "3F"))
def aas(cpu: Cpu) -> None:
    """Make AL one decimal digit again after a subtraction of such, and borrow from AH.

    eax=0x02fd af=1 | aas = 3f | eax=0x0107 af=1 cf=1
    """
    eax = cpu.registers[EAX]
    borrows = eax & 0xF > 9 or bool(cpu.eflags & AF)
    adjusted = eax - 0x106 if borrows else eax
    cpu.registers[EAX] = eax & 0xFFFF0000 | adjusted & 0xFF0F
    cpu.set_flags(AF | CF, AF | CF if borrows else 0)


@instruction(("aam uimm8", "D4 ib"), ("aam", "D4 0A"))
def aam(cpu: Cpu, base: Immediate = TEN) -> None:
    """Split AL into two digits: AH = AL / base, AL = the rest. The base is 10 unless it is given.

    eax=42 | aam = d40a    | eax=0x0402
    eax=42 | aam $0 = d400 | #DE
    """
    divisor = base.read(cpu)
    cpu.require("the base is not 0", divisor != 0, DIVIDE_ERROR, base=divisor)
    eax = cpu.registers[EAX]
    al = eax & 0xFF
    cpu.registers[EAX] = eax & 0xFFFF0000 | al // divisor << 8 | al % divisor
    cpu.flags_logic(al % divisor, 1)


@instruction(("aad uimm8", "D5 ib"), ("aad", "D5 0A"))
def aad(cpu: Cpu, base: Immediate = TEN) -> None:
    """Join two digits: AL = AH * base + AL, AH = 0. The base is 10 unless it is given.

    eax=0x0402 | aad = d50a | eax=42
    """
    eax = cpu.registers[EAX]
    al = (eax >> 8 & 0xFF) * base.read(cpu) + eax & 0xFF
    cpu.registers[EAX] = eax & 0xFFFF0000 | al
    cpu.flags_logic(al, 1)
