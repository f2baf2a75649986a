"""Conditional assembly: .if and its kin, .elseif, .else, .endif."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.assembler.macros import squeeze
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor


def _if(assembly: Assembly, cursor: Cursor, test: Callable[[], bool]) -> None:
    """Open a block; the test is not made where an outer block leaves everything out."""
    if assembly.inputs.skipping:
        cursor.rest()
        assembly.inputs.open_condition(assembly.statement, taken=True, active=False)
        return
    try:
        holds = test()
    except Problem:
        assembly.inputs.open_condition(assembly.statement, taken=False, active=False)
        raise
    assembly.inputs.open_condition(assembly.statement, taken=holds, active=holds)


@directive(".if", ".ifne", conditional=True)
def if_(assembly: Assembly, cursor: Cursor) -> None:
    """.if VALUE: the lines up to .elseif, .else or .endif count only if VALUE, known here, is not 0."""
    _if(assembly, cursor, lambda: cursor.number("the condition") != 0)


@directive(".ifeq", conditional=True)
def ifeq(assembly: Assembly, cursor: Cursor) -> None:
    """.ifeq VALUE: if VALUE is 0."""
    _if(assembly, cursor, lambda: cursor.number("the condition") == 0)


@directive(".ifgt", conditional=True)
def ifgt(assembly: Assembly, cursor: Cursor) -> None:
    """.ifgt VALUE: if VALUE is greater than 0."""
    _if(assembly, cursor, lambda: cursor.number("the condition") > 0)


@directive(".ifge", conditional=True)
def ifge(assembly: Assembly, cursor: Cursor) -> None:
    """.ifge VALUE: if VALUE is 0 or greater."""
    _if(assembly, cursor, lambda: cursor.number("the condition") >= 0)


@directive(".iflt", conditional=True)
def iflt(assembly: Assembly, cursor: Cursor) -> None:
    """.iflt VALUE: if VALUE is less than 0."""
    _if(assembly, cursor, lambda: cursor.number("the condition") < 0)


@directive(".ifle", conditional=True)
def ifle(assembly: Assembly, cursor: Cursor) -> None:
    """.ifle VALUE: if VALUE is 0 or less."""
    _if(assembly, cursor, lambda: cursor.number("the condition") <= 0)


@directive(".ifdef", conditional=True)
def ifdef(assembly: Assembly, cursor: Cursor) -> None:
    """.ifdef NAME: if the symbol is defined before this line."""
    _if(assembly, cursor, lambda: assembly.is_defined(cursor.name("the symbol's name")))


@directive(".ifndef", ".ifnotdef", conditional=True)
def ifndef(assembly: Assembly, cursor: Cursor) -> None:
    """.ifndef NAME: if the symbol is not defined before this line."""
    _if(assembly, cursor, lambda: not assembly.is_defined(cursor.name("the symbol's name")))


@directive(".ifb", conditional=True)
def ifb(assembly: Assembly, cursor: Cursor) -> None:
    """.ifb TEXT: if nothing follows (an argument of a macro was left out)."""
    _if(assembly, cursor, lambda: not cursor.rest())


@directive(".ifnb", conditional=True)
def ifnb(assembly: Assembly, cursor: Cursor) -> None:
    """.ifnb TEXT: if something follows."""
    _if(assembly, cursor, lambda: bool(cursor.rest()))


@directive(".ifc", conditional=True)
def ifc(assembly: Assembly, cursor: Cursor) -> None:
    """.ifc ONE,OTHER: if the two texts are the same."""
    _if(assembly, cursor, lambda: _same(cursor))


@directive(".ifnc", conditional=True)
def ifnc(assembly: Assembly, cursor: Cursor) -> None:
    """.ifnc ONE,OTHER: if the two texts differ."""
    _if(assembly, cursor, lambda: not _same(cursor))


@directive(".ifeqs", conditional=True)
def ifeqs(assembly: Assembly, cursor: Cursor) -> None:
    """.ifeqs "ONE","OTHER": if the two strings are the same."""
    _if(assembly, cursor, lambda: _same_strings(cursor))


@directive(".ifnes", conditional=True)
def ifnes(assembly: Assembly, cursor: Cursor) -> None:
    """.ifnes "ONE","OTHER": if the two strings differ."""
    _if(assembly, cursor, lambda: not _same_strings(cursor))


@directive(".elseif", conditional=True)
def elseif(assembly: Assembly, cursor: Cursor) -> None:
    """.elseif VALUE: these lines count if no block before did and VALUE is not 0."""
    condition = assembly.inputs.condition(".elseif")
    if condition.taken:
        cursor.rest()
        condition.active = False
        return
    condition.active = condition.taken = cursor.number("the condition") != 0


@directive(".else", conditional=True)
def else_(assembly: Assembly, cursor: Cursor) -> None:
    """.else: these lines count if no block before did."""
    condition = assembly.inputs.condition(".else")
    condition.in_else = True
    condition.active = not condition.taken
    condition.taken = True


@directive(".endif", conditional=True)
def endif(assembly: Assembly, cursor: Cursor) -> None:
    """.endif: ends what .if began."""
    assembly.inputs.close_condition()


def _same(cursor: Cursor) -> bool:
    column = cursor.skip_space()
    one, comma, other = cursor.rest().partition(",")
    if not comma:
        raise Problem("a second text is missing", ".ifc compares ONE,OTHER", column=column)
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    text = squeeze(text)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _same_strings(cursor: Cursor) -> bool:
    one = cursor.string()
    cursor.expect(",", "between the strings")
    return one == cursor.string()
