"""Entries of tables in memory: of page tables, of the IDT, of the GDT and the LDT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import peeking
from pagefault_lab.lab.vocabulary.terms import Quantity, Structure, check_width
from pagefault_lab.machine.segmentation import Descriptor
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.machine.machine import Machine


class _Entry:
    """The bytes of a structure in memory. `address` None: there is none, and it reads as 0."""

    def __init__(self, machine: Machine, address: int | None, size: int, physical: bool) -> None:
        self.machine = machine
        self.address = address
        self.size = size
        self.physical = physical
        self.raw = 0 if address is None else peeking.read(machine, address, size, physical)

    def store(self, raw: int) -> None:
        data = (raw & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")
        peeking.place(self.machine, _address(self), data, self.physical)
        self.raw = raw


def _bits(meaning: str, *pieces: tuple[int, int]) -> Quantity:
    """A field in pieces: (lowest bit, width) in the entry, least significant piece first."""

    def read(entry: _Entry) -> int:
        value = shift = 0
        for low, width in pieces:
            value |= (entry.raw >> low & (1 << width) - 1) << shift
            shift += width
        return value

    def write(entry: _Entry, value: int) -> None:
        check_width(value, sum(width for _, width in pieces))
        raw = entry.raw
        for low, width in pieces:
            mask = (1 << width) - 1
            raw = raw & ~(mask << low) | (value & mask) << low
            value >>= width
        entry.store(raw)

    return Quantity(meaning, read, write)


def _address(entry: _Entry) -> int:
    if entry.address is None:
        raise Problem("there is no such entry", "its page table is not present")
    return entry.address


_WHOLE: Final = Quantity("all its bits", lambda entry: entry.raw, lambda entry, value: entry.store(value))
_PLACE: Final = Quantity("where it lies", _address)


def _in_memory(
    meaning: str,
    fields: Mapping[str, Quantity],
    find: Callable[[Scope, int], _Entry],
    parameter: str,
    letters: Mapping[str, str],
) -> Structure:
    """A structure that an argument selects in a table."""
    return Structure(meaning, fields, find, parameter, _WHOLE, _PLACE, letters)


# --- page tables

_ENTRY: Final = {
    "present": _bits("P", (0, 1)),
    "writable": _bits("R/W", (1, 1)),
    "user": _bits("U/S", (2, 1)),
    "write_through": _bits("PWT", (3, 1)),
    "cache_disable": _bits("PCD", (4, 1)),
    "accessed": _bits("A", (5, 1)),
    "dirty": _bits("D", (6, 1)),
    "large": _bits("PS", (7, 1)),
    "global": _bits("G", (8, 1)),
    "available": _bits("bits 11 to 9", (9, 3)),
    "frame": _bits("number of the page frame", (12, 20)),
}
_ENTRY_LETTERS: Final = {
    "p": "present", "rw": "writable", "us": "user", "pwt": "write_through", "pcd": "cache_disable", "a": "accessed",
    "d": "dirty", "ps": "large", "g": "global", "avl": "available",
}  # fmt: skip


def _pde(scope: Scope, argument: int) -> _Entry:
    directory = scope.machine.cpu.cr3 & 0xFFFFF000
    return _Entry(scope.machine, directory + ((argument & 0xFFFFFFFF) >> 22) * 4, 4, True)


def _pte(scope: Scope, argument: int) -> _Entry:
    pde = _pde(scope, argument).raw
    if not pde & 1:
        return _Entry(scope.machine, None, 4, True)
    if pde & 0x80 and scope.machine.cpu.cr4 & 0x10:
        raise Problem(f"{argument & 0xFFFFFFFF:#010x} lies in a 4 MiB page: it has no PTE", "pde(..) is its entry")
    return _Entry(scope.machine, (pde & 0xFFFFF000) + (argument >> 12 & 0x3FF) * 4, 4, True)


PDE: Final = _in_memory("page directory entry of an address", _ENTRY, _pde, "address", _ENTRY_LETTERS)
PTE: Final = _in_memory("page table entry of an address; 0 if there is none", _ENTRY, _pte, "address", _ENTRY_LETTERS)

# --- the IDT

_GATE: Final = {
    "offset": _bits("where it leads", (0, 16), (48, 16)),
    "selector": _bits("code segment", (16, 16)),
    "type": _bits("14 interrupt, 15 trap, 5 task gate", (40, 5)),
    "dpl": _bits("who may call it by INT n", (45, 2)),
    "present": _bits("P", (47, 1)),
}


def _gate(scope: Scope, argument: int) -> _Entry:
    idtr = scope.machine.cpu.idtr
    if argument < 0 or argument * 8 + 7 > idtr.limit:
        count = (idtr.limit + 1) // 8
        raise Problem(f"gate {argument} lies beyond the IDT's limit {idtr.limit:#x}", f"it has {count} gates")
    return _Entry(scope.machine, idtr.base + argument * 8 & 0xFFFFFFFF, 8, False)


IDT: Final = _in_memory("gate of a vector", _GATE, _gate, "vector", {"p": "present"})

# --- the GDT and the LDT


def _read_limit(entry: _Entry) -> int:
    return Descriptor(entry.raw).limit


def _write_limit(entry: _Entry, value: int) -> None:
    units = value >> 12 if Descriptor(entry.raw).granular else value
    writer = _bits("", (0, 16), (48, 4)).write
    assert writer is not None
    writer(entry, units)


def _told(name: str, meaning: str) -> Quantity:
    """What a descriptor says by its type."""
    return Quantity(meaning, lambda entry: int(getattr(Descriptor(entry.raw), name)), None, "set .type, or .s")


DESCRIPTOR_FIELDS: Final = {
    "base": _bits("linear address of its first byte", (16, 24), (56, 8)),
    "limit": Quantity("offset of its last byte", _read_limit, _write_limit),
    "type": _bits("the four type bits", (40, 4)),
    "s": _bits("S: 1 code or data, 0 system", (44, 1)),
    "dpl": _bits("privilege level", (45, 2)),
    "present": _bits("P", (47, 1)),
    "available": _bits("AVL", (52, 1)),
    "big": _bits("D/B", (54, 1)),
    "granular": _bits("G: the limit counts pages", (55, 1)),
    "code": _told("code", "a code segment"),
    "conforming": _told("conforming", "code that keeps the caller's CPL"),
    "expand_down": _told("expand_down", "data, valid beyond the limit"),
    "readable": _told("readable", "data, or code that may be read"),
    "writable": _told("writable", "data that may be written"),
    "accessed": _told("accessed", "A: it has been loaded"),
}
DESCRIPTOR_LETTERS: Final = {"p": "present", "avl": "available", "db": "big", "b": "big", "d": "big", "g": "granular"}


def _descriptor(table: str) -> Callable[[Scope, int], _Entry]:
    def find(scope: Scope, argument: int) -> _Entry:
        register = getattr(scope.machine.cpu, table)
        if table == "ldtr" and not register.valid:
            raise Problem("there is no LDT", "LDTR is null")
        if argument < 0 or argument * 8 + 7 > register.limit:
            hint = f"the number counts descriptors; selector {argument:#x} is number {argument >> 3}"
            raise Problem(f"descriptor {argument} lies beyond the limit {register.limit:#x}", hint)
        return _Entry(scope.machine, register.base + argument * 8 & 0xFFFFFFFF, 8, False)

    return find


GDT: Final = _in_memory("descriptor of the GDT", DESCRIPTOR_FIELDS, _descriptor("gdtr"), "number", DESCRIPTOR_LETTERS)
LDT: Final = _in_memory("descriptor of the LDT", DESCRIPTOR_FIELDS, _descriptor("ldtr"), "number", DESCRIPTOR_LETTERS)
