"""Directives that put data: numbers, strings, repeated values, files."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.assembler.fragments import Leb128, Space
from pagefault_lab.assembler.output import number_in
from pagefault_lab.assembler.relaxation import encode_leb128
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

_WIDE = re.compile(r"[ \t]*0[xX]([0-9A-Fa-f]{1,32})[ \t]*(?=,|\Z)")
_DECIMAL = re.compile(r"[ \t]*(?:0[fFdDeErR])?([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)")


def _values(assembly: Assembly, cursor: Cursor, size: int) -> None:
    if cursor.at_end:
        return
    while True:
        column = cursor.skip_space()
        assembly.emit_value(cursor.expression(), size, column)
        if not cursor.take(","):
            return


@directive(".byte", ".1byte", ".dc.b")
def byte(assembly: Assembly, cursor: Cursor) -> None:
    """.byte VALUE, ...: values of one byte."""
    _values(assembly, cursor, 1)


@directive(".word", ".short", ".hword", ".value", ".2byte", ".dc", ".dc.w")
def word(assembly: Assembly, cursor: Cursor) -> None:
    """.word VALUE, ...: values of two bytes, the low one first."""
    _values(assembly, cursor, 2)


@directive(".long", ".int", ".4byte", ".slong", ".dc.l", ".dc.a")
def long(assembly: Assembly, cursor: Cursor) -> None:
    """.long VALUE, ...: values of four bytes, the lowest first."""
    _values(assembly, cursor, 4)


@directive(".quad", ".8byte")
def quad(assembly: Assembly, cursor: Cursor) -> None:
    """.quad VALUE, ...: values of eight bytes, the lowest first."""
    _values(assembly, cursor, 8)


@directive(".octa", ".16byte")
def octa(assembly: Assembly, cursor: Cursor) -> None:
    """.octa NUMBER, ...: numbers of sixteen bytes, the lowest byte first."""
    if cursor.at_end:
        return
    while True:
        wide = _WIDE.match(cursor.text, cursor.position)
        if wide is not None:
            value = int(wide[1], 16)
            cursor.position = wide.end()
        else:
            value = cursor.number("a number of sixteen bytes")
        assembly.emit((value & (1 << 128) - 1).to_bytes(16, "little"))
        if not cursor.take(","):
            return


@directive(".float", ".single", ".dc.s")
def float_(assembly: Assembly, cursor: Cursor) -> None:
    """.float NUMBER, ...: floating-point numbers of four bytes (IEEE 754)."""
    _floats(assembly, cursor, "<f")


@directive(".double", ".dc.d")
def double(assembly: Assembly, cursor: Cursor) -> None:
    """.double NUMBER, ...: floating-point numbers of eight bytes (IEEE 754)."""
    _floats(assembly, cursor, "<d")


def _floats(assembly: Assembly, cursor: Cursor, layout: str) -> None:
    if cursor.at_end:
        return
    while True:
        assembly.emit(_float(cursor, layout))
        if not cursor.take(","):
            return


def _float(cursor: Cursor, layout: str) -> bytes:
    column = cursor.skip_space()
    match = _DECIMAL.match(cursor.text, cursor.position)
    if match is None:
        raise Problem("a decimal number is missing here", "as 1.5 or -2e-3", column=column)
    cursor.position = match.end()
    try:
        return struct.pack(layout, float(match[1]))
    except OverflowError:
        raise Problem(f"{match[1]} is too large for this format", column=column) from None


def _strings(assembly: Assembly, cursor: Cursor, ending: bytes, width: int = 1) -> None:
    """Strings; each byte of them is stored in `width` bytes."""
    if cursor.at_end:
        return
    while True:
        text = cursor.string()
        while cursor.peek() == '"':
            text += cursor.string()
        assembly.emit(b"".join(byte.to_bytes(width, "little") for byte in text + ending))
        if not cursor.take(","):
            return


@directive(".ascii")
def ascii_(assembly: Assembly, cursor: Cursor) -> None:
    """.ascii "TEXT", ...: the characters, with nothing behind them."""
    _strings(assembly, cursor, b"")


@directive(".asciz", ".string", ".string8")
def asciz(assembly: Assembly, cursor: Cursor) -> None:
    """.asciz "TEXT", ...: the characters of each string and a zero byte."""
    _strings(assembly, cursor, b"\0")


@directive(".string16")
def string16(assembly: Assembly, cursor: Cursor) -> None:
    """.string16 "TEXT", ...: as .string, with two bytes for each character."""
    _strings(assembly, cursor, b"\0", 2)


@directive(".string32")
def string32(assembly: Assembly, cursor: Cursor) -> None:
    """.string32 "TEXT", ...: as .string, with four bytes for each character."""
    _strings(assembly, cursor, b"\0", 4)


@directive(".string64")
def string64(assembly: Assembly, cursor: Cursor) -> None:
    """.string64 "TEXT", ...: as .string, with eight bytes for each character."""
    _strings(assembly, cursor, b"\0", 8)


@directive(".uleb128")
def uleb128(assembly: Assembly, cursor: Cursor) -> None:
    """.uleb128 VALUE, ...: unsigned numbers in groups of seven bits."""
    _leb128(assembly, cursor, signed=False)


@directive(".sleb128")
def sleb128(assembly: Assembly, cursor: Cursor) -> None:
    """.sleb128 VALUE, ...: signed numbers in groups of seven bits."""
    _leb128(assembly, cursor, signed=True)


def _leb128(assembly: Assembly, cursor: Cursor, *, signed: bool) -> None:
    while True:
        column = cursor.skip_space()
        value = cursor.expression()
        if type(value) is int:
            assembly.emit(encode_leb128(value, signed))
        else:
            assembly.close_fragment(Leb128(value, signed, assembly.statement, column))
        if not cursor.take(","):
            return


@directive(".skip", ".space", ".ds.b")
def skip(assembly: Assembly, cursor: Cursor) -> None:
    """.skip COUNT[, FILL]: COUNT bytes of the value FILL (0)."""
    column = cursor.skip_space()
    count = cursor.expression()
    known = assembly.known(count)
    fill = cursor.number("the fill") & 0xFF if cursor.take(",") else 0
    if known is None:
        assembly.close_fragment(Space(count, fill, assembly.statement, column))
    else:
        assembly.emit_repeated(bytes((fill,)), known, column)


@directive(".zero")
def zero(assembly: Assembly, cursor: Cursor) -> None:
    """.zero COUNT: that many zero bytes."""
    skip(assembly, cursor)


@directive(".fill")
def fill(assembly: Assembly, cursor: Cursor) -> None:
    """.fill REPEAT[, SIZE[, VALUE]]: VALUE (0) in SIZE bytes (1, at most 8), REPEAT times."""
    column = cursor.skip_space()
    repeat = cursor.number("the count")
    size, value = 1, None
    if cursor.take(","):
        size = cursor.optional_number("the size") or 0
    if cursor.take(","):
        value = cursor.optional_number("the value")
    if size < 0:
        raise Problem("a size cannot be negative", column=column)
    size = min(size, 8)
    pattern = ((value or 0) & 0xFFFF_FFFF).to_bytes(8, "little")[:size]
    assembly.emit_repeated(pattern, repeat, column)


@directive(".dcb.b")
def dcb_b(assembly: Assembly, cursor: Cursor) -> None:
    """.dcb.b COUNT[, VALUE]: VALUE (0) in one byte, COUNT times."""
    _blocks(assembly, cursor, 1)


@directive(".dcb", ".dcb.w", ".ds", ".ds.w")
def dcb_w(assembly: Assembly, cursor: Cursor) -> None:
    """.dcb.w COUNT[, VALUE]: VALUE (0) in two bytes, COUNT times."""
    _blocks(assembly, cursor, 2)


@directive(".dcb.l", ".ds.l", ".ds.s")
def dcb_l(assembly: Assembly, cursor: Cursor) -> None:
    """.dcb.l COUNT[, VALUE]: VALUE (0) in four bytes, COUNT times."""
    _blocks(assembly, cursor, 4)


@directive(".ds.d")
def ds_d(assembly: Assembly, cursor: Cursor) -> None:
    """.ds.d COUNT[, VALUE]: VALUE (0) in eight bytes, COUNT times."""
    _blocks(assembly, cursor, 8)


@directive(".ds.p", ".ds.x")
def ds_x(assembly: Assembly, cursor: Cursor) -> None:
    """.ds.x COUNT[, VALUE]: VALUE (0) in ten bytes, COUNT times."""
    _blocks(assembly, cursor, 10)


@directive(".dcb.s")
def dcb_s(assembly: Assembly, cursor: Cursor) -> None:
    """.dcb.s COUNT[, NUMBER]: a floating-point number of four bytes (0), COUNT times."""
    _blocks(assembly, cursor, 4, "<f")


@directive(".dcb.d")
def dcb_d(assembly: Assembly, cursor: Cursor) -> None:
    """.dcb.d COUNT[, NUMBER]: a floating-point number of eight bytes (0), COUNT times."""
    _blocks(assembly, cursor, 8, "<d")


def _blocks(assembly: Assembly, cursor: Cursor, size: int, layout: str = "") -> None:
    """COUNT[, VALUE]: a value of `size` bytes, COUNT times; `layout` is that of a floating-point number."""
    column = cursor.skip_space()
    count = cursor.number("the count")
    value = bytes(size)
    if cursor.take(","):
        place = cursor.skip_space()
        value = _float(cursor, layout) if layout else number_in(cursor.number("the value"), size, place)
    assembly.emit_repeated(value, count, column)


@directive(".incbin")
def incbin(assembly: Assembly, cursor: Cursor) -> None:
    """.incbin "FILE"[, SKIP[, COUNT]]: the bytes of a file."""
    column = cursor.skip_space()
    data = assembly.inputs.read_bytes(cursor.string().decode("utf-8", "replace"), column)
    start = count = None
    if cursor.take(","):
        start = cursor.optional_number("the offset")
    if cursor.take(","):
        count = cursor.optional_number("the count")
    if (start or 0) < 0 or (count or 0) < 0:
        raise Problem("neither the offset nor the count can be negative", column=column)
    data = data[start or 0 :]
    assembly.emit(data if count is None else data[:count])
