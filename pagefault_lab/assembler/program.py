"""What assembling yields: sections with their bytes and addresses, symbols, relocations, and a listing.

Layout, unless the caller asks otherwise: .text at the origin; then, each at the next multiple of its alignment, .data,
the other sections that are loaded in the order of their first mention, and at last those without contents (.bss).
Sections that are not loaded (no `a` among their flags) have address 0 and are not in the image.

A relocatable program is not laid out: every section begins at 0 for a linker to place it, and symbols are offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

COMMON: Final = "*COM*"  # the section of a common block in a relocatable program; its symbol's value is its alignment


@dataclass(frozen=True, slots=True)
class Section:
    """`data` is empty for a section without contents ("nobits"), whatever its `size`."""

    name: str
    address: int
    size: int
    data: bytes
    flags: str  # letters of .section: a (loaded) w (writable) x (code) ...
    kind: str  # "progbits", "nobits", "note", ...
    alignment: int

    @property
    def is_loaded(self) -> bool:
        return "a" in self.flags


@dataclass(frozen=True, slots=True)
class Symbol:
    """`section` is None for an absolute symbol (an equate); `value` is then its number, else its address."""

    name: str
    value: int
    section: str | None
    binding: str = "local"  # "local", "global" or "weak"
    kind: str = ""  # as .type says: "function", "object", ...; "" if it says nothing
    size: int = 0

    @property
    def is_global(self) -> bool:
        return self.binding != "local"


@dataclass(frozen=True, slots=True)
class Relocation:
    """A field that waits for an undefined symbol: at `offset` of the section store symbol + addend (for R_386_PC32,
    minus the field's address). As in an ELF REL section, the field already holds the addend.

    In a relocatable program `symbol` may also be a section's name, for its beginning, or "" for an absolute number.
    """

    section: str
    offset: int
    kind: str  # "R_386_32", "R_386_PC32", "R_386_16", "R_386_PC16", "R_386_8", "R_386_PC8", "R_386_PLT32" (as PC32)
    symbol: str
    addend: int


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of the listing. `text` is the line of the source on which it stands, perhaps with others; `word`
    the mnemonic, prefix or directive that it begins with behind its labels, in lower case, "" without one. `depth`
    counts the macro calls it came through.
    """

    section: str
    address: int
    data: bytes
    text: str
    line: int
    file: str
    word: str = ""
    depth: int = 0

    @property
    def is_instruction(self) -> bool:
        """Whether its bytes are an instruction."""
        return bool(self.data) and bool(self.word) and self.word[0] != "."


@dataclass(frozen=True, slots=True)
class Program:
    """`weak` are those of the undefined symbols that are 0 if nobody defines them."""

    name: str
    sections: tuple[Section, ...]
    symbols: dict[str, Symbol]
    undefined: tuple[str, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    lines: tuple[Line, ...] = field(default=(), repr=False)
    weak: frozenset[str] = frozenset()

    def section(self, name: str) -> Section:
        """The section of that name; KeyError if there is none."""
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(name)

    @property
    def data(self) -> bytes:
        """The contents of .text: for a typed line, its bytes."""
        return self.section(".text").data

    def loaded(self) -> Iterator[Section]:
        """The sections that belong into memory and are not empty, by address."""
        yield from sorted(
            (each for each in self.sections if each.is_loaded and each.size), key=lambda each: each.address
        )

    @property
    def address(self) -> int:
        """Of the image's first byte."""
        return next((section.address for section in self.loaded()), self.section(".text").address)

    def image(self) -> bytes:
        """All that is loaded as one piece from `address` on, gaps and sections without contents as zeros."""
        sections = list(self.loaded())
        if not sections:
            return b""
        base = sections[0].address
        found = bytearray(max(section.address + section.size for section in sections) - base)
        for section in sections:
            start = section.address - base
            found[start : start + len(section.data)] = section.data
        return bytes(found)


def listing(program: Program) -> tuple[Line, ...]:
    """For each statement its address, its bytes and its source line, in the order of the source."""
    return program.lines
