"""Looking at code without executing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import peeking
from pagefault_lab.lab.results import CodeLine, Disassembly, Missing
from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.registers import CS
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.formats import Length
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

MOST_BYTES: Final = 65536
FARTHEST_BEFORE: Final = 2048  # bytes that are disassembled to show what lies before an address


def next_instruction(machine: Machine) -> Instruction | None:
    """The instruction at CS:EIP as it would be decoded; None if it is not mapped, beyond CS or invalid."""
    return instruction_at(machine, machine.cpu.segments[CS].base + machine.cpu.eip & 0xFFFFFFFF)


def instruction_at(machine: Machine, linear: int) -> Instruction | None:
    """The instruction at a linear address, of the kind of code that CS has; None if it is not mapped or invalid."""
    size = 4 if machine.cpu.segments[CS].big else 2
    place = peeking.locate(machine, linear)
    if isinstance(place, Missing):
        return None
    known = machine.memory.code.get(place >> 12)
    if known is not None and (place & 0xFFF, size) in known.decoded:
        found: Instruction = known.decoded[place & 0xFFF, size]
        return found
    data, _ = peeking.readable(machine, linear, 15)
    in_order = iter(data)
    try:
        return decode(lambda: next(in_order), size)
    except (FaultRaised, StopIteration):
        return None


def disassembly(session: Session, start: int, length: Length | None, count: int = 10) -> Disassembly:
    """Instructions from `start` on: `count` of them, or as far as `length` says."""
    from pagefault_lab.assembler.disassembler import disassemble

    size = 4 if session.machine.cpu.segments[CS].big else 2
    if length is None:
        reach = 15 * count
    elif length.relative:
        reach = length.number
    else:
        reach = length.number - start
        if reach <= 0:
            raise Problem(f"the end {length.number:#x} is not behind {start:#x}", "START END, or START +BYTES")
    if reach > MOST_BYTES:
        raise Problem(f"{reach} bytes are too many to show", f"at most {MOST_BYTES} at once")
    data, missing = peeking.readable(session.machine, start, reach + (15 if length is not None else 0))
    stops = session.breakpoints.addresses()
    lines: list[CodeLine] = []
    place = 0
    while place < min(reach, len(data)) and (length is not None or len(lines) < count):
        address = start + place & 0xFFFFFFFF
        line = disassemble(data[place : place + 15], address, size, session.symbols.name)
        near = session.symbols.nearest(address)
        label = near.name if near is not None and not near.offset else ""
        lines.append(
            CodeLine(address, line.bytes, line.text, line.symbol, label, address == session.here, address in stops)
        )
        place += line.length
    ended = missing is not None and place >= len(data)
    return Disassembly(tuple(lines), missing.address if missing is not None and ended else None)


def around(session: Session, before: int, after: int) -> Disassembly:
    """The next instruction among its neighbours: at most `before` instructions that end here, `after` from here on.

    Those before are left out where it is not known where they begin: they are disassembled from what was typed, or from
    the symbol that EIP is behind. Typed code ends where the next line will be placed.
    """
    from pagefault_lab.lab.formats import Length

    here, region = session.here, session.code.region
    end = session.code.free(region) if region is not None and here in region else None
    earlier: tuple[CodeLine, ...] = ()
    start = _known_beginning(session, here, before)
    if start is not None and start < here:
        found = disassembly(session, start, Length(here, False))
        if found.lines and end_of(found) == here:
            earlier = found.lines[-before:]
    if here == end:
        return Disassembly(earlier)
    later = disassembly(session, here, None, after)
    return later._replace(lines=earlier + tuple(line for line in later.lines if end is None or line.address < end))


def _known_beginning(session: Session, here: int, count: int) -> int | None:
    """An address before this one where an instruction begins, `count` of them before it if that can be; None if none
    is known."""
    if session.code.contains_eip:
        starts = [line.address for line in session.code.program if 0 <= here - line.address < FARTHEST_BEFORE]
        return starts[-count - 1 :][0] if starts else None
    near = session.symbols.nearest(here)
    return here - near.offset if near is not None and near.offset < FARTHEST_BEFORE else None


def end_of(found: Disassembly) -> int:
    """The address behind the last line."""
    last = found.lines[-1]
    return last.address + len(last.bytes) & 0xFFFFFFFF
