"""Registers, whole and in bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.vocabulary.terms import Quantity, Reader, Structure, Writer, check_width
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.registers import (
    CR0_NAMES,
    CR4_NAMES,
    CS,
    FLAG_NAMES,
    IOPL,
    NAMES_8,
    NAMES_16,
    NAMES_32,
    SEGMENT_NAMES,
)
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope


def _general(number: int, low: int, bits: int) -> tuple[Reader, Writer]:
    mask = (1 << bits) - 1

    def read(scope: Scope) -> int:
        return scope.machine.cpu.registers[number] >> low & mask

    def write(scope: Scope, value: int) -> None:
        registers = scope.machine.cpu.registers
        registers[number] = registers[number] & ~(mask << low) | (value & mask) << low

    return read, write


def _register_bits(register: str, mask: int) -> tuple[Reader, Writer]:
    """Bits of EFLAGS or of a control register, which is written as a whole."""
    low = (mask & -mask).bit_length() - 1
    read_all, write_all = _control(register)

    def read(scope: Scope) -> int:
        return (read_all(scope) & mask) >> low

    def write(scope: Scope, value: int) -> None:
        check_width(value, (mask >> low).bit_length())
        write_all(scope, read_all(scope) & ~mask | value << low & mask)

    return read, write


def segment(number: int) -> tuple[Reader, Writer]:
    def read(scope: Scope) -> int:
        return scope.machine.cpu.segments[number].selector

    def write(scope: Scope, value: int) -> None:
        if number == CS:
            raise Problem("CS is loaded by jumps, calls and returns only", "ljmp $selector,$offset")
        try:
            scope.machine.cpu.load_segment(number, value & 0xFFFF)
        except FaultRaised as raised:
            name = SEGMENT_NAMES[number].upper()
            error = "" if raised.fault.error is None else f"({raised.fault.error:#x})"
            raise Problem(f"{name} does not take {value:#x}: {raised.fault.row.mnemonic}{error}") from None

    return read, write


def _control(name: str) -> tuple[Reader, Writer]:
    def read(scope: Scope) -> int:
        return int(getattr(scope.machine.cpu, name))

    def write(scope: Scope, value: int) -> None:
        cpu = scope.machine.cpu
        change: Callable[[int], None] | None = getattr(cpu, f"write_{name}", None)
        if change is None:
            setattr(cpu, name, value & 0xFFFFFFFF)
        else:
            change(value & 0xFFFFFFFF)

    return read, write


def _debug(number: int) -> tuple[Reader, Writer]:
    def read(scope: Scope) -> int:
        return scope.machine.cpu.debug[number]

    def write(scope: Scope, value: int) -> None:
        scope.machine.cpu.debug[number] = value & 0xFFFFFFFF

    return read, write


def _table(name: str, field: str, mask: int) -> tuple[Reader, Writer]:
    def read(scope: Scope) -> int:
        return int(getattr(getattr(scope.machine.cpu, name), field))

    def write(scope: Scope, value: int) -> None:
        cpu = scope.machine.cpu
        setattr(cpu, name, replace(getattr(cpu, name), **{field: value & mask}))

    return read, write


def _selector(name: str) -> Reader:
    return lambda scope: int(getattr(scope.machine.cpu, name).selector)


def _last_value(scope: Scope) -> int:
    if scope.last_value is None:
        raise Problem("no value was printed yet", "$_ is the last one that `p` gave")
    return scope.last_value


QUANTITIES: Final[dict[str, Quantity]] = {}
for _number, _name in enumerate(NAMES_32):
    QUANTITIES[_name] = Quantity("general register", *_general(_number, 0, 32))
for _number, _name in enumerate(NAMES_16):
    QUANTITIES[_name] = Quantity(f"low half of {NAMES_32[_number]}", *_general(_number, 0, 16))
for _number, _name in enumerate(NAMES_8):
    QUANTITIES[_name] = Quantity(f"byte of {NAMES_32[_number & 3]}", *_general(_number & 3, 8 * (_number >> 2), 8))
for _number, _name in enumerate(SEGMENT_NAMES):
    QUANTITIES[_name] = Quantity("segment register", *segment(_number))
QUANTITIES["eip"] = Quantity("the next instruction", *_control("eip"))
QUANTITIES["pc"] = QUANTITIES["eip"]
QUANTITIES["sp"] = QUANTITIES["esp"]  # as in gdb: the whole stack pointer
QUANTITIES["fp"] = QUANTITIES["ebp"]
QUANTITIES["eflags"] = Quantity("flags", *_control("eflags"))
for _mask, _name in FLAG_NAMES.items():
    QUANTITIES[_name.lower()] = Quantity("flag", *_register_bits("eflags", _mask))
QUANTITIES["iopl"] = Quantity("I/O privilege level", *_register_bits("eflags", IOPL))
for _name in ("cr0", "cr2", "cr3", "cr4"):
    QUANTITIES[_name] = Quantity("control register", *_control(_name))
for _number in (0, 1, 2, 3, 6, 7):
    QUANTITIES[f"dr{_number}"] = Quantity("debug register", *_debug(_number))
QUANTITIES["dr4"], QUANTITIES["dr5"] = QUANTITIES["dr6"], QUANTITIES["dr7"]
QUANTITIES["cpl"] = Quantity(
    "current privilege level", _control("cpl")[0], None, "`kernel` and `user` change the ring through a real gate"
)
QUANTITIES["tr"] = Quantity("task register", _selector("tr"), None, "ltr %ax loads it")
QUANTITIES["ldtr"] = Quantity("LDT register", _selector("ldtr"), None, "lldt %ax loads it")
QUANTITIES["steps"] = Quantity("steps made so far", lambda scope: scope.machine.steps)
QUANTITIES["_"] = Quantity("the value that p gave last", _last_value)


def _bits_of(register: str, names: Mapping[int, str]) -> Structure:
    fields = {
        name.lower(): Quantity(f"bit {(mask & -mask).bit_length() - 1}", *_register_bits(register, mask))
        for mask, name in names.items()
    }
    return Structure(f"the bits of {register.upper()}", fields)


def _table_fields(register: str, table: str) -> dict[str, Quantity]:
    return {
        "base": Quantity(f"linear address of the {table}", *_table(register, "base", 0xFFFFFFFF)),
        "limit": Quantity("offset of its last byte", *_table(register, "limit", 0xFFFF)),
    }


IDTR: Final = Structure("where the IDT lies", _table_fields("idtr", "IDT"))
GDTR: Final = Structure("where the GDT lies", _table_fields("gdtr", "GDT"))
EFLAGS: Final = _bits_of("eflags", FLAG_NAMES | {IOPL: "IOPL"})
CR0: Final = _bits_of("cr0", CR0_NAMES)
CR4: Final = _bits_of("cr4", CR4_NAMES)
