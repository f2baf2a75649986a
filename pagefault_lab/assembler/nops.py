"""Instructions that do nothing, with which as fills up to an alignment in code (i386, generic tuning).

Code after .code16 gets 16-bit ones; as decides by the mode at the end of the file, which is wrong where both are mixed.
"""

from __future__ import annotations

from typing import Final

# Each leaves all registers and flags alone: leal with a displacement of zero bytes that are encoded nevertheless.
_NOPS_32: Final = (
    b"",
    b"\x90",  # nop
    b"\x66\x90",  # xchg %ax,%ax
    b"\x8d\x76\x00",  # leal 0(%esi),%esi
    b"\x8d\x74\x26\x00",  # leal 0(%esi,1),%esi
    b"",  # of five bytes there is none
    b"\x8d\xb6\x00\x00\x00\x00",  # leal 0(%esi),%esi with four bytes
    b"\x8d\xb4\x26\x00\x00\x00\x00",  # leal 0(%esi,1),%esi with four bytes
)
_NOPS_16: Final = (
    b"",
    b"\x90",  # nop
    b"\x66\x90",  # xchg %eax,%eax
    b"\x8d\x74\x00",  # lea 0(%si),%si
    b"\x8d\xb4\x00\x00",  # lea 0(%si),%si with two bytes
)


def longest_nop(bits: int) -> int:
    """How many bytes the longest single instruction has."""
    return len(_NOPS_32 if bits == 32 else _NOPS_16) - 1


def nops(length: int, bits: int = 32, longest: int = 0) -> bytes:
    """`length` bytes of code that do nothing, quickly: beyond a certain length, a jump over the rest comes first.

    No instruction but that jump is longer than `longest` bytes (0: than the longest there is).
    """
    single = _NOPS_32 if bits == 32 else _NOPS_16
    longest = longest or longest_nop(bits)
    if not single[longest]:
        longest -= 1
    jump = b""
    if length >= 3 * longest_nop(bits):
        rest = length - 2
        if rest <= 127:
            jump = bytes((0xEB, rest))
        elif bits == 32:
            jump = b"\xe9" + (length - 5).to_bytes(4, "little")
        else:
            jump = b"\x66\xe9" + (length - 6).to_bytes(4, "little")
    count, rest = divmod(length - len(jump), longest)
    last = single[rest] if single[rest] or not rest else single[rest - 1] + single[1]
    return jump + single[longest] * count + last
