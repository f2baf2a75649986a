"""The chronicle: what the processor did that is worth a line in a timeline, indexed as it happens.

It has one row of 30 bytes for each, so that millions of them take no room to speak of. What lies in the session's
future, because it has gone back in time, is kept and not told.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from itertools import takewhile
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.machine.notices import Notice, What

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

KINDS: Final = tuple(What)
_NUMBER_OF: Final = {what: number for number, what in enumerate(KINDS)}
NO_ERROR_CODE: Final = 0xFFFFFFFF  # how a row has an error code of -1
WIDTH: Final = 4  # numbers of a row, at most
# A row: the step, the kind, how many numbers there are, the address, the numbers. By their count:
_ROWS: Final = tuple(Struct(f"<QBBI{count}I{4 * (WIDTH - count)}x") for count in range(WIDTH + 1))
_STEP: Final = Struct("<Q")
ROW: Final = _ROWS[0].size


class Event(NamedTuple):
    """What step number `step` did; `address` is the linear address of its instruction. `numbers` are as What says."""

    step: int
    what: What
    address: int
    numbers: tuple[int, ...]


class Chronicle:
    """The events of one machine, oldest first, up to where it stands in time unless another `end` is asked for.

    `end` is a number of steps: events of that step, and of later ones, do not count.
    """

    first: Final = 0  # the step from which on it has them

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._rows = bytearray()
        self._of_kind: dict[What, array[int]] = {what: array("I") for what in KINDS}  # numbers of rows

    def take(self, step: int, address: int, notice: Notice) -> None:
        """A step did something: what Machine.listener is called with."""
        what, numbers, _ = notice
        if what is What.FAULT and numbers[1] < 0:
            numbers = (numbers[0], NO_ERROR_CODE, numbers[2])
        count = len(numbers)
        self._of_kind[what].append(len(self._rows) // ROW)
        self._rows += _ROWS[count].pack(step, _NUMBER_OF[what], count, address, *numbers)

    # --- questions

    def events(self, *what: What, first: int = 0, end: int | None = None) -> Iterator[Event]:
        """Events of these kinds, of any without one, from step `first` on."""
        start = self._place(first)
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

    def count(self, *what: What, first: int = 0, end: int | None = None) -> int:
        """How many there are."""
        start = self._place(first)
        if not what:
            return max(self._end(end) - start, 0)
        return sum(max(n - bisect_left(places, start), 0) for places, n in self._reach(what, end))

    def last(self, *what: What, end: int | None = None) -> Event | None:
        """The newest; None if there is none."""
        return next(self.backwards(*what, end=end), None)

    def _end(self, end: int | None) -> int:
        """The place of the first row that does not count."""
        return self._place(self.machine.steps if end is None else end)

    def _place(self, step: int) -> int:
        """The place of the first row of this step, or of a later one."""
        rows = self._rows
        return bisect_left(range(len(rows) // ROW), step, key=lambda place: _STEP.unpack_from(rows, place * ROW)[0])

    def _reach(self, what: tuple[What, ...], end: int | None) -> list[tuple[array[int], int]]:
        """For each kind, the places of its rows, and how many of them count."""
        last = self._end(end)
        return [(self._of_kind[kind], bisect_left(self._of_kind[kind], last)) for kind in what]

    def _event(self, place: int) -> Event:
        step, kind, count, address, *numbers = _ROWS[WIDTH].unpack_from(self._rows, place * ROW)
        what = KINDS[kind]
        if what is What.FAULT and numbers[1] == NO_ERROR_CODE:
            numbers[1] = -1
        return Event(step, what, address, tuple(numbers[:count]))

    # --- another future

    def cut(self) -> bytes:
        """Forget what lies ahead of the machine; the rows that were of that."""
        place = self._end(None)
        ahead = bytes(self._rows[place * ROW :])
        del self._rows[place * ROW :]
        for places in self._of_kind.values():
            del places[bisect_left(places, place) :]
        return ahead

    def join(self, rows: bytes) -> None:
        """Put back what lay ahead, in place of what does so now."""
        self.cut()
        first = len(self._rows) // ROW
        self._rows += rows
        for place, kind in enumerate(rows[_STEP.size :: ROW], first):
            self._of_kind[KINDS[kind]].append(place)


class Since:
    """What a chronicle has of step `first` and later ones: for questions about a part of what happened."""

    def __init__(self, chronicle: Chronicle, first: int) -> None:
        self._chronicle = chronicle
        self.first = first

    def backwards(self, *what: What, end: int | None = None) -> Iterator[Event]:
        """As `Chronicle.backwards`."""
        return takewhile(lambda event: event.step >= self.first, self._chronicle.backwards(*what, end=end))

    def count(self, *what: What, end: int | None = None) -> int:
        """As `Chronicle.count`."""
        return self._chronicle.count(*what, first=self.first, end=end)

    def last(self, *what: What, end: int | None = None) -> Event | None:
        """As `Chronicle.last`."""
        return next(self.backwards(*what, end=end), None)
