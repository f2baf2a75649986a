"""Hot code turned into Python functions, from the instructions' own declarations.

The translator takes the source of each instruction's function and puts the operands in: `source.read(cpu)` becomes
`R[3]`, an immediate becomes its number, a memory operand the look-up in the fast paths with the processor's own method
behind it, and what is then constant is folded. What it cannot simplify it calls as it stands. So there is one
semantics; tests hold the two equal in lockstep.

A block starts at a fixed EIP and follows the code through jumps and calls inside one page, along both ways of a branch
as far as there is room; a return leaves it unless it goes where the call came from, and a branch to its own start makes
it a loop. Flags are stored only where somebody could look. A block is only run while CS is flat, SS is a
32-bit stack, nobody records, and neither TF, RF nor an interrupt is up; an instruction that could change any of this
(or the translation of addresses) is never part of one.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from pagefault_lab.machine.translation.block import Block, Written
from pagefault_lab.machine.translation.writer import Writer

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


def translate(
    machine: Machine, eip: int, physical: int, journaling: bool = False, stops: Set[int] = frozenset()
) -> Block | None:
    """Translate the 32-bit code at EIP, whose first byte is at `physical`; None if its first instruction cannot be.

    A block that is `journaling` notes every instruction with the recorder and takes no fast path to memory. It ends
    before any address in `stops`. What is written for one machine is used by others with the same page.
    """
    page = range(eip & ~0xFFF, (eip | 0xFFF) + 1)
    here = frozenset(stop for stop in min(stops, page, key=len) if stop in page and stop in stops)
    looking = bool(machine.cpu.watches)
    frame = physical >> 12
    known = machine.memory.code_of(frame).experience.written
    key = eip, journaling, looking
    written: Written | None = known.get(key)
    if written is None or written.stops != here:
        written = Writer(machine.memory, eip, frame, journaling, looking, here).written()
        if written is None:
            return None
        known[key] = written
    return written.bound(machine, frame, journaling)


__all__ = ["Block", "translate"]
