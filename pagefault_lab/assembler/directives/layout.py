"""Directives that move the location: alignment, origin, and instructions that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.assembler.fragments import Alignment, Origin
from pagefault_lab.assembler.nops import longest_nop
from pagefault_lab.assembler.nops import nops as doing_nothing
from pagefault_lab.assembler.output import check_length
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

_LARGEST_POWER = 20


def _align(assembly: Assembly, cursor: Cursor, *, power: bool, fill_size: int = 1) -> None:
    column = cursor.skip_space()
    amount = cursor.optional_number("the alignment")
    if amount is None:
        amount = 0
    if power:
        if not 0 <= amount <= _LARGEST_POWER:
            raise Problem(f"an alignment to 2**{amount} is not possible", f"0 to {_LARGEST_POWER}", column=column)
        boundary = 1 << amount
    else:
        boundary = amount or 1
        if boundary < 0 or boundary & boundary - 1:
            raise Problem(f"{amount} is not a power of two", "1, 2, 4, 8, 16, ... are", column=column)
        if boundary > 1 << _LARGEST_POWER:
            raise Problem(f"an alignment to {boundary} is too large", f"at most {1 << _LARGEST_POWER}", column=column)
    fill = limit = None
    if cursor.take(","):
        fill = cursor.optional_number("the fill")
    if cursor.take(","):
        limit = cursor.optional_number("the limit")
    section = assembly.section
    section.alignment = max(section.alignment, boundary)
    if boundary == 1:
        return  # as leaves nothing behind, not even the end of a fragment
    if limit is not None and limit >= boundary:
        limit = 0
    if limit is not None and limit < 0:
        raise Problem("a limit cannot be negative", column=column)
    pattern: bytes | None = b"\0"
    if fill is not None and not (section.is_code and fill_size == 1 and fill & 0xFF == 0x90):
        pattern = (fill & ((1 << 8 * fill_size) - 1)).to_bytes(fill_size, "little")
    elif section.is_code:
        pattern = None
    assembly.close_fragment(Alignment(boundary, pattern, limit or 0, assembly.statement))


@directive(".align", ".balign")
def align(assembly: Assembly, cursor: Cursor) -> None:
    """.align BYTES[, FILL[, LIMIT]]: go to the next multiple of BYTES, unless it takes more than LIMIT bytes."""
    _align(assembly, cursor, power=False)


@directive(".p2align")
def p2align(assembly: Assembly, cursor: Cursor) -> None:
    """.p2align POWER[, FILL[, LIMIT]]: go to the next multiple of 2**POWER, unless it takes more than LIMIT bytes."""
    _align(assembly, cursor, power=True)


@directive(".balignw")
def balignw(assembly: Assembly, cursor: Cursor) -> None:
    """.balignw BYTES[, FILL[, LIMIT]]: as .balign, filling with two-byte values."""
    _align(assembly, cursor, power=False, fill_size=2)


@directive(".balignl")
def balignl(assembly: Assembly, cursor: Cursor) -> None:
    """.balignl BYTES[, FILL[, LIMIT]]: as .balign, filling with four-byte values."""
    _align(assembly, cursor, power=False, fill_size=4)


@directive(".p2alignw")
def p2alignw(assembly: Assembly, cursor: Cursor) -> None:
    """.p2alignw POWER[, FILL[, LIMIT]]: as .p2align, filling with two-byte values."""
    _align(assembly, cursor, power=True, fill_size=2)


@directive(".p2alignl")
def p2alignl(assembly: Assembly, cursor: Cursor) -> None:
    """.p2alignl POWER[, FILL[, LIMIT]]: as .p2align, filling with four-byte values."""
    _align(assembly, cursor, power=True, fill_size=4)


@directive(".org")
def org(assembly: Assembly, cursor: Cursor) -> None:
    """.org OFFSET[, FILL]: go on at OFFSET of this section, which may only lie ahead."""
    column = cursor.skip_space()
    target = cursor.expression()
    fill = cursor.number("the fill") & 0xFF if cursor.take(",") else 0
    assembly.close_fragment(Origin(target, fill, assembly.statement, column))


@directive(".nop")
def nop(assembly: Assembly, cursor: Cursor) -> None:
    """.nop [COUNT]: the instruction nop, COUNT (1) times."""
    column = cursor.skip_space()
    count = cursor.optional_number("the count")
    assembly.emit_repeated(doing_nothing(1), 1 if count is None else count, column)


@directive(".nops")
def nops(assembly: Assembly, cursor: Cursor) -> None:
    """.nops BYTES[, LONGEST]: instructions that do nothing, of BYTES together and none longer than LONGEST bytes."""
    column = cursor.skip_space()
    length = cursor.number("the number of bytes")
    check_length(length, column)
    longest = 0
    if cursor.take(","):
        place = cursor.skip_space()
        longest, most = cursor.number("the length of one"), longest_nop(assembly.bits)
        if not 0 <= longest <= most:
            raise Problem(f"no such instruction has {longest} bytes", f"1 to {most}", column=place)
    assembly.emit(doing_nothing(length, assembly.bits, longest))
