"""Numbers as `p` and `x` show them, by gdb's letters."""

from __future__ import annotations

from pagefault_lab.machine.registers import signed


def in_format(value: int, letter: str, size: int | None = None) -> str:
    """A number of `size` bytes (None: of no particular size) by its letter: x d u o t c a."""
    match letter:
        case "d":
            return str(signed(value, size) if size in (1, 2, 4) else value)
        case "u":
            return str(value & (1 << 8 * (size or 4)) - 1 if value < 0 else value)
        case "o":
            return f"0{value:o}" if value >= 0 else f"-0{-value:o}"
        case "t":
            return f"{value:0{8 * size}b}" if size else f"{value:#b}"
        case "c":
            code = value & 0xFF
            return f"{code} {character(code)}"
        case _:
            return f"0x{value:0{2 * size}x}" if size else f"{value:#x}"


def character(code: int) -> str:
    """A byte as C writes it: `'A'`, `'\\n'`."""
    known = {0: "\\0", 9: "\\t", 10: "\\n", 13: "\\r", 39: "\\'", 92: "\\\\"}
    return f"'{known.get(code) or (chr(code) if 32 <= code < 127 else f'{chr(92)}x{code:02x}')}'"


def plainly(value: int) -> str:
    """A number on its own: `7`, `0xc0100340 (3222274880)`, with its sign if it may have one."""
    if -10 < value < 10:
        return str(value)
    if value < 0:
        return f"{value} ({value:#x})"
    negative = f", {signed(value, 4)}" if 0x8000_0000 <= value <= 0xFFFF_FFFF else ""
    return f"{value:#x} ({value}{negative})"
