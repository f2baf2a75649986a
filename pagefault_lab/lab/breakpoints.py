"""Breakpoints: places at which runs stop, by linear address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Context, Expression


class Breakpoint:
    """`hits` counts how often a run stopped here; a `temporary` one goes when it has."""

    __slots__ = ("address", "condition", "hits", "number", "temporary")

    def __init__(self, number: int, address: int, temporary: bool, condition: Expression | None) -> None:
        self.number = number
        self.address = address
        self.temporary = temporary
        self.condition = condition
        self.hits = 0

    def holds(self, context: Context) -> bool:
        """Whether its condition allows to stop. One that cannot be evaluated does, so that it is noticed; not one that
        asks about what has not happened."""
        if self.condition is None:
            return True
        try:
            return self.condition.holds(context)
        except Problem:
            return True


class Breakpoints:
    """All breakpoints, by number. Numbers are not used again."""

    def __init__(self) -> None:
        self.all: dict[int, Breakpoint] = {}
        self.next_number = 1

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self.all.values())

    def __len__(self) -> int:
        return len(self.all)

    def add(self, address: int, temporary: bool = False, condition: Expression | None = None) -> Breakpoint:
        made = Breakpoint(self.next_number, address, temporary, condition)
        self.all[made.number] = made
        self.next_number += 1
        return made

    def check(self, number: int) -> None:
        """A Problem if there is no breakpoint of this number."""
        if number not in self.all:
            numbers = ", ".join(map(str, self.all)) or "none is set"
            raise Problem(f"there is no breakpoint {number}", f"there are: {numbers}" if self.all else numbers)

    def delete(self, number: int) -> None:
        self.check(number)
        del self.all[number]

    def addresses(self) -> set[int]:
        return {breakpoint.address for breakpoint in self}

    def hit(self, address: int, context: Context) -> Breakpoint | None:
        """The breakpoint that stops a run here, counted; None if no condition holds."""
        for breakpoint in list(self):
            if breakpoint.address == address and breakpoint.holds(context):
                breakpoint.hits += 1
                if breakpoint.temporary:
                    del self.all[breakpoint.number]
                return breakpoint
        return None

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """While a command lets the guest do what is no part of the learner's program."""
        kept, self.all = self.all, {}
        try:
            yield
        finally:
            self.all = kept

    def save(self) -> dict[int, int]:
        """What goes back in time with the machine: the hits."""
        return {breakpoint.number: breakpoint.hits for breakpoint in self if breakpoint.hits}

    def restore(self, saved: dict[int, int]) -> None:
        for breakpoint in self:
            breakpoint.hits = saved.get(breakpoint.number, 0)
