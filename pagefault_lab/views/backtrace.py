"""Who called and who was interrupted."""

from __future__ import annotations

from pagefault_lab.lab.backtrace import Backtrace, Level
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, CODE, NAME, Line, Lines, Span, note
from pagefault_lab.views.timeline import words
from pagefault_lab.views.words import hex32


@view(Backtrace)
def backtrace(shown: Backtrace) -> Lines:
    """A line for each level as gdb numbers them, 0 being where the processor stands; below it what was done there."""
    place = shown.place
    here = Line.of("#0  ", *_at(place.ring, place.address, place.name))
    lines = [line for number, level in enumerate(shown.levels, 1) for line in _level(number, level)]
    end = _end(shown)
    return Lines.of(here, *lines, Line.of(note(end), indent=4, hang=2) if end else None)


def _end(shown: Backtrace) -> str:
    if shown.more:
        return "`backtrace COUNT` shows more"
    if shown.looked_from > shown.first:
        return f"before step {shown.looked_from} it was not looked: `backtrace COUNT` looks further, which takes time"
    return "" if shown.levels else "nothing that is known has entered this"


def _level(number: int, level: Level) -> tuple[Line, Line]:
    by = level.by
    how = words(level.event) if level.event is not None else ""
    done = [Span(by.text, CODE), ": " if by.text and how else "", how]
    return (
        Line.of(f"#{number}".ljust(4), *_at(level.ring, by.address, by.symbol)),
        Line.of(f"step {by.step}: ", *done, indent=6, hang=2),
    )


def _at(ring: int, address: int, symbol: str) -> tuple[str | Span, ...]:
    return f"cpl{ring} ", Span(hex32(address), ADDRESS), Span(f" <{symbol}>" if symbol else "", NAME)
