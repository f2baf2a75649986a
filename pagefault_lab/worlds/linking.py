"""Objects to one piece of memory: sections laid out, names resolved, fields filled in.

The piece begins at an address with an alignment of a page, which need not be known until the bytes are wanted. In it
lie, each by the files' order: code, then data that is only read, data, data without contents, commons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pagefault_lab.problem import Problem, closest
from pagefault_lab.worlds.objects import (
    FIELDS,
    Absolute,
    Common,
    InSection,
    Object,
    Relocation,
    Section,
    Symbol,
    Undefined,
)

PAGE: Final = 4096
LARGEST: Final = 1 << 20  # bytes of all together
MOST_NAMED: Final = 20  # symbols in one complaint


class Outside(NamedTuple):
    """What objects may refer to without defining it: `exports`, by value. Of other names that they might expect there,
    `hints` tell."""

    exports: Mapping[str, int]
    hints: Mapping[str, str]


class Value(NamedTuple):
    """What a symbol turns out to be: a number, or that many bytes from the beginning of the piece."""

    number: int
    inside: bool

    def at(self, address: int) -> int:
        """The value when the piece begins at `address`."""
        return self.number + address & 0xFFFFFFFF if self.inside else self.number


class Definition(NamedTuple):
    """A symbol, and the number of the object that it stands in."""

    owner: int
    symbol: Symbol


class Linked:
    """Objects that fit together, laid out from offset `start` of the piece up to `end`.

    Raises a Problem for what is defined twice or not at all.
    """

    def __init__(self, objects: Sequence[Object], outside: Outside, start: int = 0) -> None:
        self.objects = objects
        self.outside = outside
        self.start = start
        self.offsets: dict[tuple[int, int], int] = {}  # of sections, by (object, section)
        self.commons: dict[str, int] = {}  # their offsets
        self._globals = self._defined_globals()
        self.end = self._lay_out()
        self._check_resolved()

    # --- names

    def _defined_globals(self) -> dict[str, Definition]:
        """For each name that objects share the definition that counts."""
        found: dict[str, Definition] = {}
        for number, each in enumerate(self.objects):
            for symbol in each.symbols:
                if symbol.binding == "local" or isinstance(symbol.place, Undefined):
                    continue
                before = found.get(symbol.name)
                if before is None or _strength(symbol) > _strength(before.symbol):
                    found[symbol.name] = Definition(number, symbol)
                elif _strength(symbol) == _strength(before.symbol) == DEFINED:
                    raise Problem(
                        f"{symbol.name} is defined twice",
                        f"in {self.objects[before.owner].name} and in {each.name}",
                    )
        return found

    def locals(self, name: str) -> list[Definition]:
        """The definitions of a name that are for their own objects only."""
        return [
            Definition(number, symbol)
            for number, each in enumerate(self.objects)
            for symbol in each.symbols
            if symbol.name == name and symbol.binding == "local"
        ]

    def find(self, name: str) -> Definition | None:
        """The definition of a name that objects share, else of one that is local to one of them; None without any, a
        Problem if several have their own."""
        shared = self._globals.get(name)
        if shared is not None:
            return shared
        own = self.locals(name)
        if len(own) > 1:
            files = " and ".join(self.objects[each.owner].name for each in own)
            raise Problem(f"there is more than one {name}", f"in {files}")
        return own[0] if own else None

    def names(self) -> dict[str, Value]:
        """Every name of a place in the piece. Of local ones that several objects have, the first object's."""
        found: dict[str, Value] = {}
        for number, each in enumerate(self.objects):
            for symbol in each.symbols:
                if symbol.binding == "local" and symbol.name not in self._globals and symbol.name not in found:
                    self._add(found, Definition(number, symbol))
        for definition in self._globals.values():
            self._add(found, definition)
        return found

    def _add(self, found: dict[str, Value], definition: Definition) -> None:
        name = definition.symbol.name
        value = self.value(definition) if name and not name.startswith(".L") else None
        if value is not None and value.inside:
            found[name] = value

    def value(self, definition: Definition) -> Value | None:
        """What a definition stands for; None if that is not loaded."""
        match definition.symbol.place:
            case InSection(section, offset):
                begin = self.offsets.get((definition.owner, section))
                return None if begin is None else Value(begin + offset, True)
            case Absolute(value):
                return Value(value, False)
            case Common():
                return Value(self.commons[definition.symbol.name], True)
        return None

    def _resolve(self, owner: int, symbol: Symbol) -> Value | None:
        """What a reference to a symbol from within an object means; None if it means nothing."""
        if symbol.binding == "local":
            return self.value(Definition(owner, symbol))
        definition = self._globals.get(symbol.name)
        if definition is not None:
            return self.value(definition)
        if symbol.name in self.outside.exports:
            return Value(self.outside.exports[symbol.name], False)
        return Value(0, False) if symbol.binding == "weak" else None

    def _check_resolved(self) -> None:
        missing: dict[str, None] = {}
        for number, each in enumerate(self.objects):
            for relocation in each.relocations:
                symbol = each.symbols[relocation.symbol]
                if self._resolve(number, symbol) is None:
                    if not isinstance(symbol.place, Undefined):
                        raise Problem(f"{each.name} refers to {symbol.name or 'a section'}, which is not loaded")
                    missing[symbol.name] = None
        if missing:
            raise self._unresolved(list(missing))

    def _unresolved(self, names: list[str]) -> Problem:
        """One problem that names all that is missing, and what could have been meant by each."""
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        verb = "is" if len(names) == 1 else "are"
        hints = []
        for name in names[:MOST_NAMED]:
            own = self.locals(name)
            similar = closest(name, [*self.outside.exports, *self._globals])
            if name in self.outside.hints:
                hints.append(f"{name} {self.outside.hints[name]}")
            elif own:
                hints.append(f"{name} is local to {self.objects[own[0].owner].name}: .globl or no static")
            elif similar is not None:
                hints.append(similar if len(names) == 1 else f"{name}: {similar}")
        hint = "; ".join(hints) or "ksyms lists what the kernel exports"
        return Problem(f"{', '.join(names[:MOST_NAMED])}{more} {verb} not defined anywhere", hint)

    # --- places

    def _lay_out(self) -> int:
        sections = [
            (_order(section), number, index, section)
            for number, each in enumerate(self.objects)
            for index, section in enumerate(each.sections)
            if section.loaded
        ]
        place = self.start
        for _, number, index, section in sorted(sections, key=lambda each: each[:3]):
            name = f"section {section.name} of {self.objects[number].name}"
            self.offsets[number, index] = place = _aligned(place, section.alignment, name)
            place += section.size
        for name, block in self._blocks().items():
            self.commons[name] = place = _aligned(place, block.alignment, name)
            place += block.size
        if place > LARGEST:
            raise Problem("this is too large to be loaded", f"at most {LARGEST >> 20} MiB")
        return place

    def _blocks(self) -> dict[str, Common]:
        """The common blocks that nothing but commons defines, each as large as its largest."""
        found: dict[str, Common] = {}
        for each in self.objects:
            for name, place, _ in each.symbols:
                if isinstance(place, Common) and isinstance(self._globals[name].symbol.place, Common):
                    before = found.get(name, place)
                    found[name] = Common(max(before.size, place.size), max(before.alignment, place.alignment))
        return found

    # --- bytes

    def at(self, address: int) -> bytearray:
        """What lies from `start` up to `end` of a piece that begins at `address`, a multiple of 4096."""
        data = bytearray(self.end - self.start)
        for (number, index), offset in self.offsets.items():
            contents = self.objects[number].sections[index].data
            begin = offset - self.start
            data[begin : begin + len(contents)] = contents
        for number, each in enumerate(self.objects):
            for relocation in each.relocations:
                self._fill_in(data, address, number, relocation)
        return data

    def _fill_in(self, data: bytearray, address: int, number: int, relocation: Relocation) -> None:
        each = self.objects[number]
        size, relative = FIELDS[relocation.kind]
        place = self.offsets[number, relocation.section] + relocation.offset
        begin = place - self.start
        addend = int.from_bytes(data[begin : begin + size], "little", signed=True)
        symbol = each.symbols[relocation.symbol]
        value = self._resolve(number, symbol)
        assert value is not None
        target = value.at(address) + addend - (address + place if relative else 0) & 0xFFFFFFFF
        signed = target - (1 << 32) if target >> 31 else target
        bits = 8 * size
        if size < 4 and not -1 << bits - 1 <= signed < 1 << (bits - 1 if relative else bits):
            where = f"{each.sections[relocation.section].name}+{relocation.offset:#x} of {each.name}"
            sentence = f"{symbol.name or 'an address'} does not fit in the {bits} bits that {where} has for it"
            raise Problem(sentence, f"the distance is {signed}" if relative else f"it is {target:#x}")
        data[begin : begin + size] = (target & (1 << bits) - 1).to_bytes(size, "little")


WEAK, COMMON, DEFINED = 1, 2, 3


def _strength(symbol: Symbol) -> int:
    """Of several definitions of a name, the strongest counts."""
    if isinstance(symbol.place, Common):
        return COMMON
    return WEAK if symbol.binding == "weak" else DEFINED


def _order(section: Section) -> int:
    """Where a section belongs among the others."""
    if section.executable:
        return 0
    if section.size and not section.data:
        return 3
    return 2 if section.writable else 1


def _aligned(place: int, alignment: int, name: str) -> int:
    if alignment > PAGE:
        raise Problem(f"{name} wants an alignment of {alignment}", f"at most that of a page, {PAGE}, can be had")
    return -(-place // alignment) * alignment
