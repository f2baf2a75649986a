"""Where arrows run between two lanes of boxes: each gets a column of the gutter, its channel, for its way up or down.

    column -1    0 1 ...      RIGHT
source |---------+              |
       |         |              |
       |         +------------->| target
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Final, NamedTuple

MOST: Final = 4  # channels in a gutter
LEFT, RIGHT = -1, MOST  # the walls
LEVEL, UPRIGHT, CORNER = range(3)  # how an arrow goes through a place
OVERLAP: Final = 100  # as bad as so many crossings


class Run(NamedTuple):
    """An arrow in its gutter: the rows of its two ends, and whether each is on the right of it."""

    source: int
    target: int
    source_right: bool
    target_right: bool

    @property
    def straight(self) -> bool:
        """Whether it needs no channel."""
        return self.source == self.target and self.source_right != self.target_right

    def places(self, channel: int) -> dict[tuple[int, int], int]:
        """(column, row) of what it goes through, and how."""
        found = {}
        for row, on_right in ((self.source, self.source_right), (self.target, self.target_right)):
            for column in range(channel, RIGHT + 1) if on_right else range(LEFT, channel + 1):
                found[column, row] = LEVEL
        if not self.straight:
            low, high = sorted((self.source, self.target))
            found.update({(channel, row): UPRIGHT for row in range(low + 1, high)})
            found[channel, low] = found[channel, high] = CORNER
        return found


def channels(runs: Sequence[Run]) -> list[int]:
    """A channel for each arrow, counted from the left, so that none lies on another if that can be; then that few
    cross, then that few channels are needed. For a straight one it means nothing."""
    numbered = list(enumerate(runs))
    trouble = {
        (place, channel, other_place, other_channel): _trouble(run, channel, other, other_channel)
        for (place, run), (other_place, other) in combinations(numbered, 2)
        for channel, other_channel in product(range(MOST), repeat=2)
    }
    best: tuple[int, ...] = ()
    least = None
    for count in range(1, MOST + 1):
        for chosen in product(*(range(1 if run.straight else count) for run in runs)):
            cost = sum(trouble[one, chosen[one], two, chosen[two]] for one, two in combinations(range(len(runs)), 2))
            if least is None or cost < least:
                best, least = chosen, cost
        if not least:
            break
    return list(best)


def _trouble(run: Run, channel: int, other: Run, other_channel: int) -> int:
    """How much two arrows are in each other's way. Those that have an end in common may go together."""
    if (run.source, run.source_right) == (other.source, other.source_right):
        return 0
    if (run.target, run.target_right) == (other.target, other.target_right):
        return 0
    mine, others = run.places(channel), other.places(other_channel)
    return sum(1 if {mine[at], others[at]} == {LEVEL, UPRIGHT} else OVERLAP for at in mine.keys() & others.keys())
