"""Who called and who was interrupted, up to where the processor stands: from the history, not from the stack.

What the stack holds may be anything. What was entered and has not returned is known by executing the past again
(lab/breakpoints/backwards.py), whatever the code does with EBP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.breakpoints.backwards import Entries, Search
from pagefault_lab.lab.breakpoints.told import By, by
from pagefault_lab.machine.notices import What

if TYPE_CHECKING:
    from pagefault_lab.lab.chronicle import Event
    from pagefault_lab.lab.results import Place
    from pagefault_lab.lab.session import Session

SHOWN: Final = 10  # levels, unless another number is asked for
MOST_TURNS: Final = 50_000  # calls, returns and the like that are looked at for so many: in about a second


class Level(NamedTuple):
    """Code that waits for what it has entered: by a call, or by an `event`, a fault or an interrupt.

    `by` is the instruction that was left, at privilege `ring`.
    """

    ring: int
    by: By
    event: Event | None


class Backtrace(NamedTuple):
    """Where the processor stands, and what waits for it to return, innermost first.

    `more` is whether there are further ones. `looked_from` is the step from which on the history was searched, `first`
    that where it begins.
    """

    place: Place
    levels: tuple[Level, ...]
    more: bool
    looked_from: int
    first: int


def backtrace(session: Session, count: int | None = None) -> Backtrace:
    """The `count` innermost levels, however far the search must go back; without one a few, if they are found soon."""
    entries = Entries(Search(session), session.machine.steps, MOST_TURNS if count is None else None)
    most = SHOWN if count is None else count
    levels = tuple(islice(_waiting(session, entries), most + 1))
    more, first = len(levels) > most, session.history.first_step
    return Backtrace(session.place(), levels[:most], more, entries.looked_from, first)


def _waiting(session: Session, steps: Iterable[int]) -> Iterator[Level]:
    """Of the steps that have entered something, those that led to the ring in which it goes on: a task that was killed,
    or has given way to another, never returns from some."""
    ring = session.ring
    for step in steps:
        level = _level(session, step)
        entered = [event.numbers[1] for event in session.chronicle.events(What.RING, first=step, end=step + 1)]
        if (entered or [level.ring])[-1] == ring:
            ring = level.ring
            yield level


def _level(session: Session, step: int) -> Level:
    events = session.chronicle.events(What.FAULT, What.INTERRUPT, first=step, end=step + 1)
    event = max(events, key=lambda each: each.what is What.FAULT, default=None)  # an INT that was refused is its fault
    return Level(session.history.story(step).cpl, by(session, step), event)
