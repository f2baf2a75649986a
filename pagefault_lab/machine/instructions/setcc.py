"""SETcc: conditions as numbers (SDM vol. 2, SETcc; the conditions are those of Jcc)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.instructions import instruction

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Memory, Register


def set_rows(opcode: int, *names: str) -> tuple[tuple[str, str], ...]:
    """The rows of one condition with all its names; the processor ignores ModRM.reg."""
    return (
        *((f"set{name} rm8", f"0F {opcode:02X} /0") for name in names),
        (f"set{names[0]} rm8", f"0F {opcode:02X} /r"),
    )


@instruction(*set_rows(0x90, "o"))
def seto(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if overflow (OF=1), else to 0.

    of=1 | seto %al = 0f90c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x0)))


@instruction(*set_rows(0x91, "no"))
def setno(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if no overflow (OF=0), else to 0.

    eax=2 | setno %al = 0f91c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x1)))


@instruction(*set_rows(0x92, "b", "nae", "c"))
def setb(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if below, unsigned: a carry (CF=1), else to 0.

    cf=1 | setb %al = 0f92c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x2)))


@instruction(*set_rows(0x93, "ae", "nb", "nc"))
def setae(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if above or equal, unsigned: no carry (CF=0), else to 0.

    eax=2 | setae %al = 0f93c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x3)))


@instruction(*set_rows(0x94, "e", "z"))
def sete(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if equal: zero (ZF=1), else to 0.

    zf=1 | sete %al = 0f94c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x4)))


@instruction(*set_rows(0x95, "ne", "nz"))
def setne(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if not equal: not zero (ZF=0), else to 0.

    eax=2 | setne %al = 0f95c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x5)))


@instruction(*set_rows(0x96, "be", "na"))
def setbe(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if below or equal, unsigned (CF=1 or ZF=1), else to 0.

    zf=1 | setbe %al = 0f96c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x6)))


@instruction(*set_rows(0x97, "a", "nbe"))
def seta(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if above, unsigned (CF=0 and ZF=0), else to 0.

    eax=2 | seta %al = 0f97c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x7)))


@instruction(*set_rows(0x98, "s"))
def sets(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if negative (SF=1), else to 0.

    sf=1 | sets %al = 0f98c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x8)))


@instruction(*set_rows(0x99, "ns"))
def setns(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if not negative (SF=0), else to 0.

    eax=2 | setns %al = 0f99c0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0x9)))


@instruction(*set_rows(0x9A, "p", "pe"))
def setp(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if even parity (PF=1), else to 0.

    pf=1 | setp %al = 0f9ac0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xA)))


@instruction(*set_rows(0x9B, "np", "po"))
def setnp(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if odd parity (PF=0), else to 0.

    eax=2 | setnp %al = 0f9bc0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xB)))


@instruction(*set_rows(0x9C, "l", "nge"))
def setl(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if less, signed (SF is not OF), else to 0.

    sf=1 | setl %al = 0f9cc0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xC)))


@instruction(*set_rows(0x9D, "ge", "nl"))
def setge(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if greater or equal, signed (SF=OF), else to 0.

    sf=1 of=1 | setge %al = 0f9dc0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xD)))


@instruction(*set_rows(0x9E, "le", "ng"))
def setle(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if less or equal, signed (ZF=1 or SF is not OF), else to 0.

    of=1 | setle %al = 0f9ec0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xE)))


@instruction(*set_rows(0x9F, "g", "nle"))
def setg(cpu: Cpu, destination: Register | Memory) -> None:
    """Set the byte to 1 if greater, signed (ZF=0 and SF=OF), else to 0.

    eax=2 | setg %al = 0f9fc0 | eax=1
    """
    destination.write(cpu, int(cpu.condition(0xF)))
