"""Numbers as `p` and `x` show them, by gdb's letters."""

from __future__ import annotations

from pagefault_lab.machine.registers import signed


def in_format(value: int, letter: str, size: int | None = None) -> str:
    """A number of `size` bytes by its letter: x d u o t c a z. Without a size it is as wide as gdb would have it."""
    width = size or next((width for width in (4, 8) if -(1 << 8 * width - 1) <= value < 1 << 8 * width), 32)
    bits = value & (1 << 8 * width) - 1
    match letter:
        case "d":
            return str(signed(bits, width) if width in (1, 2, 4) else value)
        case "u":
            return str(bits)
        case "o":
            return f"0{bits:o}" if bits else "0"
        case "t":
            return f"{bits:0{8 * width}b}" if size else f"{bits:#b}"
        case "c":
            return f"{value & 0xFF} {character(value & 0xFF)}"
        case _:
            return f"0x{bits:0{2 * width}x}" if size or letter == "z" else f"{bits:#x}"


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


def briefly(value: int) -> str:
    """A number among others: `7`, `0xe (14)`, and what is large as an address."""
    return str(value) if -10 < value < 10 else f"{value:#x} ({value})" if 0 < value < 0x1000 else f"{value:#x}"
