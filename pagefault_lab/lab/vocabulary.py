"""What the names of the expression language mean: three tables, to which others may add.

QUANTITIES are plain names (`eax`, `cpl`), RECORDS have fields (`fault.error`), FUNCTIONS take a number and may have
fields (`pte(address).writable`). What can be set is set as an instruction would do it: a new CR3 empties the TLB, but
a page-table entry that is changed in memory leaves the TLB stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.registers import CS, FLAG_NAMES, NAMES_8, NAMES_16, NAMES_32, SEGMENT_NAMES
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Context

Reader = Callable[["Context"], int]
Writer = Callable[["Context", int], None]


class Quantity(NamedTuple):
    """One number of the machine: how to read it, and how to set it (None: it cannot be set)."""

    meaning: str
    read: Reader
    write: Writer | None = None


# --- registers


def _general(number: int, low: int, bits: int) -> tuple[Reader, Writer]:
    mask = (1 << bits) - 1

    def read(context: Context) -> int:
        return context.machine.cpu.registers[number] >> low & mask

    def write(context: Context, value: int) -> None:
        registers = context.machine.cpu.registers
        registers[number] = registers[number] & ~(mask << low) | (value & mask) << low

    return read, write


def _flag(mask: int) -> tuple[Reader, Writer]:
    low = (mask & -mask).bit_length() - 1

    def read(context: Context) -> int:
        return (context.machine.cpu.eflags & mask) >> low

    def write(context: Context, value: int) -> None:
        cpu = context.machine.cpu
        cpu.eflags = cpu.eflags & ~mask | value << low & mask

    return read, write


def _segment(number: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return context.machine.cpu.segments[number].selector

    def write(context: Context, value: int) -> None:
        if number == CS:
            raise Problem("CS is loaded by jumps, calls and returns only", "ljmp $selector,$offset")
        try:
            context.machine.cpu.load_segment(number, value & 0xFFFF)
        except FaultRaised as raised:
            name = SEGMENT_NAMES[number].upper()
            error = "" if raised.fault.error is None else f"({raised.fault.error:#x})"
            raise Problem(f"{name} does not take {value:#x}: {raised.fault.row.mnemonic}{error}") from None

    return read, write


def _control(name: str) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return int(getattr(context.machine.cpu, name))

    def write(context: Context, value: int) -> None:
        cpu = context.machine.cpu
        change: Callable[[int], None] | None = getattr(cpu, f"write_{name}", None)
        if change is None:
            setattr(cpu, name, value & 0xFFFFFFFF)
        else:
            change(value & 0xFFFFFFFF)

    return read, write


def _debug(number: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return context.machine.cpu.debug[number]

    def write(context: Context, value: int) -> None:
        context.machine.cpu.debug[number] = value & 0xFFFFFFFF

    return read, write


def _last_fault(context: Context) -> tuple[int, int, int]:
    """(vector, error code, EIP) of the last exception; -1 for what there is not."""
    last = context.machine.cpu.last_fault
    if last is None:
        return -1, -1, -1
    fault, eip = last
    return fault.vector, -1 if fault.error is None else fault.error, eip


def _table(name: str, field: str, mask: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return int(getattr(getattr(context.machine.cpu, name), field))

    def write(context: Context, value: int) -> None:
        cpu = context.machine.cpu
        setattr(cpu, name, replace(getattr(cpu, name), **{field: value & mask}))

    return read, write


def _hidden(name: str, field: str) -> Reader:
    def read(context: Context) -> int:
        return int(getattr(getattr(context.machine.cpu, name), field))

    return read


QUANTITIES: Final[dict[str, Quantity]] = {}
for _number, _name in enumerate(NAMES_32):
    QUANTITIES[_name] = Quantity("general register", *_general(_number, 0, 32))
for _number, _name in enumerate(NAMES_16):
    QUANTITIES[_name] = Quantity(f"low half of {NAMES_32[_number]}", *_general(_number, 0, 16))
for _number, _name in enumerate(NAMES_8):
    QUANTITIES[_name] = Quantity(f"byte of {NAMES_32[_number & 3]}", *_general(_number & 3, 8 * (_number >> 2), 8))
for _number, _name in enumerate(SEGMENT_NAMES):
    QUANTITIES[_name] = Quantity("segment register", *_segment(_number))
QUANTITIES["eip"] = Quantity("the next instruction", *_control("eip"))
QUANTITIES["pc"] = QUANTITIES["eip"]
QUANTITIES["sp"] = QUANTITIES["esp"]  # as in gdb: the whole stack pointer
QUANTITIES["fp"] = QUANTITIES["ebp"]
QUANTITIES["eflags"] = Quantity("flags", *_control("eflags"))
for _mask, _name in FLAG_NAMES.items():
    QUANTITIES[_name.lower()] = Quantity("flag", *_flag(_mask))
QUANTITIES["iopl"] = Quantity("I/O privilege level", *_flag(0x3000))
for _name in ("cr0", "cr2", "cr3", "cr4"):
    QUANTITIES[_name] = Quantity("control register", *_control(_name))
for _number in (0, 1, 2, 3, 6, 7):
    QUANTITIES[f"dr{_number}"] = Quantity("debug register", *_debug(_number))
QUANTITIES["dr4"], QUANTITIES["dr5"] = QUANTITIES["dr6"], QUANTITIES["dr7"]
QUANTITIES["cpl"] = Quantity("current privilege level", _control("cpl")[0])
QUANTITIES["tr"] = Quantity("task register", _hidden("tr", "selector"))
QUANTITIES["ldtr"] = Quantity("LDT register", _hidden("ldtr", "selector"))
QUANTITIES["steps"] = Quantity("steps made so far", lambda context: context.machine.steps)


# --- bits in memory


class Bits(NamedTuple):
    """A number in pieces: (lowest bit, width) in the raw value, least significant piece first."""

    meaning: str
    pieces: tuple[tuple[int, int], ...]

    def get(self, raw: int) -> int:
        value = shift = 0
        for low, width in self.pieces:
            value |= (raw >> low & (1 << width) - 1) << shift
            shift += width
        return value

    def put(self, raw: int, value: int) -> int:
        for low, width in self.pieces:
            mask = (1 << width) - 1
            raw = raw & ~(mask << low) | (value & mask) << low
            value >>= width
        return raw


class Place(NamedTuple):
    """Where a structure lies, and its bytes. `physical` None: nowhere, it reads as 0."""

    address: int | None
    size: int
    physical: bool


class Function:
    """A structure that an argument selects. Without a field it is its raw bits."""

    def __init__(
        self,
        parameter: str,
        meaning: str,
        locate: Callable[[Context, int], Place],
        fields: Mapping[str, Bits],
    ) -> None:
        self.parameter = parameter
        self.meaning = meaning
        self.locate = locate
        self.fields = fields

    def read(self, context: Context, argument: int, field: str) -> int:
        place = self.locate(context, argument)
        raw = 0
        if place.address is not None:
            raw = peeking.read(context.machine, place.address, place.size, place.physical)
        return self.fields[field].get(raw) if field else raw

    def write(self, context: Context, argument: int, field: str, value: int) -> None:
        place = self.locate(context, argument)
        if place.address is None:
            raise Problem("there is no such entry", "its page table is not present")
        raw = peeking.read(context.machine, place.address, place.size, place.physical)
        raw = self.fields[field].put(raw, value) if field else value
        data = (raw & (1 << 8 * place.size) - 1).to_bytes(place.size, "little")
        peeking.place(context.machine, place.address, data, place.physical)


class _DescriptorFunction(Function):
    """A segment descriptor; its limit is told with granularity applied."""

    def read(self, context: Context, argument: int, field: str) -> int:
        value = super().read(context, argument, field)
        if field == "limit" and super().read(context, argument, "granular"):
            return value << 12 | 0xFFF
        return value

    def write(self, context: Context, argument: int, field: str, value: int) -> None:
        if field == "limit" and super().read(context, argument, "granular"):
            value >>= 12
        super().write(context, argument, field, value)


def _one(meaning: str, low: int, width: int = 1) -> Bits:
    return Bits(meaning, ((low, width),))


ENTRY: Final = {
    "present": _one("P", 0),
    "writable": _one("R/W", 1),
    "user": _one("U/S", 2),
    "write_through": _one("PWT", 3),
    "cache_disable": _one("PCD", 4),
    "accessed": _one("A", 5),
    "dirty": _one("D", 6),
    "large": _one("PS", 7),
    "global": _one("G", 8),
    "available": _one("bits 11 to 9", 9, 3),
    "frame": _one("number of the page frame: physical address >> 12", 12, 20),
}
GATE: Final = {
    "offset": Bits("where it leads", ((0, 16), (48, 16))),
    "selector": _one("code segment", 16, 16),
    "type": _one("14 interrupt gate, 15 trap gate, 5 task gate", 40, 5),
    "dpl": _one("who may call it by INT n", 45, 2),
    "present": _one("P", 47),
}
DESCRIPTOR: Final = {
    "base": Bits("linear address of its first byte", ((16, 24), (56, 8))),
    "limit": Bits("offset of its last byte", ((0, 16), (48, 4))),
    "type": _one("the four type bits", 40, 4),
    "s": _one("S: 1 code or data, 0 system", 44),
    "dpl": _one("privilege level", 45, 2),
    "present": _one("P", 47),
    "big": _one("D/B", 54),
    "granular": _one("G", 55),
}


def _pde(context: Context, argument: int) -> Place:
    return Place((context.machine.cpu.cr3 & 0xFFFFF000) + ((argument & 0xFFFFFFFF) >> 22) * 4, 4, True)


def _pte(context: Context, argument: int) -> Place:
    cpu = context.machine.cpu
    pde = peeking.read(context.machine, _pde(context, argument).address or 0, 4, True)
    if not pde & 1:
        return Place(None, 4, True)
    if pde & 0x80 and cpu.cr4 & 0x10:
        raise Problem(f"{argument & 0xFFFFFFFF:#010x} lies in a 4 MiB page: it has no PTE", "pde(..) is its entry")
    return Place((pde & 0xFFFFF000) + (argument >> 12 & 0x3FF) * 4, 4, True)


def _gate(context: Context, argument: int) -> Place:
    idtr = context.machine.cpu.idtr
    if argument < 0 or argument * 8 + 7 > idtr.limit:
        count = (idtr.limit + 1) // 8
        raise Problem(f"gate {argument} lies beyond the IDT's limit {idtr.limit:#x}", f"it has {count} gates")
    return Place(idtr.base + argument * 8 & 0xFFFFFFFF, 8, False)


def _descriptor(table: str) -> Callable[[Context, int], Place]:
    def locate(context: Context, argument: int) -> Place:
        register = getattr(context.machine.cpu, table)
        if table == "ldtr" and not register.valid:
            raise Problem("there is no LDT", "LDTR is null")
        if argument < 0 or argument * 8 + 7 > register.limit:
            hint = f"the number counts descriptors; selector {argument:#x} is number {argument >> 3}"
            raise Problem(f"descriptor {argument} lies beyond the limit {register.limit:#x}", hint)
        return Place(register.base + argument * 8 & 0xFFFFFFFF, 8, False)

    return locate


FUNCTIONS: Final[dict[str, Function]] = {
    "pde": Function("address", "page directory entry of an address; 0 if there is none", _pde, ENTRY),
    "pte": Function("address", "page table entry of an address; 0 if there is none", _pte, ENTRY),
    "idt": Function("vector", "gate of a vector", _gate, GATE),
    "gdt": _DescriptorFunction("number", "descriptor of the GDT", _descriptor("gdtr"), DESCRIPTOR),
    "ldt": _DescriptorFunction("number", "descriptor of the LDT", _descriptor("ldtr"), DESCRIPTOR),
}


def _tss(offset: int, size: int) -> tuple[Reader, Writer]:
    def locate(context: Context) -> int:
        tr = context.machine.cpu.tr
        if not tr.valid:
            raise Problem("there is no TSS", "TR is null until ltr loads it")
        if offset + size - 1 > tr.limit:
            raise Problem(f"this lies beyond the TSS's limit {tr.limit:#x}")
        return tr.base + offset & 0xFFFFFFFF

    def read(context: Context) -> int:
        return peeking.read(context.machine, locate(context), size)

    def write(context: Context, value: int) -> None:
        data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        peeking.place(context.machine, locate(context), data)

    return read, write


def _tss_fields() -> dict[str, Quantity]:
    from pagefault_lab.machine.tss import FIELDS

    words = {*SEGMENT_NAMES, "link", "ss0", "ss1", "ss2", "ldt", "trap", "io_map"}
    return {
        name: Quantity("in the task-state segment", *_tss(offset, 2 if name in words else 4))
        for name, offset in FIELDS.items()
    }




RECORDS: Final[dict[str, dict[str, Quantity]]] = {
    "fault": {
        "vector": Quantity("of the last exception delivered; -1: none yet", lambda context: _last_fault(context)[0]),
        "error": Quantity("its error code; -1: it has none", lambda context: _last_fault(context)[1]),
        "eip": Quantity("the EIP that it saved", lambda context: _last_fault(context)[2]),
        "count": Quantity("how many exceptions were delivered", lambda context: context.machine.cpu.exceptions),
    },
    "idtr": {
        "base": Quantity("linear address of the IDT", *_table("idtr", "base", 0xFFFFFFFF)),
        "limit": Quantity("offset of its last byte", *_table("idtr", "limit", 0xFFFF)),
    },
    "gdtr": {
        "base": Quantity("linear address of the GDT", *_table("gdtr", "base", 0xFFFFFFFF)),
        "limit": Quantity("offset of its last byte", *_table("gdtr", "limit", 0xFFFF)),
    },
    "ldtr": {
        "base": Quantity("linear address of the LDT", _hidden("ldtr", "base")),
        "limit": Quantity("offset of its last byte", _hidden("ldtr", "limit")),
    },
    "tr": {
        "base": Quantity("linear address of the TSS", _hidden("tr", "base")),
        "limit": Quantity("offset of its last byte", _hidden("tr", "limit")),
    },
    "tss": _tss_fields(),
}
