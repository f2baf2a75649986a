"""ELF relocatable files for the i386 as objects, whatever the file really holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple

from pagefault_lab.problem import Problem
from pagefault_lab.worlds.objects import (
    FIELDS,
    INFORMATION,
    Absolute,
    Common,
    InSection,
    Object,
    Relocation,
    Section,
    Symbol,
    Undefined,
)

LARGEST: Final = 2 << 20  # bytes of a file, and of a section
SECTION_HEADER, SYMBOL = 40, 16  # bytes

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 0x1, 0x2, 0x4, 0x400
BITCODE: Final = b"BC\xc0\xde"  # what clang writes where link-time optimization is to make the code
BINDINGS: Final = {
    "STB_LOCAL": "local", "STB_GLOBAL": "global", "STB_WEAK": "weak",
    "STB_LOOS": "weak",  # STB_GNU_UNIQUE: of C++, where the first of several definitions is for all
}  # fmt: skip
KINDS: Final = {
    1: "R_386_32", 2: "R_386_PC32", 4: "R_386_PLT32", 20: "R_386_16", 21: "R_386_PC16", 22: "R_386_8", 23: "R_386_PC8",
}  # fmt: skip
NOTHING: Final = 0  # R_386_NONE
OF_LINK_TIME_OPTIMIZATION: Final = "__gnu_lto_slim"  # a symbol of an object without machine code
FEATURES: Final = b"\x02\x00\x00\xc0\x04\x00\x00\x00"  # GNU_PROPERTY_X86_FEATURE_1_AND, 4 bytes
ENDBR: Final = 1  # bit 0 of these: IBT
OF_POSITION_INDEPENDENT_CODE: Final = (3, 9, 10, 43)  # R_386_GOT32, R_386_GOTOFF, R_386_GOTPC, R_386_GOT32X


class _Tables(NamedTuple):
    """What pyelftools has read, as it stands in the file.

    `sections` are (name, header, contents), `symbols` (name, entry) of the one symbol table, `relocations` of each
    table its type, the number of the section it is about, and (offset, information) of its entries.
    """

    sections: list[tuple[str, Mapping[str, Any], bytes]]
    symbols: list[tuple[str, Mapping[str, Any]]]
    relocations: list[tuple[str, int, list[tuple[int, int]]]]


def read_elf(data: bytes, name: str) -> Object:
    """The object in a file: ELF for the i386, relocatable. A Problem if it is anything else, or damaged."""
    if len(data) > LARGEST:
        raise Problem(f"{name} is too large", f"at most {LARGEST >> 20} MiB")
    if data[:4] == BITCODE:
        raise _no_code(name)
    if data[:4] != b"\x7fELF":
        raise Problem(f"{name} is no object file", "gcc -m32 -c and as --32 make them")
    if data[4:6] != b"\x01\x01" or data[18:20] != b"\x03\x00":  # 32 bits, little-endian, EM_386
        raise Problem(f"{name} is not for the i386", "gcc -m32 -c makes an object that is")
    if data[16:18] != b"\x01\x00":  # ET_REL
        raise Problem(f"{name} is not an object: it is linked already", "gcc -m32 -c makes an object")
    try:
        tables = _tables(data)
    except Exception as error:  # a damaged file makes pyelftools stumble in many ways; nothing of ours runs in there
        raise _damaged(name) from error
    return _Reading(name, tables).object()


def _damaged(name: str, hint: str | None = None) -> Problem:
    return Problem(f"{name} is damaged: as ELF it makes no sense", hint)


def _no_code(name: str) -> Problem:
    return Problem(f"{name} holds no machine code yet", "compile it without -flto")


def _tables(data: bytes) -> _Tables:
    """All that is needed of the file. What it says of sizes is believed only as far as the file goes."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection
    from elftools.elf.sections import SymbolTableSection

    file = ELFFile(BytesIO(data))
    if file["e_shentsize"] != SECTION_HEADER or file.num_sections() * SECTION_HEADER > len(data):
        raise ValueError("more sections than the file has room for")
    sections: list[tuple[str, Mapping[str, Any], bytes]] = []
    symbols: list[tuple[str, Mapping[str, Any]]] = []
    relocations: list[tuple[str, int, list[tuple[int, int]]]] = []
    for section in file.iter_sections():
        contents = data[section["sh_offset"] :][: section["sh_size"]]
        if section["sh_type"] != "SHT_NOBITS" and len(contents) != section["sh_size"]:
            raise ValueError("a section reaches beyond the file")
        sections.append((section.name, section.header, contents))
        if isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_SYMTAB":
            if symbols or section["sh_entsize"] != SYMBOL:
                raise ValueError("not one table of symbols")
            symbols += [(symbol.name, symbol.entry) for symbol in section.iter_symbols()]
        elif isinstance(section, RelocationSection):
            entries = [(each["r_offset"], each["r_info"]) for each in section.iter_relocations()]
            relocations.append((section["sh_type"], section["sh_info"], entries))
    return _Tables(sections, symbols, relocations)


