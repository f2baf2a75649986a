"""The world `bare`: what a boot loader leaves behind, and nothing else.

    0x00001000  typed code at CPL 0, 1 and 2: four pages
    0x00005000  typed code at CPL 3: four pages, for whoever gets there
    0x00009000  all free, up to 32 MiB; ESP starts at 0x00080000

Flat 32-bit segments are loaded (CS 0x08, the others 0x10), but GDTR's limit is 0: there is no table behind them, as a
multiboot loader leaves it. IDTR's limit is 0 too, so the first exception ends in shutdown.
"""

from __future__ import annotations

from typing import Final

from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, ESP, PE
from pagefault_lab.machine.segmentation import Descriptor, Segment, TableRegister
from pagefault_lab.worlds import WORLDS, Region, World

FLAT_CODE: Final = Descriptor(0x00CF9B000000FFFF)
FLAT_DATA: Final = Descriptor(0x00CF93000000FFFF)
CODE_SELECTOR, DATA_SELECTOR = 0x08, 0x10

KERNEL_SCRATCH: Final = Region("typed code", 0x1000, 0x5000)
USER_SCRATCH: Final = Region("typed code", 0x5000, 0x9000)
STACK: Final = 0x80000


def flat_machine() -> Machine:
    """A machine as a multiboot loader hands it over: protected mode, flat segments, paging and interrupts off."""
    machine = Machine()
    cpu = machine.cpu
    cpu.write_cr0(PE)
    cpu.gdtr = cpu.idtr = TableRegister(0, 0)
    for number in range(6):
        selector, descriptor = (CODE_SELECTOR, FLAT_CODE) if number == CS else (DATA_SELECTOR, FLAT_DATA)
        cpu.set_segment(number, Segment.of(selector, descriptor))
    return machine


def boot() -> tuple[Machine, World]:
    machine = flat_machine()
    cpu = machine.cpu
    cpu.registers[ESP] = STACK
    cpu.eip = cpu.start = KERNEL_SCRATCH.start
    world = World("bare", WORLDS["bare"], user_scratch=USER_SCRATCH, kernel_scratch=KERNEL_SCRATCH)
    return machine, world
