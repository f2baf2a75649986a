"""Names, numbers and bits of the registers (SDM vol. 1, 3.4; vol. 3, 2.3 and 2.5).

Sizes are in bytes everywhere in the machine: 1, 2 or 4.
"""

from typing import Final

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)
ES, CS, SS, DS, FS, GS = range(6)

NAMES_32: Final = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
NAMES_16: Final = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
NAMES_8: Final = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")
SEGMENT_NAMES: Final = ("es", "cs", "ss", "ds", "fs", "gs")
NAMES: Final = {1: NAMES_8, 2: NAMES_16, 4: NAMES_32}

MASK: Final = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}
SIGN: Final = {1: 0x80, 2: 0x8000, 4: 0x8000_0000}

# EFLAGS:  AC VM RF - NT IOPL OF DF IF TF SF ZF - AF - PF 1 CF
#          18 17 16   14 13-12 11 10 9  8  7  6    4    2    0
CF, PF, AF, ZF, SF = 0x001, 0x004, 0x010, 0x040, 0x080
TF, IF, DF, OF = 0x100, 0x200, 0x400, 0x800
IOPL, NT, RF, VM, AC = 0x3000, 0x4000, 0x1_0000, 0x2_0000, 0x4_0000
STATUS: Final = CF | PF | AF | ZF | SF | OF
ALWAYS_ONE: Final = 0x2
EFLAGS_BITS: Final = STATUS | TF | IF | DF | IOPL | NT | RF | VM | AC | ALWAYS_ONE
FLAG_NAMES: Final = {
    CF: "CF", PF: "PF", AF: "AF", ZF: "ZF", SF: "SF", TF: "TF", IF: "IF",
    DF: "DF", OF: "OF", NT: "NT", RF: "RF", VM: "VM", AC: "AC",
}  # fmt: skip

# CR0
PE, MP, EM, TS, ET, NE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
WP, AM, NW, CD, PG = 0x1_0000, 0x4_0000, 0x2000_0000, 0x4000_0000, 0x8000_0000
CR0_NAMES: Final = {
    PE: "PE", MP: "MP", EM: "EM", TS: "TS", ET: "ET", NE: "NE",
    WP: "WP", AM: "AM", NW: "NW", CD: "CD", PG: "PG",
}  # fmt: skip

# CR4
PSE, PGE = 0x10, 0x80
CR4_NAMES: Final = {0x1: "VME", 0x2: "PVI", 0x4: "TSD", 0x8: "DE", PSE: "PSE", 0x40: "MCE", PGE: "PGE"}


def signed(value: int, size: int) -> int:
    """`value`, an unsigned number of `size` bytes, read as two's complement."""
    return value - (SIGN[size] << 1) if value & SIGN[size] else value


def sign_extend(value: int, size: int, to: int) -> int:
    """`value` of `size` bytes widened to `to` bytes, still unsigned."""
    return signed(value & MASK[size], size) & MASK[to]
