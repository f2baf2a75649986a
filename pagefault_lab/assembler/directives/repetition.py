"""Macros and repetitions: .macro, .rept, .irp, .irpc, and .include."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.assembler.macros import Macro, read_parameters, replace, split_arguments
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

_REPETITIONS = (".rept", ".rep", ".irp", ".irpc", ".irep", ".irepc")


@directive(".macro")
def macro(assembly: Assembly, cursor: Cursor) -> None:
    """.macro NAME [PARAMETER[=DEFAULT|:req|:vararg]], ...: the lines up to .endm are what a line NAME stands for."""
    statement = assembly.statement
    body = assembly.inputs.collect(assembly.statement, (".macro",), (".endm", ".endmacro"))
    name = cursor.name("the macro's name")
    column = cursor.skip_space()
    cursor.take(",")
    parameters = read_parameters(cursor.rest(), column)
    if name.lower() in assembly.macros:
        before = assembly.macros[name.lower()].defined_at.line
        raise Problem(f"macro {name} is already defined", f"at line {before}; .purgem {name} forgets it")
    assembly.macros[name.lower()] = Macro(name, parameters, tuple(body), statement)


@directive(".purgem")
def purgem(assembly: Assembly, cursor: Cursor) -> None:
    """.purgem NAME: forget the macro."""
    column = cursor.skip_space()
    name = cursor.name("the macro's name")
    if assembly.macros.pop(name.lower(), None) is None:
        raise Problem(f"there is no macro {name}", column=column)


@directive(".exitm", ".mexit")
def exitm(assembly: Assembly, cursor: Cursor) -> None:
    """.exitm: leave the macro that is being expanded."""
    assembly.inputs.leave_macro()


@directive(".rept", ".rep")
def rept(assembly: Assembly, cursor: Cursor) -> None:
    """.rept COUNT: the lines up to .endr, COUNT times."""
    column = cursor.skip_space()
    body = assembly.inputs.collect(assembly.statement, _REPETITIONS, (".endr",))
    count = cursor.number("the count")
    if count < 0:
        raise Problem(f"{count} repetitions are not possible", column=column)
    assembly.inputs.insert_repeated(body, count, column)


@directive(".irp", ".irep")
def irp(assembly: Assembly, cursor: Cursor) -> None:
    """.irp NAME, VALUE, ...: the lines up to .endr for each value, which replaces \\NAME."""
    body = assembly.inputs.collect(assembly.statement, _REPETITIONS, (".endr",))
    name = cursor.name("the parameter's name")
    cursor.take(",")
    values = split_arguments(cursor.rest()) or [""]
    assembly.inputs.insert(
        statement for value in values for statement in replace(body, {name: value}, assembly.macro_calls, None)
    )


@directive(".irpc", ".irepc")
def irpc(assembly: Assembly, cursor: Cursor) -> None:
    """.irpc NAME, CHARACTERS: the lines up to .endr for each character, which replaces \\NAME."""
    body = assembly.inputs.collect(assembly.statement, _REPETITIONS, (".endr",))
    name = cursor.name("the parameter's name")
    cursor.take(",")
    characters = "".join(split_arguments(cursor.rest())) or [""]
    assembly.inputs.insert(
        statement for value in characters for statement in replace(body, {name: value}, assembly.macro_calls, None)
    )


@directive(".endr", ".endm", ".endmacro")
def stray_end(assembly: Assembly, cursor: Cursor) -> None:
    """.endr ends what .rept, .irp or .irpc began, .endm what .macro began."""
    opening = ".rept, .irp or .irpc" if assembly.word == ".endr" else ".macro"
    raise Problem(f"{assembly.word} without a beginning", f"it ends what {opening} began")


@directive(".include")
def include(assembly: Assembly, cursor: Cursor) -> None:
    """.include "FILE": the lines of FILE here."""
    column = cursor.skip_space()
    assembly.inputs.include(cursor.string().decode("utf-8", "replace"), assembly.statement, column)


@directive(".altmacro", ".mri")
def altmacro(assembly: Assembly, cursor: Cursor) -> None:
    """.altmacro: not known here; write \\NAME in macros."""
    raise Problem("the alternate macro syntax is not known here", "parameters are written \\NAME")


@directive(".end")
def end(assembly: Assembly, cursor: Cursor) -> None:
    """.end: nothing behind this line counts."""
    cursor.rest()
    assembly.inputs.stop()
