"""From fragments to a program: sizes and addresses, then every field that waited for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pagefault_lab.assembler.assembly import MOST_PROBLEMS, Assembly
from pagefault_lab.assembler.expressions import Reference, as_signed, fits
from pagefault_lab.assembler.fragments import (
    ABSOLUTE,
    Alignment,
    Branch,
    Fixup,
    Fragment,
    Leb128,
    Origin,
    Section,
    Space,
)
from pagefault_lab.assembler.nops import nops
from pagefault_lab.assembler.program import COMMON, Line, Program, Relocation, Symbol
from pagefault_lab.assembler.program import Section as FinishedSection
from pagefault_lab.assembler.relaxation import Relaxation, encode_leb128
from pagefault_lab.assembler.symbols import SymbolEntry, undefined_symbol
from pagefault_lab.assembler.values import Base, Resolver, Value, label_in_section
from pagefault_lab.machine.effort import EFFORT, KILOBYTE
from pagefault_lab.problem import Problem, Problems

_KINDS = {
    (4, False): "R_386_32", (4, True): "R_386_PC32", (2, False): "R_386_16", (2, True): "R_386_PC16",
    (1, False): "R_386_8", (1, True): "R_386_PC8",
}  # fmt: skip
_THROUGH_PLT = {"R_386_PC32": "R_386_PLT32"}  # of the same meaning where nothing is linked at run time


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller wants of the program's layout.

    `layout` gives sections an address of their own. With `allow_undefined`, symbols that nothing defines become
    relocations. With `relocatable`, so does whatever depends on where sections will lie, and commons are not placed.
    With `placed`, addresses are final and jumps to plain numbers may be short. `keep_all` keeps the names of `.L`
    labels and numeric labels.
    """

    name: str
    origin: int = 0
    layout: Mapping[str, int] | None = None
    allow_undefined: bool = False
    relocatable: bool = False
    placed: bool = False
    keep_all: bool = False


def link(assembly: Assembly, options: Options) -> Program:
    """The finished program; raises `Problems` for what is wrong in it."""
    return _Linking(assembly, options).run()


