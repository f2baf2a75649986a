"""Directives about symbols: values, visibility, type, size, common blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.assembler.fragments import Alignment, Space
from pagefault_lab.assembler.relaxation import LARGEST
from pagefault_lab.assembler.symbols import SymbolEntry
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

_KINDS = {
    "function": "function", "object": "object", "notype": "", "tls_object": "tls_object", "common": "common",
    "gnu_indirect_function": "gnu_indirect_function", "gnu_unique_object": "object", "stt_func": "function",
    "stt_object": "object", "stt_notype": "", "stt_tls": "tls_object", "stt_common": "common",
    "stt_gnu_ifunc": "gnu_indirect_function",
}  # fmt: skip


@directive(".set", ".equ")
def set_(assembly: Assembly, cursor: Cursor) -> None:
    """.set NAME, VALUE: NAME stands for VALUE from here on. The same as NAME = VALUE."""
    _set(assembly, cursor, once=False)


@directive(".equiv", ".eqv")
def equiv(assembly: Assembly, cursor: Cursor) -> None:
    """.equiv NAME, VALUE: as .set, but NAME must not be defined yet."""
    _set(assembly, cursor, once=True)


def _set(assembly: Assembly, cursor: Cursor, *, once: bool) -> None:
    column = cursor.skip_space()
    name = cursor.name("the symbol's name")
    cursor.expect(",", "between the name and its value")
    assembly.assign(name, cursor.expression(), column, once=once)


def _each(assembly: Assembly, cursor: Cursor) -> list[SymbolEntry]:
    found = [assembly.symbols.find(cursor.name("a symbol's name"))]
    while cursor.take(","):
        found.append(assembly.symbols.find(cursor.name("a symbol's name")))
    return found


@directive(".globl", ".global")
def globl(assembly: Assembly, cursor: Cursor) -> None:
    """.globl NAME, ...: other programs may refer to these symbols."""
    for entry in _each(assembly, cursor):
        if entry.binding != "weak":
            entry.binding = "global"


@directive(".weak")
def weak(assembly: Assembly, cursor: Cursor) -> None:
    """.weak NAME, ...: global symbols that give way to others; one that nobody defines is 0."""
    for entry in _each(assembly, cursor):
        entry.binding = "weak"


@directive(".local")
def local(assembly: Assembly, cursor: Cursor) -> None:
    """.local NAME, ...: symbols of this program only."""
    for entry in _each(assembly, cursor):
        entry.binding = "local"
        assembly.declared_local.add(entry.name)


@directive(".hidden", ".internal", ".protected", ".extern")
def hidden(assembly: Assembly, cursor: Cursor) -> None:
    """.hidden NAME, ...: accepted; what it asks matters to a dynamic linker only."""
    _each(assembly, cursor)


@directive(".type")
def type_(assembly: Assembly, cursor: Cursor) -> None:
    """.type NAME, @function or @object: what the symbol stands for."""
    entry = assembly.symbols.find(cursor.name("the symbol's name"))
    cursor.take(",")
    if cursor.peek() in ("@", "%", "#"):
        cursor.position += 1
    column = cursor.skip_space()
    kind = cursor.string().decode("utf-8", "replace") if cursor.peek() == '"' else cursor.name("a type")
    if kind.lower() not in _KINDS:
        raise Problem(f"{kind} is no type of a symbol", "@function and @object are", column=column)
    entry.kind = _KINDS[kind.lower()]


@directive(".size")
def size(assembly: Assembly, cursor: Cursor) -> None:
    """.size NAME, BYTES: how many bytes the symbol's function or object has."""
    entry = assembly.symbols.find(cursor.name("the symbol's name"))
    cursor.expect(",", "between the name and its size")
    entry.size = cursor.expression()


@directive(".comm", ".common")
def comm(assembly: Assembly, cursor: Cursor) -> None:
    """.comm NAME, BYTES[, ALIGNMENT]: room for NAME, in .bss behind everything else."""
    column = cursor.skip_space()
    entry, length, alignment = _block(assembly, cursor)
    if entry.name in assembly.declared_local:
        _reserve(assembly, entry, length, alignment, column)
        return
    if entry.defined and entry.common is None:
        raise Problem(f"{entry.name} is already defined", column=column)
    before = entry.common or (0, 1)
    entry.common = max(before[0], length), max(before[1], alignment)
    entry.defined_at = entry.defined_at or assembly.statement
    entry.binding = "global"


@directive(".lcomm")
def lcomm(assembly: Assembly, cursor: Cursor) -> None:
    """.lcomm NAME, BYTES[, ALIGNMENT]: room for NAME in .bss, for this program only."""
    column = cursor.skip_space()
    entry, length, alignment = _block(assembly, cursor, local=True)
    _reserve(assembly, entry, length, alignment, column)


def _block(assembly: Assembly, cursor: Cursor, *, local: bool = False) -> tuple[SymbolEntry, int, int]:
    entry = assembly.symbols.find(cursor.name("the symbol's name"))
    cursor.take(",")
    column = cursor.skip_space()
    length = cursor.number("the size")
    if not 0 <= length <= LARGEST:
        raise Problem(f"{length} bytes are not possible", f"0 to {LARGEST}", column=column)
    natural = min(1 << length.bit_length() - 1, 8 if local else 16) if length else 1
    alignment = cursor.number("the alignment") if cursor.take(",") else natural
    if alignment < 1 or alignment & alignment - 1 or alignment > 1 << 20:
        raise Problem(f"{alignment} is not an alignment", "a power of two is", column=column)
    return entry, length, alignment


def _reserve(assembly: Assembly, entry: SymbolEntry, length: int, alignment: int, column: int) -> None:
    """Make the block now, in subsection 1 of .bss."""
    with assembly.in_section(".bss", 1):
        assembly.section.alignment = max(assembly.section.alignment, alignment)
        assembly.close_fragment(Alignment(alignment, b"\0", 0, assembly.statement))
        assembly.define_label(entry.name, column)
        assembly.close_fragment(Space(length, 0, assembly.statement))
