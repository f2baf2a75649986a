"""A text turned into bytes for one place: what the assembler gave, as the bench needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pagefault_lab.assembler import Program


class ProgramLine(NamedTuple):
    """One statement of the typed program, where it lies. `text` is the line on which it stands."""

    address: int  # linear
    bytes: bytes
    text: str
    is_instruction: bool
    file: str = ""  # the source that it was loaded from,
    line: int = 0  # and where it stands there


class SourceLine(NamedTuple):
    """A line of a source, and the linear address of its first instruction."""

    file: str
    line: int
    address: int


class Assembled(NamedTuple):
    """Parts (linear address, bytes), statements, and the names that the text defines.

    The code lies from `start` up to `end`; `free` is the first address behind everything. `entry` is the address of the
    first instruction, None if there is none.
    """

    parts: tuple[tuple[int, bytes], ...]
    lines: tuple[ProgramLine, ...]
    symbols: dict[str, int]
    constants: frozenset[str]
    start: int
    end: int
    free: int
    entry: int | None

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.parts)

    @classmethod
    def of(cls, program: Program, base: int, skip: int = 0, file: str = "") -> Assembled:
        """What a program of the assembler puts where; `base` is CS's base, `skip` leaves out .text's first bytes.

        `file` is the source's name, if its lines are to be known by their numbers.
        """
        text = program.section(".text")
        free = text.address + text.size
        parts = []
        for section in program.loaded():
            data, address = section.data or bytes(section.size), section.address
            if section.name == ".text":
                data, address = data[skip:], address + skip
            if data:
                parts.append((address + base & 0xFFFFFFFF, data))
            free = max(free, section.address + section.size)
        lines = tuple(
            ProgramLine(
                line.address + base & 0xFFFFFFFF,
                line.data,
                line.text.strip(),
                line.is_instruction,
                line.file if file else "",
                line.line if file else 0,
            )
            for line in program.lines
            if line.data and not (skip and line.section == ".text" and line.address < text.address + skip)
        )
        return cls(
            tuple(parts),
            lines,
            {name: symbol.value for name, symbol in program.symbols.items()},
            frozenset(name for name, symbol in program.symbols.items() if symbol.section is None),
            text.address + skip + base & 0xFFFFFFFF,
            text.address + text.size + base & 0xFFFFFFFF,
            free + base & 0xFFFFFFFF,
            next((line.address for line in lines if line.is_instruction), None),
        )


def leading_fill(program: Program) -> int:
    """How many bytes of .text come before its first statement that is not `.org`."""
    text = program.section(".text")
    for line in program.lines:
        if line.section == ".text" and line.word != ".org":
            return line.address - text.address
    return text.size
