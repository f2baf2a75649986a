"""Making breakpoints, and finding what is meant by a place in the code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import expressions
from pagefault_lab.lab.breakpoints.places import AtLinear, AtPhysical, AtSelector
from pagefault_lab.lab.breakpoints.told import BreakpointSet, given
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints.points import Breakpoint
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.session import Session

_PHYSICAL: Final = re.compile(r"phys(?:ical)?[ \t]+(?=[^\s\[])")
_LINE: Final = re.compile(r"([^\s:]+):([0-9]+)(?=[\s,]|\Z)")
_NUMBER: Final = re.compile(r"[1-9][0-9]*(?=[\s,]|\Z)")


def add(
    session: Session, point: Breakpoint, condition: Expression | None = None, temporary: bool = False
) -> BreakpointSet:
    """A new breakpoint of the session."""
    point.condition, point.temporary = condition, temporary
    address = None if point.is_physical else point.address
    if address is not None:
        modules = session.symbols.modules.items()
        point.module = next((name for name, loaded in modules if address in loaded.region), "")
    return given(session, session.breakpoints.add(point))


def read_place(session: Session, line: str, position: int) -> tuple[Breakpoint, int]:
    """The breakpoint at the place that a line names at `position`, and where that ends: `phys ADDRESS`, `FILE:LINE` or
    `LINE` of a source that was loaded, `SELECTOR:OFFSET`, or a linear address."""
    if physical := _PHYSICAL.match(line, position):
        expression, end = expressions.read(line, physical.end())
        address = expression.value(session)
        if not 0 <= address < session.machine.memory.size:
            hint = f"it ends at {session.machine.memory.size - 1:#x}"
            raise Problem("there is no such physical memory", hint, text=line, column=physical.end())
        return AtPhysical(address), end
    if (named := _LINE.match(line, position)) and (file := _file(session, named[1])):
        return _at_line(session, file, int(named[2]), line, position), named.end()
    if number := _NUMBER.match(line, position):
        lines = session.code.source_lines
        if lines and int(number[0]) <= max(each.line for each in lines if each.file == lines[-1].file):
            return _at_line(session, lines[-1].file, int(number[0]), line, position), number.end()
    if line[position : position + 1] == "*":  # gdb's `b *0x1234`
        position += 1
    expression, end = expressions.read(line, position)
    value = expression.value(session)
    if line[end : end + 1] == ":":
        offset, end = expressions.read(line, end + 1)
        if not 0 <= value <= 0xFFFF:
            raise Problem(f"{value:#x} is no selector", "SELECTOR:OFFSET, or FILE:LINE", text=line, column=position)
        return AtSelector(value, offset.value(session) & 0xFFFFFFFF), end
    return AtLinear(value & 0xFFFFFFFF), end


def _file(session: Session, name: str) -> str | None:
    """The source of that name, of all whose lines are known; None if there is none. The folder may be left out."""
    known = dict.fromkeys(each.file for each in session.code.source_lines)
    return name if name in known else next((each for each in known if each.rpartition("/")[2] == name), None)


def _at_line(session: Session, file: str, number: int, line: str, column: int) -> AtLinear:
    """At the first instruction of a line, or of the next one that has any."""
    known = [each for each in session.code.source_lines if each.file == file and each.line >= number]
    found = min(known, key=lambda each: each.line, default=None)
    if found is None:
        raise Problem(f"{file} has no instruction from line {number} on", None, text=line, column=column)
    return AtLinear(found.address, f"{file.rpartition('/')[2]}:{found.line}")
