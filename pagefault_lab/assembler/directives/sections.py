"""Directives that choose the section that what follows belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

_FLAGS = "awxMSGTeodlERy?"
_MOST_SUBSECTIONS = 8192


def _subsection(cursor: Cursor) -> int:
    column = cursor.skip_space()
    number = cursor.optional_number("the subsection") or 0
    if not 0 <= number <= _MOST_SUBSECTIONS:
        raise Problem(f"there is no subsection {number}", f"0 to {_MOST_SUBSECTIONS}", column=column)
    return number


@directive(".text")
def text(assembly: Assembly, cursor: Cursor) -> None:
    """.text [SUBSECTION]: what follows is code."""
    assembly.enter_section(".text", _subsection(cursor))


@directive(".data")
def data(assembly: Assembly, cursor: Cursor) -> None:
    """.data [SUBSECTION]: what follows is data that can be written."""
    assembly.enter_section(".data", _subsection(cursor))


@directive(".bss")
def bss(assembly: Assembly, cursor: Cursor) -> None:
    """.bss [SUBSECTION]: what follows is room, zero at the start, that takes no space in a file."""
    assembly.enter_section(".bss", _subsection(cursor))


@directive(".struct", ".offset")
def struct(assembly: Assembly, cursor: Cursor) -> None:
    """.struct OFFSET: the labels that follow are the offsets of a structure's fields, up to the next section."""
    column = cursor.skip_space()
    start = cursor.number("the first offset")
    if not 0 <= start < 1 << 32:
        raise Problem(f"a structure cannot begin at {start}", column=column)
    assembly.enter_struct(start)


@directive(".subsection")
def subsection(assembly: Assembly, cursor: Cursor) -> None:
    """.subsection NUMBER: subsections of a section lie in the order of their numbers."""
    assembly.enter_section(assembly.section.name, _subsection(cursor))


@directive(".section")
def section(assembly: Assembly, cursor: Cursor) -> None:
    """.section NAME[, "FLAGS"[, @TYPE]]: the section NAME; flags a loaded, w writable, x code; @nobits: no contents."""
    name, flags, kind = _description(cursor)
    assembly.enter_section(name, 0, flags, kind)


@directive(".pushsection")
def pushsection(assembly: Assembly, cursor: Cursor) -> None:
    """.pushsection NAME[, SUBSECTION][, "FLAGS"[, @TYPE]]: as .section, until .popsection."""
    name = _name(cursor)
    number = 0
    flags = kind = None
    if cursor.take(","):
        if cursor.peek() != '"':
            number = _subsection(cursor)
        if cursor.peek() == '"' or cursor.take(","):
            flags, kind = _attributes(cursor)
    assembly.push_section()
    assembly.enter_section(name, number, flags, kind)


@directive(".popsection")
def popsection(assembly: Assembly, cursor: Cursor) -> None:
    """.popsection: back to the section before the last .pushsection."""
    assembly.pop_section()


@directive(".previous")
def previous(assembly: Assembly, cursor: Cursor) -> None:
    """.previous: back to the section before this one."""
    assembly.previous_section()


def _name(cursor: Cursor) -> str:
    if cursor.peek() == '"':
        return cursor.string().decode("utf-8", "replace")
    start = cursor.skip_space()
    name = cursor.word()
    if not name:
        raise Problem("the section's name is missing", column=start)
    return name


def _description(cursor: Cursor) -> tuple[str, str | None, str | None]:
    name = _name(cursor)
    flags, kind = _attributes(cursor) if cursor.take(",") else (None, None)
    return name, flags, kind


def _attributes(cursor: Cursor) -> tuple[str | None, str | None]:
    """Flags and type, each None if not given; entry size and group behind them are read and left."""
    flags: str | None = None
    kind: str | None = None
    column = cursor.skip_space()
    if cursor.peek() == '"':
        flags = cursor.string().decode("ascii", "replace")
        wrong = [letter for letter in flags if letter not in _FLAGS and not letter.isdigit()]
        if wrong:
            raise Problem(f"{wrong[0]} is no flag of a section", "a loaded, w writable, x code", column=column)
        if not cursor.take(","):
            return flags, kind
        column = cursor.skip_space()
    marked = cursor.peek() in ("@", "%")
    if marked:
        cursor.position += 1
    if cursor.peek() == '"':
        kind = cursor.string().decode("ascii", "replace")
    elif marked:
        kind = cursor.word().lower()
    elif flags is None:
        raise Problem("the section's flags are missing", 'they are written in quotes, as in "aw"', column=column)
    else:
        raise Problem("the section's type is missing", "write @progbits or @nobits", column=column)
    while cursor.take(","):
        cursor.word()
    return flags, kind
