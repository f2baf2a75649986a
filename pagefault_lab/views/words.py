"""How numbers, bits and rights are written, so that all views write them alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import PAGE_FAULT, SELECTOR_ERRORS, Fault
from pagefault_lab.machine.paging import (
    ACCESSED,
    CACHE_DISABLE,
    CODE_PROTECTION,
    CODE_RESERVED,
    CODE_USER,
    CODE_WRITE,
    DIRTY,
    GLOBAL,
    LARGE,
    PRESENT,
    USER,
    WRITABLE,
    WRITE_THROUGH,
)
from pagefault_lab.machine.registers import FLAG_NAMES, IOPL
from pagefault_lab.problem import count as count  # views find all words here

_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}

Names = Mapping[int, str]
NO_NAMES: Final[Names] = MappingProxyType({})


def hex32(value: int) -> str:
    """An address or a doubleword."""
    return f"0x{value:08x}"


def hex16(value: int) -> str:
    """A selector."""
    return f"0x{value:04x}"


def sized(value: int, size: int) -> str:
    """A number of `size` bytes."""
    return f"0x{value:0{2 * size}x}"


def small(value: int) -> str:
    """A number among others: a digit as it is, more in hexadecimal."""
    return str(value) if value < 10 else f"{value:#x}"


def named(address: int, names: Names) -> str:
    """` <symbol+4>`, or nothing."""
    name = names.get(address)
    return f" <{name}>" if name else ""


def data_bytes(data: bytes) -> str:
    return " ".join(f"{byte:02x}" for byte in data)


def label(address: int, names: Names) -> str:
    """` <symbol>` if one stands exactly there, or nothing."""
    name = names.get(address, "")
    return f" <{name}>" if name and "+" not in name else ""


def short_bytes(data: bytes, most: int = 8) -> str:
    """The first bytes, and a sign if there are more."""
    return data_bytes(data[:most]) + (" …" if len(data) > most else "")


def printable(text: str) -> str:
    """Text from a guest or a file with nothing in it that a terminal would obey; newlines stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}"
        for character in text.expandtabs(8)
    )


def escaped(text: str) -> str:
    """A string of the guest as C and as would write it between quotes, on one line."""
    return "".join(
        _ESCAPES.get(character, character if character.isprintable() else f"\\{ord(character):03o}")
        for character in text
    )


def lines_of(text: str) -> list[str]:
    """The lines of such a text."""
    return [printable(line) for line in text.rstrip("\n").split("\n")] if text.strip("\n") else []


def paragraphs(text: str) -> list[str]:
    """A docstring's lines, those of a paragraph joined; lines that are indented or tables (three blanks) stay."""
    found: list[str] = []
    joins = False
    for line in text.splitlines():
        if joins and line and not line.startswith(" "):
            found[-1] += f" {line}"
        else:
            found.append(line)
        joins = bool(line) and not line.startswith(" ") and "   " not in line
    return found


# --- bits


def rights(present: bool, writable: bool, user: bool) -> str:
    """The three bits that protect, as letters or dashes: `P RW US`, `P -- --`."""
    return f"{'P' if present else '-'} {'RW' if writable else '--'} {'US' if user else '--'}"


def entry_flags(entry: int) -> str:
    """A PDE's or PTE's bits: `P RW US A D`, and what is rare only if set."""
    text = rights(bool(entry & PRESENT), bool(entry & WRITABLE), bool(entry & USER))
    text += f" {'A' if entry & ACCESSED else '-'} {'D' if entry & DIRTY else '-'}"
    rare = ((LARGE, "PS"), (GLOBAL, "G"), (WRITE_THROUGH, "PWT"), (CACHE_DISABLE, "PCD"))
    return text + "".join(f" {name}" for bit, name in rare if entry & bit)


def flag_changes(before: int, after: int) -> str:
    """`IF 1->0, ZF 0->1`: the flags that differ, by name."""
    changed = [
        f"{name} {int(bool(before & bit))}->{int(bool(after & bit))}"
        for bit, name in FLAG_NAMES.items()
        if (before ^ after) & bit
    ]
    if (before ^ after) & IOPL:
        changed.append(f"IOPL {(before & IOPL) >> 12}->{(after & IOPL) >> 12}")
    return ", ".join(changed)


def flags_set(eflags: int) -> str:
    """The names of the flags that are set: `IF ZF PF`."""
    names = [name for bit, name in sorted(FLAG_NAMES.items(), reverse=True) if eflags & bit]
    if eflags & IOPL:
        names.append(f"IOPL={(eflags & IOPL) >> 12}")
    return " ".join(names)


# --- faults


def error_words(fault: Fault) -> str:
    """What an error code says: `user, write, protection`, or which selector is meant."""
    error = fault.error
    if error is None:
        return ""
    if fault.vector == PAGE_FAULT:
        return page_fault_words(error)
    if fault.row.has_error_code and fault.vector in SELECTOR_ERRORS:
        return selector_words(error)
    return ""


def page_fault_words(error: int) -> str:
    """A page fault's error code in the words of kernels."""
    words = [
        "user" if error & CODE_USER else "supervisor",
        "write" if error & CODE_WRITE else "read",
        "protection" if error & CODE_PROTECTION else "not-present",
    ]
    if error & CODE_RESERVED:
        words.append("reserved bit")
    return ", ".join(words)


def selector_words(error: int) -> str:
    """The error code of #TS, #NP, #SS and #GP: a selector with EXT, IDT and TI in the place of its RPL."""
    ext = ", EXT: during another event" if error & 1 else ""
    index = error >> 3
    if error & 2:
        return f"IDT gate {index}{ext}"
    if not error & 0xFFFC:
        return f"no selector{ext}"
    return f"selector {error & 0xFFFC:#x}: {'LDT' if error & 4 else 'GDT'} entry {index}{ext}"


def fault_title(fault: Fault) -> str:
    """`#PF page fault`."""
    row = fault.row
    return f"{row.mnemonic} {row.name}" if row.mnemonic != row.name else row.name


def doing(kind: Kind) -> str:
    """The verb of an access."""
    return {Kind.READ: "read", Kind.WRITE: "write", Kind.FETCH: "fetch"}[kind]


def who(user: bool) -> str:
    """Whose rights count."""
    return "user" if user else "supervisor"
