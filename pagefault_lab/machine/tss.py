"""The task-state segment (SDM vol. 3, 7.2.1): what of it the processor reads without switching tasks.

    0x00 link   0x04 ESP0   0x08 SS0   0x0C ESP1   0x10 SS1   0x14 ESP2   0x18 SS2   0x1C CR3 ...   0x66 I/O map base
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pagefault_lab.machine.events import Reason
from pagefault_lab.machine.faults import invalid_tss
from pagefault_lab.machine.segmentation import TSS32, TSS32_BUSY

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu

IO_MAP_BASE: Final = 0x66
FIELDS: Final = {
    "link": 0x00, "esp0": 0x04, "ss0": 0x08, "esp1": 0x0C, "ss1": 0x10, "esp2": 0x14, "ss2": 0x18, "cr3": 0x1C,
    "eip": 0x20, "eflags": 0x24, "eax": 0x28, "ecx": 0x2C, "edx": 0x30, "ebx": 0x34, "esp": 0x38, "ebp": 0x3C,
    "esi": 0x40, "edi": 0x44, "es": 0x48, "cs": 0x4C, "ss": 0x50, "ds": 0x54, "fs": 0x58, "gs": 0x5C, "ldt": 0x60,
    "trap": 0x64, "io_map": 0x66,
}  # fmt: skip


def inner_stack(cpu: Cpu, ring: int, ext: int) -> tuple[int, int, int]:
    """(address in the TSS, SS, ESP) of the stack for a more privileged ring (SDM vol. 3, 6.12.1)."""
    tr = cpu.tr
    wide = tr.type in (TSS32, TSS32_BUSY)
    distance, size = (4 + 8 * ring, 4) if wide else (2 + 4 * ring, 2)
    last = distance + size + 1
    fault = invalid_tss((tr.selector & 0xFFFC) | ext)
    cpu.require("the TSS holds a stack for the ring", last <= tr.limit, fault, TR=tr.selector, limit=tr.limit)
    address = tr.base + distance & 0xFFFFFFFF
    esp = cpu.read_linear(address, size, False, Reason.TABLE)
    ss = cpu.read_linear(address + size & 0xFFFFFFFF, 2, False, Reason.TABLE)
    return address, ss, esp
