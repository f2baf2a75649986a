"""Going elsewhere in time, and the list of what is worth going to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.history import Kind
from pagefault_lab.lab.results import Travelled
from pagefault_lab.machine.notices import LOADS, What
from pagefault_lab.problem import Problem

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


class TimelineRow(NamedTuple):
    """One thing that happened: what the processor did (`event`), or a line that was typed. `name` is the symbol of
    where it stood; `fault` the number that `why fault` knows it by."""

    step: int
    event: Event | None
    line: str
    name: str
    fault: int | None


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
    here = session.machine.steps
    centre = here if around is None else around
    kinds = what or WORTH_A_ROW
    end = history.present
    before = list(islice(chronicle.backwards(*kinds, end=centre), count))
    behind = list(islice(chronicle.events(*kinds, first=centre, end=end), count))
    half = max(count // 2, count - len(behind))
    events = [*reversed(before[:half]), *behind[: count - min(half, len(before))]]
    earlier = chronicle.count(*kinds, end=centre) - min(half, len(before))
    later = chronicle.count(*kinds, end=end) - earlier - len(events)
    rows = [(event.step, 1, _row(session, event)) for event in events]
    if not what:
        since = events[0].step if earlier else history.first_step
        until = events[-1].step if later else end
        for checkpoint, mark in zip(history.checkpoints.kept, history.marks, strict=True):
            if mark.kind is Kind.LINE and since <= checkpoint.steps <= until:
                rows.append((checkpoint.steps, 0, TimelineRow(checkpoint.steps, None, mark.line, "", None)))
    rows.sort(key=lambda row: row[:2])
    return Timeline(tuple(row for *_, row in rows), here, end, history.first_step, earlier, later)


def _row(session: Session, event: Event) -> TimelineRow:
    name = session.symbols.name(event.address) or ""
    fault = None
    if event.what is What.FAULT:
        of_step = session.chronicle.events(What.FAULT, first=event.step, end=event.step + 1)
        fault = session.chronicle.count(What.FAULT, end=event.step) + [*of_step].index(event) + 1
    return TimelineRow(event.step, event, "", name, fault)
