"""Who may use a port: IOPL, and the I/O permission bitmap of the TSS (SDM vol. 1, 18.5; vol. 2, IN).

    TSS + 0x66   I/O map base: where in the TSS the bitmap begins
    bitmap       bit n = 0: port n may be used; one byte beyond it must still lie within the limit
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pagefault_lab.machine.events import Reason
from pagefault_lab.machine.faults import general_protection
from pagefault_lab.machine.registers import VM
from pagefault_lab.machine.segmentation import TSS32, TSS32_BUSY
from pagefault_lab.machine.tss import IO_MAP_BASE

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu

SMALLEST_LIMIT: Final = 0x67  # of a 32-bit TSS


def check_io(cpu: Cpu, port: int, size: int) -> None:
    """Judge the use of `size` ports from `port`: raises #GP(0), or what reading the TSS raises."""
    if cpu.cpl <= cpu.iopl and not cpu.eflags & VM:
        if cpu.recorder is not None:
            cpu.require("CPL <= IOPL", True, general_protection(0), CPL=cpu.cpl, IOPL=cpu.iopl)
        return
    tr = cpu.tr
    has_map = tr.valid and tr.type in (TSS32, TSS32_BUSY) and tr.limit >= SMALLEST_LIMIT
    cpu.require(
        "CPL <= IOPL, or a 32-bit TSS with an I/O map", has_map, general_protection(0),
        CPL=cpu.cpl, IOPL=cpu.iopl, type=tr.type, limit=tr.limit,
    )  # fmt: skip
    base = cpu.read_linear(tr.base + IO_MAP_BASE & 0xFFFFFFFF, 2, False, Reason.TABLE)
    place = base + port // 8
    cpu.require(
        "the port's two map bytes lie in the TSS", place + 1 <= tr.limit, general_protection(0),
        port=port, map=base, limit=tr.limit,
    )  # fmt: skip
    bits = cpu.read_linear(tr.base + place & 0xFFFFFFFF, 2, False, Reason.TABLE) >> port % 8
    denied = bits & (1 << size) - 1
    cpu.require("the I/O map's bits are 0", denied == 0, general_protection(0), port=port, size=size, bits=denied)