class _Linking:
    def __init__(self, assembly: Assembly, options: Options) -> None:
        self.assembly = assembly
        self.options = options
        self.problems = list(assembly.problems)
        self.relocations: list[Relocation] = []
        self.resolver = Resolver(label_in_section)
        self.fields = Resolver(_label_that_stays) if options.relocatable else self.resolver

    def run(self) -> Program:
        self._check()
        sections = [section for name, section in self.assembly.sections.items() if name != ABSOLUTE]
        for section in sections:
            if not section.subsections:
                section.subsections[0] = [Fragment(section)]
        if not self.options.relocatable:
            self._place_commons()
        layout = dict(self.options.layout or {})
        layout.setdefault(".text", self.options.origin)
        phases = {
            self.assembly.sections[name]: address % self.assembly.sections[name].alignment
            for name, address in layout.items()
            if name in self.assembly.sections
        }
        absolute = {self.assembly.sections[".text"]: layout[".text"]} if self.options.placed else {}
        try:
            Relaxation(sections, phases, absolute).run()
        except Problem as problem:
            raise Problems([problem.placed(file=self.options.name)]) from None
        if not self.options.relocatable:
            self._assign_addresses(sections, layout)
        for section in sections:
            EFFORT.spend(KILOBYTE * (section.size >> 10))
            self._fill(section)
        symbols = self._symbols()
        lines = tuple(self._lines())
        if self.problems:
            raise Problems(self.problems)
        undefined = [entry for entry in self.assembly.symbols.undefined() if "\x02" not in entry.name]
        finished = tuple(
            FinishedSection(each.name, each.address, each.size, each.data, each.flags, each.kind, each.alignment)
            for each in sections
        )
        return Program(
            self.options.name,
            finished,
            symbols,
            tuple(entry.name for entry in undefined),
            tuple(self.relocations),
            lines,
            frozenset(entry.name for entry in undefined if entry.binding == "weak"),
        )

    def _check(self) -> None:
        """Undefined symbols are errors, unless they may stay."""
        symbols = self.assembly.symbols
        known = {name: None for name, each in symbols.entries.items() if each.defined} | dict.fromkeys(symbols.external)
        for entry in symbols.undefined():
            if len(self.problems) >= MOST_PROBLEMS:
                break
            if entry.used_at in self.assembly.failed or entry.name in self.assembly.spoiled:
                continue
            numeric = "\x02" in entry.name
            if numeric or (not self.options.allow_undefined and entry.binding != "weak"):
                self.problems.append(undefined_symbol(entry, known))
        if self.problems:
            self.problems.sort(key=lambda problem: (problem.file != self.options.name, problem.line or 0))
            raise Problems(self.problems)

    def _place_commons(self) -> None:
        bss = self.assembly.sections[".bss"]
        fragments = bss.subsections[max(bss.subsections)]
        for entry in self.assembly.symbols.entries.values():
            if entry.common is None or entry.fragment is not None:
                continue
            size, alignment = entry.common
            statement = entry.defined_at or self.assembly.statement
            bss.alignment = max(bss.alignment, alignment)
            fragments[-1].tail = Alignment(alignment, b"\0", 0, statement)
            room = Fragment(bss)
            fragments.append(room)
            entry.fragment, entry.offset, entry.section = room, 0, bss
            room.tail = Space(size, 0, statement)
            fragments.append(Fragment(bss))
            entry.size = size if entry.size is None else entry.size
            entry.kind = entry.kind or "object"

    def _assign_addresses(self, sections: list[Section], layout: Mapping[str, int]) -> None:
        loaded = [section for section in sections if "a" in section.flags]
        loaded.sort(key=lambda section: section.kind == "nobits")
        address = layout[".text"]
        for section in loaded:
            if section.name in layout:
                section.address = layout[section.name]
                if section.name == ".text":
                    address = section.address + section.size
                continue
            section.address = -(-address // section.alignment) * section.alignment
            address = section.address + section.size
        for section in sections:
            if "a" not in section.flags:
                section.address = layout.get(section.name, 0)

    def _fill(self, section: Section) -> None:
        """Put the section's bytes together, and values into its fields."""
        if section.kind == "nobits":
            return
        data = bytearray()
        fields: list[tuple[int, Fixup]] = []
        for fragment in section.fragments():
            fields += [(fragment.address + fixup.offset, fixup) for fixup in fragment.fixups]
            data += fragment.data
            tail = fragment.tail
            if tail is None:
                continue
            if isinstance(tail, Branch):
                opcode, size = (tail.long, tail.long_size) if tail.is_long else (tail.short, 1)
                data += opcode
                fixup = Fixup(len(opcode), size, tail.target, True, tail.statement, tail.column)
                fields.append((len(data), fixup))
                data += bytes(size)
            elif isinstance(tail, Alignment):
                data += self._padding(tail, fragment.bits)
            elif isinstance(tail, Leb128):
                data += encode_leb128(self.resolver.value(tail.value).constant, tail.signed)
            elif isinstance(tail, (Space, Origin)):
                data += bytes((tail.fill,)) * tail.length
        for offset, fixup in fields:
            try:
                value = self._value(section, offset, fixup)
            except Problem as problem:
                problem.column = fixup.column if problem.column is None else problem.column
                self.problems.append(fixup.statement.place(problem))
                continue
            data[offset : offset + fixup.size] = value.to_bytes(fixup.size, "little")
        section.data = bytes(data)

    def _padding(self, tail: Alignment, bits: int) -> bytes:
        if tail.fill is None:
            return nops(tail.length, bits)
        count, rest = divmod(tail.length, len(tail.fill))
        if rest:
            sentence = f"{tail.length} bytes up to the alignment are no multiple of {len(tail.fill)}"
            self.problems.append(tail.statement.place(Problem(sentence)))
        return tail.fill * count + bytes(rest)

    def _value(self, section: Section, offset: int, fixup: Fixup) -> int:
        """The unsigned number that belongs into the field, relocations noted by the way."""
        found = self.fields.value(fixup.value)
        terms = dict(found.terms)
        number, size, relative = found.constant, fixup.size, fixup.relative
        if relative:
            number -= size
        if terms.get(section) == -1 and len(terms) > 1:  # minus a place here: relative to the field
            if relative:
                raise self._not_expressible(terms)
            del terms[section]
            relative = True
            number += offset
        table = self.assembly.sections.get(".got")
        if table is not None and terms.get(table) == -1 and not self.options.relocatable:
            del terms[table]  # minus the offset table: that is where it is
            number -= table.address
        if len(terms) > 1 or any(factor != 1 for factor in terms.values()):
            raise self._not_expressible(terms)
        pending = self._pending(section, next(iter(terms), None), relative)
        if pending is not None:
            kind = _KINDS.get((size, relative))
            if kind is None:
                raise Problem(f"the address of {pending} is not known yet, and {size} bytes cannot wait for it")
            if type(fixup.value) is Reference and fixup.value.plt:
                kind = _THROUGH_PLT.get(kind, kind)
            self.relocations.append(Relocation(section.name, offset, kind, pending, as_signed(number, 4)))
            return number & ((1 << 8 * size) - 1)
        for base in terms:
            if isinstance(base, Section):
                number += base.address
        if relative:
            distance = as_signed(number - (section.address + offset), 4)
            if size == 1 and not -128 <= distance <= 127:
                raise Problem(f"the target is {distance} bytes away", "this instruction reaches from -128 to 127")
            return distance & ((1 << 8 * size) - 1)
        if size < 4 and not fits(number, size):
            raise Problem(f"{number:#x} does not fit in {8 * size} bits")
        return number & ((1 << 8 * size) - 1)

    def _pending(self, section: Section, base: Base | None, relative: bool) -> str | None:
        """The symbol of a relocation that a field in this section needs, "" for none (an absolute number); else None.

        `base` is what the value counts from; `relative`: as the distance from the field.
        """
        if isinstance(base, SymbolEntry):
            optional = base.binding == "weak" and not self.options.allow_undefined
            return None if optional else base.name
        if not self.options.relocatable or (base is section if relative else base is None):
            return None
        return base.name if isinstance(base, Section) else ""

    def _not_expressible(self, terms: Iterable[Base]) -> Problem:
        undefined = [base for base in terms if isinstance(base, SymbolEntry)]
        if undefined:
            hint = "what is defined elsewhere can be used with numbers added or subtracted, in no other way"
            return Problem(f"{undefined[0].name} is not defined here", hint)
        return Problem(
            "this sum of addresses has no meaning in a program",
            "an address, an address minus one of the same section, or minus the place here",
        )

    def _symbols(self) -> dict[str, Symbol]:
        symbols = self.assembly.symbols
        found: dict[str, Symbol] = {}
        for name, entry in symbols.entries.items():
            if not entry.defined or "\x02" in name or (name in symbols.external and entry.defined_at is None):
                continue
            if name.startswith(".L") and not self.options.keep_all:
                continue
            self._symbol(found, name, entry)
        if self.options.keep_all:
            for name, entry in symbols.numeric_entries().items():
                self._symbol(found, name, entry)
        return found

    def _symbol(self, found: dict[str, Symbol], name: str, entry: SymbolEntry) -> None:
        try:
            value = self.resolver.symbol(entry)
            size = self.resolver.value(entry.size) if entry.size is not None else Value(0)
        except Problem as problem:
            if entry.defined_at is not None and not self.problems:
                self.problems.append(entry.defined_at.place(problem))
            return
        base = value.base
        if base is entry and entry.common is not None:  # a common block that is not placed
            size_of_block, alignment = entry.common
            found[name] = Symbol(name, alignment, COMMON, entry.binding, entry.kind or "object", size_of_block)
            return
        if value.terms and not isinstance(base, Section):
            return  # it stands for an undefined symbol, or a sum that nothing used
        section = base if isinstance(base, Section) else None
        address = (value.constant + (section.address if section else 0)) & 0xFFFF_FFFF
        found[name] = Symbol(
            name, address, section.name if section else None, entry.binding, entry.kind, max(0, size.constant)
        )

    def _lines(self) -> list[Line]:
        found: list[Line] = []
        for record in self.assembly.records:
            section = record.first.section
            start = record.first.address + record.start
            end = record.last.address + record.end
            statement = record.statement
            found.append(
                Line(
                    section.name,
                    section.address + start,
                    section.data[start:end],
                    statement.written,
                    statement.line,
                    statement.file,
                    record.word,
                    record.depth,
                )
            )
        return found


def _label_that_stays(entry: SymbolEntry) -> tuple[Base, int]:
    """The place of a label for a linker: that of a weak one is whatever definition counts in the end."""
    return (entry, 0) if entry.binding == "weak" else label_in_section(entry)
