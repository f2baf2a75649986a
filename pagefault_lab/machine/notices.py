"""What the processor does that is worth a line in a timeline: rare, and noticed at every speed.

All of it goes by a slow path anyway, so that running free costs nothing for it. A translated block ends behind the
instruction that something was noticed of.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class What(Enum):
    """What was done, and what the numbers of its notice are."""

    FAULT = "fault"  # an exception's delivery was tried: vector, error code or -1, CR2 of a page fault else 0
    INTERRUPT = "interrupt"  # vector, 1 if it came from outside
    RING = "ring"  # CPL before, CPL after
    CR0 = "cr0"  # value before, value after
    CR3 = "cr3"
    CR4 = "cr4"
    IDT = "idt"  # base, limit
    GDT = "gdt"
    LDT = "ldt"  # selector
    TASK = "tr"
    TABLE = "table"  # a page table in use was written: physical address of the entry, entry before, entry after
    PORT = "port"  # port, value, size, 1 if it was written
    FLUSH = "flush"  # INVLPG: linear address
    SHUTDOWN = "shutdown"

    __hash__ = object.__hash__  # a member is one object; Enum's own takes longer than all else that a notice does


LOADS: Final = (What.CR0, What.CR3, What.CR4, What.IDT, What.GDT, What.LDT, What.TASK)  # of system registers


class Notice(NamedTuple):
    """One thing that a step did. `base` is that of CS before it."""

    what: What
    numbers: tuple[int, ...]
    base: int
