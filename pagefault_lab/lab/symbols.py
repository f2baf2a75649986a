"""Names and addresses: those of the world, of the modules that were loaded into it, and those that were typed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import ItemsView, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pagefault_lab.lab.assembled import SourceLine
from pagefault_lab.lab.results import Symbol
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


class Loaded(NamedTuple):
    """The names of a module, the memory that it takes, outside of which they name nothing, and the lines of its source
    as far as they are known."""

    symbols: Mapping[str, int]
    region: Region
    lines: tuple[SourceLine, ...] = ()


State: TypeAlias = tuple[dict[str, int], set[str], dict[str, int], dict[str, Loaded]]


class Symbols(Mapping[str, int]):
    """A mapping from names to values. Typed names win over those of modules, the newest module's first, and these over
    the world's. `code` are regions whose symbols name code; behind the names `ends` nothing of the world lies.

    `typed_ends` are the addresses up to which typed names reach: those of data and of whole blocks. What is typed
    behind them has nothing to do with them. `modules` are those loaded, by name, oldest first.
    """

    def __init__(
        self,
        given: Mapping[str, int],
        code: tuple[Region, ...],
        constants: frozenset[str],
        ends: frozenset[str] = frozenset(),
    ) -> None:
        self.given = given
        self.code = code
        self.constants = constants
        self.ends = ends
        self.typed: dict[str, int] = {}
        self.typed_constants: set[str] = set()
        self.typed_ends: dict[str, int] = {}
        self.modules: dict[str, Loaded] = {}
        self._of_modules: dict[str, int] = {}  # all their names,
        self._module_ends: dict[str, int] = {}  # and the ends of the memory in which they name something
        self._sorted: tuple[list[int], list[str]] | None = None

    def __getitem__(self, name: str) -> int:
        for names in (self.typed, self._of_modules):
            if name in names:
                return names[name]
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return name in self.typed or name in self._of_modules or name in self.given

    def items(self) -> ItemsView[str, int]:
        return self._all().items()

    def _all(self) -> dict[str, int]:
        return {**self.given, **self._of_modules, **self.typed}

    def added(self) -> dict[str, int]:
        """The names that are not the world's, and what they mean."""
        return {**self._of_modules, **self.typed}

    def with_first(self, own: Mapping[str, int]) -> Symbols:
        """The names as they are now, but those of the world mean what they meant when it began, and all others that
        are in `own` what they mean there."""
        found = Symbols(self.given, self.code, self.constants, self.ends)
        of_modules = {name: value for name, value in self._of_modules.items() if name not in self.given}
        a_modules = {name for name, value in own.items() if of_modules.get(name) == value}
        typed = {**self.typed, **own}
        found.typed = {name: typed[name] for name in typed if name not in self.given and name not in a_modules}
        found.typed_constants = self.typed_constants.difference(self.given)
        found.typed_ends = self.typed_ends
        found.modules, found._module_ends = self.modules, self._module_ends
        found._of_modules = of_modules
        return found

    def define(self, name: str, value: int, constant: bool = False, end: int | None = None) -> None:
        """Give a typed name a value. It names what lies there up to `end`, or up to the next name."""
        self.typed[name] = value & 0xFFFFFFFF
        (self.typed_constants.add if constant else self.typed_constants.discard)(name)
        self.typed_ends.pop(name, None)
        if end is not None:
            self.typed_ends[name] = end
        self._sorted = None

    def add_module(
        self, name: str, symbols: Mapping[str, int], region: Region, lines: tuple[SourceLine, ...] = ()
    ) -> None:
        """A module was loaded into a region: its names, and where the lines of its source are."""
        self._load(self.modules | {name: Loaded(symbols, region, lines)})

    def remove_module(self, name: str) -> None:
        """A module is gone."""
        self._load({each: loaded for each, loaded in self.modules.items() if each != name})

    def _load(self, modules: dict[str, Loaded]) -> None:
        self.modules = modules
        self._of_modules = {name: value for each in modules.values() for name, value in each.symbols.items()}
        self._module_ends = {name: each.region.end for each in modules.values() for name in each.symbols}
        self._sorted = None

    def save(self) -> State:
        """The state that goes back in time, as a value."""
        return dict(self.typed), set(self.typed_constants), dict(self.typed_ends), dict(self.modules)

    def restore(self, saved: State) -> None:
        if saved != (self.typed, self.typed_constants, self.typed_ends, self.modules):
            typed, constants, ends, modules = saved
            self.typed, self.typed_constants, self.typed_ends = dict(typed), set(constants), dict(ends)
            self._load(dict(modules))

    def kind(self, name: str) -> str:
        """What `Symbol.kind` says of a name."""
        if self._is_constant(name):
            return "constant"
        if name in self.typed:
            return "typed"
        if name in self._of_modules:
            return "module"
        value = self.given[name]
        return "code" if any(value in region for region in self.code) else "data"

    def all(self) -> list[Symbol]:
        """Every symbol, by value and name."""
        found = [Symbol(name, value, self.kind(name)) for name, value in self.items() if not is_local(name)]
        return sorted(found, key=lambda symbol: (symbol.value, symbol.name))

    def nearest(self, address: int) -> Near | None:
        """The place of an address: the nearest name at or below it, in the same region if it is code or a module's."""
        addresses, names = self._by_address()
        index = bisect_right(addresses, address) - 1
        while index >= 0 and self._end(names[index]) <= address != addresses[index]:
            index -= 1
        if index < 0 or address - addresses[index] >= FARTHEST or names[index] in self.ends:
            return None
        regions = (*self.code, *(each.region for each in self.modules.values()))
        region = next((region for region in regions if address in region), None)
        if region is not None and addresses[index] < region.start:
            return None
        return Near(names[index], address - addresses[index])

    def name(self, address: int) -> str | None:
        """`page_fault+3` or None: what the disassembler asks for."""
        near = self.nearest(address)
        return str(near) if near is not None else None

    def _end(self, name: str) -> int:
        """The first address that a name has nothing to do with."""
        return (self.typed_ends if name in self.typed else self._module_ends).get(name, MEMORY_END)

    def _is_constant(self, name: str) -> bool:
        if name in self.typed:
            return name in self.typed_constants
        return name in self.constants and name not in self._of_modules

    def _by_address(self) -> tuple[list[int], list[str]]:
        if self._sorted is None:
            places = {name: value for name, value in self.items() if not self._is_constant(name) and not is_local(name)}
            # of several names for one address the first given wins, a typed one before the world's
            order = {name: number for number, name in enumerate(places)}
            pairs = sorted(
                places.items(), key=lambda pair: (pair[1], pair[0] in self.typed, -order[pair[0]])
            )  # bisect finds the last of equal addresses
            self._sorted = [value for _, value in pairs], [name for name, _ in pairs]
        return self._sorted
