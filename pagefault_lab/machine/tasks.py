"""Hardware tasks: the switch from one TSS to another (SDM vol. 3, 7.3). Not simulated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pagefault_lab.machine.faults import NotSimulated

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


def switch_task(cpu: Cpu, selector: int | None) -> NoReturn:
    """Switch to the task of the TSS with this selector; None: back along the link in the current TSS."""
    raise NotSimulated("a hardware task switch")
