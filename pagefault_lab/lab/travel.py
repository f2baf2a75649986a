"""Going elsewhere in time, and the list of what is worth going to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.history import History, Kind
from pagefault_lab.lab.results import Travelled
from pagefault_lab.lab.walks import Maps, mapped_by
from pagefault_lab.machine.notices import LOADS, What
from pagefault_lab.problem import Problem
from pagefault_lab.problem import count as counted

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.session import Session

SHOWN: Final = 20  # rows of a timeline, unless more are asked for
KINDS: Final = {
    "faults": (What.FAULT, What.SHUTDOWN),
    "rings": (What.RING,),
    "tables": (What.TABLE,),
    "loads": LOADS,
    "interrupts": (What.INTERRUPT,),
    "ports": (What.PORT,),
    "flushes": (What.FLUSH,),
}  # what can be asked of a timeline
WORTH_A_ROW: Final = tuple(what for what in What if what not in (What.PORT, What.FLUSH))


def travel(session: Session, move: Callable[[], list[str] | None]) -> Travelled:
    """Let `move` go elsewhere in time. It gives the lines that it went over, None if it goes by steps."""
    machine = session.machine
    before, was_present = machine.steps, not session.history.in_past
    session.moving()
    lines = tuple(move() or ())
    forward = machine.steps > before or (machine.steps == before and not was_present and not session.history.in_past)
    distance = abs(machine.steps - before)
    return Travelled(forward, distance, lines, session.place(), machine.steps, session.history.present)


def go_to(session: Session, step: Expression | None) -> Travelled:
    """Go to when that many steps had been made; a negative number counts back from here; None is the present."""
    here = session.machine.steps
    if step is None:
        return travel(session, lambda: session.history.go_to(session.history.present))
    value = step.value(session)
    try:
        return travel(session, lambda: session.history.go_to(value + here if value < 0 else value))
    except Problem as problem:
        raise problem.placed(text=step.line, column=step.column) from None


def go_to_fault(session: Session, number: int | None) -> Travelled:
    """Go to just before a fault, by its number in all of the history; without one, before the last one up to here."""
    history, chronicle = session.history, session.chronicle
    if number is None:
        event = chronicle.last(What.FAULT)
    else:
        event = next(islice(chronicle.events(What.FAULT, end=history.present), number - 1, None), None)
    if event is None:
        faults = chronicle.count(What.FAULT, end=history.present)
        known = f"the history has {counted(faults, 'fault')}: `timeline faults` lists them"
        raise Problem("there is no such fault to go to", known if faults else "there has been none yet")
    step = event.step
    return travel(session, lambda: history.go_to(step))


class TimelineRow(NamedTuple):
    """One thing that happened: what the processor did (`event`), or a line that was typed. `name` is the symbol of
    where it stood; `fault` the number that `why fault` knows it by. `maps` tells of an entry of a page table what it
    maps, if it is one of the present directory."""

    step: int
    event: Event | None
    line: str
    name: str
    fault: int | None
    maps: Maps | None = None


class Timeline(NamedTuple):
    """What happened, oldest first. `step` is where the session stands, `present` how far the history goes, `first`
    where it begins; `earlier` and `later` are how many rows there are before and behind these."""

    rows: tuple[TimelineRow, ...]
    step: int
    present: int
    first: int
    earlier: int
    later: int


def timeline(session: Session, what: tuple[What, ...] = (), count: int = SHOWN, around: int | None = None) -> Timeline:
    """What happened around a step (where the session stands): what the processor did of these kinds, without one of all
    but port accesses and INVLPGs, and the lines that were typed. It looks ahead, too, where there is a future."""
    history, chronicle = session.history, session.chronicle
    here, end = session.machine.steps, history.present
    centre = here if around is None else around
    kinds = what or WORTH_A_ROW
    passed, ahead = ([], []) if what else _lines(history, centre)
    newest = [*islice(chronicle.backwards(*kinds, end=centre), count)]
    before: list[Event | _Line] = [*passed[-count:], *reversed(newest)]
    behind: list[Event | _Line] = [*ahead[:count], *islice(chronicle.events(*kinds, first=centre, end=end), count)]
    before, behind = sorted(before, key=_place)[-count:], sorted(behind, key=_place)[:count]
    left = min(len(before), max(count // 2, count - len(behind)))
    before = before[len(before) - left :]
    behind = behind[: count - left]
    return Timeline(
        tuple(_row(session, each) for each in (*before, *behind)), here, end, history.first_step,
        chronicle.count(*kinds, end=centre) + len(passed) - len(before),
        chronicle.count(*kinds, first=centre, end=end) + len(ahead) - len(behind),
    )  # fmt: skip


class _Line(NamedTuple):
    """A line that was typed when so many steps had been made."""

    step: int
    text: str


def _lines(history: History, centre: int) -> tuple[list[_Line], list[_Line]]:
    """All lines that the history has: those that began before a step, or in the present, and the others."""
    marks = zip(history.checkpoints.kept, history.marks, strict=True)
    lines = [_Line(checkpoint.steps, mark.line) for checkpoint, mark in marks if mark.kind is Kind.LINE]
    first = bisect_left(lines, centre + (centre == history.present), key=lambda line: line.step)
    return lines[:first], lines[first:]


def _place(row: Event | _Line) -> tuple[int, bool]:
    """The order of rows: a line begins before its first step."""
    return row.step, isinstance(row, Event)


def _row(session: Session, row: Event | _Line) -> TimelineRow:
    if isinstance(row, _Line):
        return TimelineRow(row.step, None, row.text, "", None)
    name = session.symbols.name(row.address) or ""
    fault = maps = None
    if row.what is What.FAULT:
        of_step = session.chronicle.events(What.FAULT, first=row.step, end=row.step + 1)
        fault = session.chronicle.count(What.FAULT, end=row.step) + [*of_step].index(row) + 1
    if row.what is What.TABLE:
        maps = mapped_by(session.machine, row.numbers[0])
    return TimelineRow(row.step, row, "", name, fault, maps)
