"""Texts for reaching operands in memory."""

from __future__ import annotations

from typing import Final

from pagefault_lab.machine.operands import Memory
from pagefault_lab.machine.registers import MASK

# How a value of so many bytes is cut out of its word: what else must hold for the fast path, and the value.
CUT: Final = {
    4: (" and not {at} & 3", "{word}"),
    2: (" and {at} & 3 != 3", "{word} >> (({at} & 3) << 3) & 65535"),
    1: ("", "{word} >> (({at} & 3) << 3) & 255"),
}


def offset_text(memory: Memory) -> str:
    """The effective address as an expression over the register list R."""
    parts = []
    if memory.base is not None:
        parts.append(f"R[{memory.base}]")
    if memory.index is not None:
        parts.append(f"R[{memory.index}]" + (f" * {memory.scale}" if memory.scale > 1 else ""))
    mask = MASK[memory.address_size]
    if not parts:
        return str(memory.displacement & mask)
    if memory.displacement:
        parts.append(str(memory.displacement))
    elif len(parts) == 1 and memory.index is None and memory.address_size == 4:
        return parts[0]
    return f"({' + '.join(parts)} & {mask})"


def indented(lines: list[str], by: int = 4) -> list[str]:
    """The lines, deeper."""
    return [" " * by + line for line in lines]
