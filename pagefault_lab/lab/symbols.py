"""Names and addresses: those of the world, and those that were typed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import ItemsView, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.results import Symbol

if TYPE_CHECKING:
    from pagefault_lab.worlds import Region

FARTHEST = 0x10000  # a symbol further below names nothing
MEMORY_END = 1 << 32


def is_local(name: str) -> bool:
    """Whether it is a numeric or a local label: known to the assembler, shown nowhere."""
    return name.isdigit() or name.startswith(".L")


class Near(NamedTuple):
    """The symbol at or below an address, and the distance to it."""

    name: str
    offset: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset}" if self.offset else self.name


class Symbols(Mapping[str, int]):
    """A mapping from names to values. Typed names win over the world's; `code` are regions whose symbols name code.

    `typed_ends` are the addresses up to which typed names reach: those of data and of whole blocks. What is typed
    behind them has nothing to do with them.
    """

    def __init__(self, given: Mapping[str, int], code: tuple[Region, ...], constants: frozenset[str]) -> None:
        self.given = given
        self.code = code
        self.constants = constants
        self.typed: dict[str, int] = {}
        self.typed_constants: set[str] = set()
        self.typed_ends: dict[str, int] = {}
        self._sorted: tuple[list[int], list[str]] | None = None

    def __getitem__(self, name: str) -> int:
        found = self.typed.get(name)
        return self.given[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self.typed
        for name in self.given:
            if name not in self.typed:
                yield name

    def __len__(self) -> int:
        return len(self.given.keys() | self.typed.keys())

    def __contains__(self, name: object) -> bool:
        return name in self.typed or name in self.given

    def items(self) -> ItemsView[str, int]:
        return {**self.given, **self.typed}.items()

    def define(self, name: str, value: int, constant: bool = False, end: int | None = None) -> None:
        """Give a typed name a value. It names what lies there up to `end`, or up to the next name."""
        self.typed[name] = value & 0xFFFFFFFF
        (self.typed_constants.add if constant else self.typed_constants.discard)(name)
        self.typed_ends.pop(name, None)
        if end is not None:
            self.typed_ends[name] = end
        self._sorted = None

    def save(self) -> tuple[dict[str, int], set[str], dict[str, int]]:
        return dict(self.typed), set(self.typed_constants), dict(self.typed_ends)

    def restore(self, saved: tuple[dict[str, int], set[str], dict[str, int]]) -> None:
        if saved != (self.typed, self.typed_constants, self.typed_ends):
            typed, constants, ends = saved
            self.typed, self.typed_constants, self.typed_ends = dict(typed), set(constants), dict(ends)
            self._sorted = None

    def kind(self, name: str) -> str:
        """What `Symbol.kind` says of a name."""
        if name in self.typed:
            return "constant" if name in self.typed_constants else "typed"
        if name in self.constants:
            return "constant"
        value = self.given[name]
        return "code" if any(region.start <= value < region.end for region in self.code) else "data"

    def all(self) -> list[Symbol]:
        """Every symbol, by value and name."""
        found = [Symbol(name, value, self.kind(name)) for name, value in self.items() if not is_local(name)]
        return sorted(found, key=lambda symbol: (symbol.value, symbol.name))

    def nearest(self, address: int) -> Near | None:
        """The place of an address: the nearest name at or below it, in the same region if it is code."""
        addresses, names = self._by_address()
        index = bisect_right(addresses, address) - 1
        while index >= 0 and self.typed_ends.get(names[index], MEMORY_END) <= address != addresses[index]:
            index -= 1
        if index < 0 or address - addresses[index] >= FARTHEST:
            return None
        region = next((region for region in self.code if region.start <= address < region.end), None)
        if region is not None and addresses[index] < region.start:
            return None
        return Near(names[index], address - addresses[index])

    def name(self, address: int) -> str | None:
        """`page_fault+3` or None: what the disassembler asks for."""
        near = self.nearest(address)
        return str(near) if near is not None else None

    def _by_address(self) -> tuple[list[int], list[str]]:
        if self._sorted is None:
            places = {
                name: value
                for name, value in self.items()
                if name not in (self.typed_constants if name in self.typed else self.constants)
                and not is_local(name)
            }
            # of several names for one address the first given wins, a typed one before the world's
            order = {name: number for number, name in enumerate(places)}
            pairs = sorted(
                places.items(), key=lambda pair: (pair[1], pair[0] in self.typed, -order[pair[0]])
            )  # bisect finds the last of equal addresses
            self._sorted = [value for _, value in pairs], [name for name, _ in pairs]
        return self._sorted
