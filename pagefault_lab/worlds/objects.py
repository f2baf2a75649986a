"""What is linked: the sections, symbols and relocations of one file (elf.py reads objects from ELF)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pagefault_lab.assembler.program import COMMON

if TYPE_CHECKING:
    from pagefault_lab.assembler import Program

INFORMATION: Final = ".modinfo"  # this section, and .modinfo.*, are for insmod, and not loaded


class Field(NamedTuple):
    """What a kind of relocation stores: how many bytes, and whether the distance from the field or the address."""

    size: int
    relative: bool


# R_386_PLT32 is R_386_PC32 where nothing is linked at run time.
FIELDS: Final = {
    "R_386_32": Field(4, False), "R_386_PC32": Field(4, True), "R_386_PLT32": Field(4, True),
    "R_386_16": Field(2, False), "R_386_PC16": Field(2, True), "R_386_8": Field(1, False), "R_386_PC8": Field(1, True),
}  # fmt: skip


class Section(NamedTuple):
    """`data` is empty if the section has no contents (.bss): it is then `size` zeros. `loaded`: it takes memory."""

    name: str
    data: bytes
    size: int
    alignment: int = 1
    writable: bool = False
    executable: bool = False
    loaded: bool = True


class InSection(NamedTuple):
    """A place in the object's section of this number."""

    section: int
    offset: int


class Absolute(NamedTuple):
    """A number."""

    value: int


class Common(NamedTuple):
    """Room that all objects share which ask for it under this name."""

    size: int
    alignment: int


class Undefined(NamedTuple):
    """Somebody else's."""


Place: TypeAlias = InSection | Absolute | Common | Undefined


class Symbol(NamedTuple):
    """`name` is "" for a section's beginning. `binding` is "local", "global" or "weak": a weak symbol gives way to a
    global one, and is 0 if nobody defines it."""

    name: str
    place: Place
    binding: str = "local"


class Relocation(NamedTuple):
    """The field at `offset` of the section of number `section` waits for the symbol of number `symbol`. As in an ELF
    REL section, it already holds the addend."""

    section: int
    offset: int
    kind: str  # a key of FIELDS
    symbol: int


class Line(NamedTuple):
    """An instruction at `offset` of the section of number `section`, and where its text stands."""

    section: int
    offset: int
    file: str
    line: int


class Object(NamedTuple):
    """One file for the linker. `lines` are its instructions, if its source is known."""

    name: str
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def information(self) -> tuple[tuple[str, str], ...] | None:
        """The pairs of .modinfo in their order: ("license", "GPL"); None if the object has no such section."""
        found = [section.data for section in self.sections if section.name == INFORMATION]
        if not found:
            return None
        texts = (text.decode("utf-8", "replace").partition("=") for text in b"".join(found).split(b"\0") if text)
        return tuple((name, value) for name, _, value in texts)


def of_program(program: Program) -> Object:
    """The object of a relocatable program."""
    numbers = {section.name: number for number, section in enumerate(program.sections)}
    sections = tuple(
        Section(
            section.name,
            section.data,
            section.size,
            section.alignment,
            "w" in section.flags,
            "x" in section.flags,
            section.is_loaded and not section.name.startswith(INFORMATION),
        )
        for section in program.sections
    )

    def place_of(section: str | None, value: int, size: int) -> Place:
        if section is None:
            return Absolute(value)
        return Common(size, value) if section == COMMON else InSection(numbers[section], value)

    symbols = {
        name: Symbol(name, place_of(symbol.section, symbol.value, symbol.size), symbol.binding)
        for name, symbol in program.symbols.items()
    }
    for name in program.undefined:
        symbols.setdefault(name, Symbol(name, Undefined(), "weak" if name in program.weak else "global"))
    beginnings = {name: Symbol("", InSection(number, 0)) for name, number in numbers.items()}
    by_name = {"": Symbol("", Absolute(0))} | beginnings | symbols
    order = {name: number for number, name in enumerate(by_name)}
    relocations = tuple(
        Relocation(numbers[each.section], each.offset, each.kind, order[each.symbol]) for each in program.relocations
    )
    lines = tuple(
        Line(numbers[each.section], each.address, each.file, each.line) for each in program.lines if each.is_instruction
    )
    return Object(program.name, sections, tuple(by_name.values()), relocations, lines)
