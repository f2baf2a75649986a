"""Effort: a clock that does not depend on the computer.

It counts what a process has done for whoever typed something, in steps of a fast run: some of them make a microsecond.
What takes longer than a step (telling one, copying a machine, assembling a line, looking for an event) counts as about
so many. Where strangers' lines are repeated, it can be bounded: they are stopped at the same place everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import process_time
from typing import Final

SECONDS_PER_STEP: Final = 1e-6
A_RUN: Final = 8  # to begin one
TOLD: Final = 60  # a step with all that happened in it
COPY: Final = 300  # of a machine, and for each frame that it has:
COPIED_FRAME: Final = 2
KEPT_FRAME: Final = 25  # that has changed since a checkpoint
BOOT: Final = 3000  # a world, and a session in it
STATEMENT: Final = 15  # that is assembled
FRAGMENT: Final = 3  # of a section, in each pass over it
KILOBYTE: Final = 2  # of a program's sections
LINE: Final = 10_000  # that a session is given: what a command does at most that counts nothing itself
BYTE: Final = 4  # of a file that a line reads
EVALUATED: Final = 4  # an expression, and 1 for each character
EVENT: Final = 4  # that a question looks at
LOOK: Final = 5  # whether a breakpoint stops a run


class TooMuch(Exception):
    """More effort than is allowed. It is not the learner's Problem of one line: nothing goes on."""


class Effort:
    """What was `spent` so far, and how much that may become."""

    __slots__ = ("limit", "spent")

    def __init__(self) -> None:
        self.spent = 0
        self.limit = inf

    def spend(self, steps: int) -> None:
        """Something was done, or is about to be, that takes as long as so many steps."""
        self.spent += steps
        if self.spent > self.limit:
            raise TooMuch

    @property
    def seconds(self) -> float:
        """The process's clock; where effort is bounded, one that shows the same on every computer."""
        return process_time() if self.limit == inf else self.spent * SECONDS_PER_STEP

    @contextmanager
    def at_most(self, steps: int) -> Iterator[None]:
        """Allow so much from here on, and as much as it was behind that."""
        before, self.limit = self.limit, min(self.limit, self.spent + steps)
        try:
            yield
        finally:
            self.limit = before


EFFORT: Final = Effort()
