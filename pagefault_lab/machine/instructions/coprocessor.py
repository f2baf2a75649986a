"""The escapes to a floating-point unit, as a processor without one answers them (SDM vol. 3, 2.5: CR0.EM and TS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.faults import DEVICE_NOT_AVAILABLE
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import EM, MP, TS

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Memory, Register


@instruction(("fwait", "9B"), ("wait", "9B"))
def fwait(cpu: Cpu) -> None:
    """Wait for the coprocessor, which is never busy; #NM if CR0.MP and CR0.TS are both set.

    cr0=0x11 | fwait = 9b | cr0=0x11
    cr0=0x1b | fwait = 9b | #NM
    """
    waits = bool(cpu.cr0 & MP and cpu.cr0 & TS)
    cpu.require("CR0.MP=0 or CR0.TS=0", not waits, DEVICE_NOT_AVAILABLE, CR0=cpu.cr0)


@instruction(("fninit", "DB E3"), ("fnclex", "DB E2"))
def escape(cpu: Cpu) -> None:
    """An instruction for the coprocessor: #NM if CR0.EM or CR0.TS is set, else nothing happens, as there is none.

    cr0=0x11 eax=5 | fninit = dbe3      | eax=5
    cr0=0x15       | fninit = dbe3      | #NM
    cr0=0x19       | fninit = dbe3      | #NM
    """
    present = not cpu.cr0 & (EM | TS)
    cpu.require("CR0.EM=0 and CR0.TS=0", present, DEVICE_NOT_AVAILABLE, CR0=cpu.cr0)


@instruction(
    ("fnstsw %ax", "DF E0"), ("fnstcw m16", "D9 /7"), ("fnstsw m16", "DD /7"),
    ("esc rm32", "D8 /r"), ("esc rm32", "D9 /r"), ("esc rm32", "DA /r"), ("esc rm32", "DB /r"),
    ("esc rm32", "DC /r"), ("esc rm32", "DD /r"), ("esc rm32", "DE /r"), ("esc rm32", "DF /r"),
)  # fmt: skip
def esc(cpu: Cpu, operand: Register | Memory) -> None:
    """An instruction for the coprocessor with ModRM: #NM if CR0.EM or CR0.TS is set, else nothing is accessed.

    cr0=0x15                       | fnstcw 0x2000 = d93d00200000 | #NM
    cr0=0x11 eax=5                 | fnstsw %ax = dfe0            | eax=5
    cr0=0x11 [0x2000]=0xffffffff   | fnstsw 0x2000 = dd3d00200000 | [0x2000]=0xffffffff
    """
    present = not cpu.cr0 & (EM | TS)
    cpu.require("CR0.EM=0 and CR0.TS=0", present, DEVICE_NOT_AVAILABLE, CR0=cpu.cr0)
