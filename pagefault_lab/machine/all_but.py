"""The set of all linear addresses but a few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set


class AllBut(Set[int]):
    """Every linear address but these: where a run stops that is to stay among them."""

    __slots__ = ("_missing",)

    def __init__(self, missing: Iterable[int]) -> None:
        self._missing = frozenset(missing)

    def __contains__(self, address: object) -> bool:
        return address not in self._missing

    def __iter__(self) -> Iterator[int]:
        return (address for address in range(1 << 32) if address not in self._missing)

    def __len__(self) -> int:
        return (1 << 32) - len(self._missing)

    def isdisjoint(self, other: Iterable[int]) -> bool:
        return self._missing.issuperset(other)
