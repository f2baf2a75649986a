"""Memory as the bench looks at it and puts things into it: no TLB entry, no A, no D bit changes, nothing can fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.lab.results import Missing
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.tlb import TlbEntry
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


def locate(machine: Machine, linear: int) -> int | Missing:
    """The physical address behind a linear one, as the processor would find it now; or why there is none."""
    found = machine.cpu.ask(linear, Kind.READ, False)
    if found is None:
        return linear
    if isinstance(found, TlbEntry):
        return found.frame << 12 | linear & 0xFFF
    if isinstance(found.end, Mapped):
        return found.end.physical
    verdict = found.verdict
    assert verdict is not None
    return Missing(linear, verdict.text, verdict.level, verdict.bit)


def pieces(machine: Machine, linear: int, size: int, physical: bool = False) -> list[tuple[int, int]]:
    """(physical address, bytes) of the parts of a range, each in one frame. A Problem if a part is not mapped."""
    found = []
    while size:
        length = min(size, 4096 - (linear & 0xFFF))
        place = linear if physical else locate(machine, linear)
        if isinstance(place, Missing):
            raise not_mapped(place)
        found.append((place, length))
        linear = linear + length & 0xFFFFFFFF
        size -= length
    return found


def not_mapped(missing: Missing) -> Problem:
    """The problem of an address that the page tables do not map."""
    why = f"{missing.bit}=0 in the {missing.level}" if missing.bit == "P" else missing.level
    return Problem(f"nothing is mapped at {missing.address:#010x}", f"{why} (rule: {missing.rule})")


def read(machine: Machine, address: int, size: int, physical: bool = False) -> int:
    """`size` bytes as a little-endian number."""
    return int.from_bytes(read_bytes(machine, address, size, physical), "little")


def read_bytes(machine: Machine, address: int, size: int, physical: bool = False) -> bytes:
    """`size` bytes; a Problem if one of them is not mapped."""
    parts = pieces(machine, address, size, physical)
    return b"".join(machine.memory.read_bytes(place, length) for place, length in parts)


def readable(machine: Machine, address: int, size: int, physical: bool = False) -> tuple[bytes, Missing | None]:
    """As many of `size` bytes as are mapped, and what ends them early."""
    found = b""
    while len(found) < size:
        here = address + len(found) & 0xFFFFFFFF
        place = here if physical else locate(machine, here)
        if isinstance(place, Missing):
            return found, place
        length = min(size - len(found), 4096 - (here & 0xFFF))
        found += machine.memory.read_bytes(place, length)
    return found, None


def place(machine: Machine, address: int, data: bytes, physical: bool = False) -> None:
    """Put bytes into memory, straight into its frames.

    A Problem, with nothing done, if an address is not mapped, or to where there is no memory.
    """
    parts = pieces(machine, address, len(data), physical)
    for part, _ in parts:
        if not machine.memory.exists(part >> 12):
            raise Problem(f"there is no memory at physical {part:#010x}", f"it ends at {machine.memory.size:#010x}")
    for part, length in parts:
        machine.memory.write_bytes(part, data[:length])
        data = data[length:]
