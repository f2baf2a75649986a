"""The chronicle: what the processor did that is worth a line in a timeline, indexed as it happens.

It has one row for each: 33 bytes, so that millions of them take no room to speak of. What lies in the session's future,
because it has gone back in time, is kept and not told.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.machine.notices import Notice, What

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

KINDS: Final = tuple(What)
_NUMBER_OF: Final = {what: number for number, what in enumerate(KINDS)}
NO_ERROR_CODE: Final = 0xFFFFFFFF  # how a row has an error code of -1
WIDTH: Final = 4  # numbers of a row


class Event(NamedTuple):
    """What step number `step` did; `address` is the linear address of its instruction. `numbers` are as What says."""

    step: int
    what: What
    address: int
    numbers: tuple[int, ...]


class Rows(NamedTuple):
    """The columns of a table of events, by step."""

    steps: array[int]
    kinds: array[int]
    addresses: array[int]
    numbers: tuple[array[int], ...]
    counts: array[int]  # how many numbers a row has

    @classmethod
    def empty(cls) -> Rows:
        numbers = tuple(array("I") for _ in range(WIDTH))
        return cls(array("Q"), array("B"), array("I"), numbers, array("B"))

    def split(self, place: int) -> Rows:
        """Take out the rows from a place on."""
        columns = (self.steps, self.kinds, self.addresses, *self.numbers, self.counts)
        taken = [column[place:] for column in columns]
        for column in columns:
            del column[place:]
        return Rows(taken[0], taken[1], taken[2], tuple(taken[3:-1]), taken[-1])


class Chronicle:
    """The events of one machine, oldest first, up to where it stands in time unless another `end` is asked for.

    `end` is a number of steps: events of that step, and of later ones, do not count.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._rows = Rows.empty()
        self._of_kind: dict[What, array[int]] = {what: array("I") for what in KINDS}  # places of rows

    def take(self, step: int, address: int, notice: Notice) -> None:
        """A step did something: what Machine.listener is called with."""
        rows = self._rows
        self._of_kind[notice.what].append(len(rows.steps))
        rows.steps.append(step)
        rows.kinds.append(_NUMBER_OF[notice.what])
        rows.addresses.append(address)
        numbers = notice.numbers
        rows.counts.append(len(numbers))
        for place, column in enumerate(rows.numbers):
            column.append(numbers[place] & 0xFFFFFFFF if place < len(numbers) else 0)

    # --- questions

    def events(self, *what: What, first: int = 0, end: int | None = None) -> Iterator[Event]:
        """Events of these kinds, of any without one, from step `first` on."""
        start = bisect_left(self._rows.steps, first)
        if not what:
            yield from map(self._event, range(start, self._end(end)))
            return
        found = [map(places.__getitem__, range(bisect_left(places, start), n)) for places, n in self._reach(what, end)]
        yield from map(self._event, merge(*found))

    def backwards(self, *what: What, end: int | None = None) -> Iterator[Event]:
        """The same, newest first."""
        if not what:
            yield from map(self._event, range(self._end(end) - 1, -1, -1))
            return
        found = [map(places.__getitem__, range(n - 1, -1, -1)) for places, n in self._reach(what, end)]
        yield from map(self._event, merge(*found, reverse=True))

    def count(self, *what: What, end: int | None = None) -> int:
        """How many there are."""
        return sum(n for _, n in self._reach(what, end)) if what else self._end(end)

    def last(self, *what: What, end: int | None = None) -> Event | None:
        """The newest; None if there is none."""
        return next(self.backwards(*what, end=end), None)

    def _end(self, end: int | None) -> int:
        """The place of the first row that does not count."""
        return bisect_left(self._rows.steps, self.machine.steps if end is None else end)

    def _reach(self, what: tuple[What, ...], end: int | None) -> list[tuple[array[int], int]]:
        """For each kind, the places of its rows, and how many of them count."""
        last = self._end(end)
        return [(self._of_kind[kind], bisect_left(self._of_kind[kind], last)) for kind in what]

    def _event(self, place: int) -> Event:
        rows = self._rows
        what = KINDS[rows.kinds[place]]
        numbers = [column[place] for column in rows.numbers[: rows.counts[place]]]
        if what is What.FAULT and numbers[1] == NO_ERROR_CODE:
            numbers[1] = -1
        return Event(rows.steps[place], what, rows.addresses[place], tuple(numbers))

    # --- another future

    def cut(self) -> Rows:
        """Forget what lies ahead of the machine; what that was."""
        rows = self._rows.split(self._end(None))
        self._index()
        return rows

    def join(self, rows: Rows) -> None:
        """Put back what lay ahead, in place of what does so now."""
        self.cut()
        mine = self._rows
        for column, more in zip(
            (mine.steps, mine.kinds, mine.addresses, *mine.numbers, mine.counts),
            (rows.steps, rows.kinds, rows.addresses, *rows.numbers, rows.counts),
            strict=True,
        ):
            column.extend(more)
        self._index()

    def _index(self) -> None:
        kinds = self._rows.kinds
        for places in self._of_kind.values():
            del places[bisect_left(places, len(kinds)) :]
        known = max((places[-1] + 1 for places in self._of_kind.values() if places), default=0)
        for place in range(known, len(kinds)):
            self._of_kind[KINDS[kinds[place]]].append(place)
