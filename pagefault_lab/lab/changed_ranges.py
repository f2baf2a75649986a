"""Words of memory that differ, as ranges that have a name: where they are mapped, and the symbol that stands there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import tables
from pagefault_lab.machine.memory import PAGE
from pagefault_lab.machine.registers import PG

if TYPE_CHECKING:
    from pagefault_lab.lab.symbols import Symbols
    from pagefault_lab.machine.machine import Machine

GAP: Final = 64  # bytes: so much that is alike may lie between two parts of one range
FARTHEST: Final = 1 << 32


class ChangedRange(NamedTuple):
    """Physical memory of `size` bytes; `differing` counts those of units of 4 that differ.

    `linear` is where it is mapped, None if nowhere; `symbol` names that. `before` and `after` are the values of up to 4
    bytes, None for more.
    """

    physical: int
    size: int
    differing: int
    linear: int | None
    symbol: str
    before: int | None
    after: int | None


class Places:
    """Where frames are mapped, at any of the points, and which symbols stand there."""

    def __init__(self, symbols: Symbols, machines: Iterable[Machine], frames: Iterable[int]) -> None:
        self.symbols = symbols
        self._mapped: dict[int, set[int]] = {number: set() for number in frames}  # the linear addresses of a frame
        self._chosen: dict[int, tuple[int, bool, int | None]] = {}
        regions = (*symbols.code, *(loaded.region for loaded in symbols.modules.values()))
        ends = (edge for region in regions for edge in (region.start, region.end))
        self._edges = sorted({*symbols.values(), *symbols.typed_ends.values(), *ends})  # where a name may end
        for machine in machines:
            if not machine.cpu.cr0 & PG:
                for number, linear in self._mapped.items():
                    linear.add(number << 12)
                continue
            for page in tables.pages(machine):
                for distance in range(0, page.size, PAGE):
                    number = page.physical + distance >> 12
                    if number in self._mapped:
                        self._mapped[number].add(page.linear + distance)

    def of(self, physical: int) -> tuple[int | None, int | None, bool]:
        """The linear address of a byte, and of the symbol that it belongs to; None where there is none. And whether all
        of its page belongs to that.

        Of several pages that are mapped to the frame it is the one in which it is nearest to a symbol, or in which the
        most symbols are.
        """
        number, offset = physical >> 12, physical & 0xFFF
        if not self._mapped[number]:
            return None, None, True
        if number not in self._chosen:
            pages = sorted(self._mapped[number])
            page = min(pages, key=lambda page: (self._distance(page | offset), -self._edges_in(page)))
            self._chosen[number] = page, not self._edges_in(page), self._symbol(page)
        page, alike, symbol = self._chosen[number]
        return page | offset, symbol if alike else self._symbol(page | offset), alike

    def _edges_in(self, page: int) -> int:
        """At how many addresses of a page, its first apart, another symbol begins or one ends."""
        return bisect_right(self._edges, page | PAGE - 1) - bisect_right(self._edges, page)

    def _symbol(self, linear: int) -> int | None:
        near = self.symbols.nearest(linear)
        return None if near is None else linear - near.offset

    def _distance(self, linear: int) -> int:
        near = self.symbols.nearest(linear)
        return FARTHEST if near is None else near.offset


def changed_ranges(words: Mapping[int, int], before: Machine, after: Machine, places: Places) -> Iterator[ChangedRange]:
    """What differs (by word, the bits) as ranges in order: what lies together and belongs to one symbol is one."""
    gathered: list[_Unit] = []

    def together() -> ChangedRange:
        first, size = gathered[0], gathered[-1].end - gathered[0].start
        name = "" if first.linear is None else places.symbols.name(first.linear) or ""
        differing = sum(unit.end - unit.start for unit in gathered)
        old, new = (machine.memory.read(first.start, size) if size <= 4 else None for machine in (before, after))
        return ChangedRange(first.start, size, differing, first.linear, name, old, new)

    for unit in _units(words, places):
        if gathered and not _belong_together(gathered[-1], unit):
            yield together()
            gathered = []
        gathered.append(unit)
    if gathered:
        yield together()


class _Unit(NamedTuple):
    """Up to 4 bytes that are looked at together: counted from the symbol that they belong to, and inside one page.

    In a page that belongs to one symbol it goes on as long as words differ.
    """

    start: int
    end: int
    linear: int | None
    symbol: int | None

    @classmethod
    def of(cls, physical: int, words: Mapping[int, int], places: Places) -> _Unit:
        """The one that a byte is part of; `words` are those that differ."""
        linear, symbol, alike = places.of(physical)
        offset = (physical if linear is None or symbol is None else linear - symbol) % 4
        offset = min(offset, physical & PAGE - 1)
        start = physical - offset
        end = min(start + 4, (physical | PAGE - 1) + 1)
        while not alike and places.of(end - 1)[1] != symbol:
            end -= 1
        while alike and end in words and end & PAGE - 1:
            end += 4
        return cls(start, end, None if linear is None else linear - offset, symbol)


def _units(words: Mapping[int, int], places: Places) -> Iterator[_Unit]:
    """The units in which bits of these words differ, in order."""
    end = 0
    for word, bits in sorted(words.items()):
        while word + 4 > end and (bits := bits & -1 << 8 * max(end - word, 0)):
            unit = _Unit.of(word + ((bits & -bits).bit_length() - 1) // 8, words, places)
            end = unit.end
            yield unit


def _belong_together(left: _Unit, right: _Unit) -> bool:
    if right.start - left.end >= GAP or left.symbol != right.symbol:
        return False
    if left.linear is None or right.linear is None:
        return left.linear is right.linear
    return right.linear - left.linear == right.start - left.start