class _Reading:
    """From an ELF file's tables to an Object; every number in them is checked."""

    def __init__(self, name: str, tables: _Tables) -> None:
        self.name = name
        self.tables = tables

    def object(self) -> Object:
        sections = tuple(self._section(*each) for each in self.tables.sections)
        symbols = tuple(self._symbol(sections, *each) for each in self.tables.symbols)
        if any(symbol.name == OF_LINK_TIME_OPTIMIZATION for symbol in symbols):
            raise _no_code(self.name)
        return Object(self.name, sections, symbols, tuple(self._relocations(sections, symbols)))

    def _section(self, name: str, header: Mapping[str, Any], contents: bytes) -> Section:
        flags = header["sh_flags"]
        if name == ".note.gnu.property":
            _, found, value = contents.partition(FEATURES)
            if found and value[:1] and value[0] & ENDBR:
                sentence = f"the functions of {self.name} begin with endbr32, which is not an instruction of a 486"
                raise Problem(sentence, "compile it with -fcf-protection=none, as kernels of its time are")
        loaded = bool(flags & SHF_ALLOC) and not name.startswith(INFORMATION)
        alignment = max(1, header["sh_addralign"])
        if loaded and flags & SHF_TLS:
            raise Problem(f"{self.name} has a variable for each thread", "a kernel has no such thing")
        if loaded and (alignment & alignment - 1 or header["sh_size"] > LARGEST):
            raise _damaged(self.name, f"its section {name}")
        data = b"" if header["sh_type"] == "SHT_NOBITS" else contents
        return Section(
            name, data, header["sh_size"], alignment, bool(flags & SHF_WRITE), bool(flags & SHF_EXECINSTR), loaded
        )

    def _symbol(self, sections: tuple[Section, ...], name: str, entry: Mapping[str, Any]) -> Symbol:
        binding = BINDINGS.get(entry["st_info"]["bind"])
        if binding is None or (binding != "local" and not name):
            raise _damaged(self.name, f"the binding of its symbol {name}")
        value, size = entry["st_value"], entry["st_size"]
        match entry["st_shndx"]:
            case "SHN_UNDEF":
                return Symbol(name, Undefined() if name else Absolute(0), binding)
            case "SHN_ABS":
                return Symbol(name, Absolute(value), binding)
            case "SHN_COMMON":
                if value & value - 1 or size > LARGEST:
                    raise _damaged(self.name, f"its symbol {name}")
                return Symbol(name, Common(size, max(1, value)), "global")
            case int(number) if number < len(sections):
                return Symbol(name, InSection(number, value), binding)
        raise _damaged(self.name, f"the section of its symbol {name}")

    def _relocations(self, sections: tuple[Section, ...], symbols: tuple[Symbol, ...]) -> Iterator[Relocation]:
        for kind, about, entries in self.tables.relocations:
            if about >= len(sections):
                raise _damaged(self.name, "the section of its relocations")
            section = sections[about]
            if not section.loaded:
                continue
            if kind != "SHT_REL":
                raise Problem(f"{self.name} has relocations with addends (RELA)", "the i386's have none")
            for offset, information in entries:
                number = information & 0xFF
                if number == NOTHING:
                    continue
                if number in OF_POSITION_INDEPENDENT_CODE:
                    raise Problem(f"{self.name} is position-independent", "compile it with -fno-pic, as kernels are")
                if number not in KINDS:
                    raise Problem(f"{self.name} has relocations of the unknown kind {number}")
                if offset + FIELDS[KINDS[number]].size > len(section.data) or information >> 8 >= len(symbols):
                    raise _damaged(self.name, f"the relocations of {section.name}")
                yield Relocation(about, offset, KINDS[number], information >> 8)
