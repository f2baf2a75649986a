"""Gate descriptors of the IDT (SDM vol. 3, 6.11), and call gates (5.8.3).

    high dword   31            16 15 14 13 12 11   8 7        0
                | offset 31..16  | P| DPL | 0| type | 0 (count)  |
    low dword   |    selector    |        offset 15..0           |
"""

from __future__ import annotations

from dataclasses import dataclass

from pagefault_lab.machine.segmentation import (
    CALL_GATE16,
    INTERRUPT_GATE16,
    INTERRUPT_GATE32,
    SYSTEM_TYPES,
    TASK_GATE,
    TRAP_GATE16,
    TRAP_GATE32,
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate, as the 64 bits that it is."""

    raw: int

    @property
    def offset(self) -> int:
        """Where it leads; a 16-bit gate has no upper half."""
        return self.raw & 0xFFFF | (self.raw >> 32 & 0xFFFF0000 if self.size == 4 else 0)

    @property
    def selector(self) -> int:
        return self.raw >> 16 & 0xFFFF

    @property
    def type(self) -> int:
        """S and the four type bits: 0x00 to 0x1F; gates are system descriptors, below 0x10."""
        return self.raw >> 40 & 0x1F

    @property
    def dpl(self) -> int:
        return self.raw >> 45 & 3

    @property
    def present(self) -> bool:
        return bool(self.raw >> 47 & 1)

    @property
    def size(self) -> int:
        """Bytes of each value that going through it pushes: 4, or 2 for a 16-bit gate."""
        return 2 if self.type in (INTERRUPT_GATE16, TRAP_GATE16, CALL_GATE16) else 4

    @property
    def count(self) -> int:
        """How many arguments of `size` bytes a call gate copies to the inner stack."""
        return self.raw >> 32 & 0x1F

    @property
    def is_interrupt_gate(self) -> bool:
        """Whether it clears IF."""
        return self.type in (INTERRUPT_GATE16, INTERRUPT_GATE32)

    @property
    def is_task_gate(self) -> bool:
        return self.type == TASK_GATE

    @property
    def belongs_in_idt(self) -> bool:
        """Whether the type is one that the IDT may hold."""
        return self.type in (INTERRUPT_GATE16, TRAP_GATE16, INTERRUPT_GATE32, TRAP_GATE32, TASK_GATE)

    @property
    def kind(self) -> str:
        """The manual's name of the type; with S=1 it is no gate at all."""
        if self.type >= 0x10:
            return "code or data, S=1"
        return SYSTEM_TYPES.get(self.type, f"reserved type {self.type}")
