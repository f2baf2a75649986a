"""A processor as the tests of single instructions want it: flat 32-bit segments, paging off, everything else 0."""

from __future__ import annotations

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.memory import Memory
from pagefault_lab.machine.registers import CS, ET, PE
from pagefault_lab.machine.segmentation import Segment, TableRegister


def flat_segment(selector: int, code: bool = False) -> Segment:
    """All 4 GiB, readable; writable or executable; DPL as the selector's RPL."""
    return Segment(
        selector, 0, 0xFFFFFFFF, readable=True, writable=not code, code=code, big=True, dpl=selector & 3, valid=True
    )


def flat_cpu(memory_size: int = 1 << 20) -> Cpu:
    """At CPL 0, with empty descriptor tables."""
    cpu = Cpu(Memory(memory_size), Ports())
    for number in range(6):
        cpu.set_segment(number, flat_segment(0, code=number == CS))
    cpu.gdtr = cpu.idtr = TableRegister(0, 0)
    cpu.write_cr0(PE | ET)
    return cpu


def decoded(data: bytes) -> Instruction:
    """The 32-bit instruction that the bytes begin with."""
    rest = iter(data)
    return decode(lambda: next(rest), 4)


def execute(cpu: Cpu, instruction: Instruction) -> None:
    """Execute it once as if it had been fetched at EIP; may raise."""
    cpu.start = cpu.eip
    cpu.eip = cpu.eip + instruction.length & 0xFFFFFFFF
    instruction.execute(cpu)
