"""What the names of the expression language mean: tables, to which others may add.

QUANTITIES are plain names (`eax`, `cpl`). STRUCTURES have fields: some are there once (`fault.error`, `seg.ds.limit`),
of some an argument selects one (`pte(address).writable`). PATTERNS (patterns.py) are what `last(fault)` asks for.

What can be set is set as an instruction would do it: a new CR3 empties the TLB, but a page-table entry that is changed
in memory leaves the TLB stale.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pagefault_lab.lab.vocabulary import entries, faults, pages, registers, segments
from pagefault_lab.lab.vocabulary.faults import ERROR_LETTERS, error_bits
from pagefault_lab.lab.vocabulary.registers import QUANTITIES
from pagefault_lab.lab.vocabulary.terms import Absent, Quantity, Structure, unknown_field, usage
from pagefault_lab.machine.registers import SEGMENT_NAMES

__all__ = [
    "ERROR_LETTERS", "QUANTITIES", "STRUCTURES", "Absent", "Group", "Quantity", "Structure", "error_bits", "overview",
    "unknown_field", "usage",
]  # fmt: skip

STRUCTURES: Final[dict[str, Structure]] = {
    "pde": entries.PDE,
    "pte": entries.PTE,
    "page": pages.PAGE,
    "tlb": pages.TLB,
    "idt": entries.IDT,
    "gdt": entries.GDT,
    "ldt": entries.LDT,
    "fault": faults.FAULT,
    "frame": faults.FRAME,
    "tss": segments.TSS,
    "idtr": registers.IDTR,
    "gdtr": registers.GDTR,
    "eflags": registers.EFLAGS,
    "cr0": registers.CR0,
    "cr4": registers.CR4,
}
for _name in SEGMENT_NAMES:
    STRUCTURES[_name] = STRUCTURES[f"seg.{_name}"] = segments.segment_register(_name)
for _name in ("ldtr", "tr"):
    STRUCTURES[_name] = STRUCTURES[f"seg.{_name}"] = segments.system_register(_name)


class Group(NamedTuple):
    """Structures that have the same fields: how they are written, what they are."""

    names: tuple[str, ...]
    meaning: str
    fields: tuple[str, ...]


def overview() -> list[Group]:
    """All structures, for people."""
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name, structure in STRUCTURES.items():
        if f"seg.{name}" not in STRUCTURES:
            groups.setdefault(tuple(structure.fields), {})[usage(name, structure)] = structure.meaning
    return [Group(tuple(named), "; ".join(dict.fromkeys(named.values())), fields) for fields, named in groups.items()]
