"""Back to the last time: the past is searched by executing it again on a copy, from mark to mark, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.breakpoints.places import Begun, frames_of
from pagefault_lab.lab.breakpoints.points import Breakpoint, Hit, Look
from pagefault_lab.lab.breakpoints.returning import LEAVES, Nesting
from pagefault_lab.lab.breakpoints.told import Caught, Reached, by, line_of
from pagefault_lab.lab.history import Visitor, replay
from pagefault_lab.lab.origins import Tripwire
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.scopes import Then
from pagefault_lab.lab.travel import travel
from pagefault_lab.machine.notices import What
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.watches import Watch

MOST_LOOKS: Final = 500  # in a part of a stretch in which something holds, before its end is looked at instead
MAPPING: Final = (What.TABLE, What.CR0, What.CR3, What.CR4)  # what changes which frame lies at an address
KINDS: Final = {
    "": (What.FAULT, What.RING, What.SHUTDOWN),
    "fault": (What.FAULT, What.SHUTDOWN),
    "ring": (What.RING,),
    "break": (),
}


class Found(NamedTuple):
    """When the machine had made so many steps, and what then held."""

    moment: int
    hits: tuple[Hit, ...]


class Search:
    """Goes through the past backwards, on one copy of the machine."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._visitor: Visitor | None = None
        self._wires: dict[int, Tripwire] = {}  # by the number of a frame of the copy

    def last(self, points: Sequence[Breakpoint], end: int, first: int) -> Found | None:
        """The last moment before step `end`, and not before step `first`, at which one of these holds."""
        history = self.session.history
        kinds, watches = _only_events(self.session, points), _only_writes(self.session, points)
        for place, until in history.stretches_backwards(end):
            start = history.checkpoints.kept[place].steps
            if until < first:
                break
            if start == until:
                continue
            if kinds and next(self.session.chronicle.events(*kinds, first=start, end=until), None) is None:
                continue
            if watches and not self._may_write(watches, place, start, until):
                continue
            found = self._scan(place, points, start, until, end)
            if found is not None:
                return found if found.moment >= first else None
        return None

    def stand(self, place: int, steps: int) -> Visitor:
        """The copy, when it had made so many steps from a mark on."""
        visitor = self._visitor
        if visitor is None:
            visitor = self._visitor = Visitor(self.session.history, place)
        if visitor.machine.cpu.watches:
            visitor.machine.cpu.watch(())
        visitor.stand_at(place)
        replay(visitor.machine, steps - visitor.machine.steps)
        return visitor

    def check_goes_on(self) -> None:
        """A Problem if Ctrl-C came."""
        if self.session.runner.interrupted:
            raise Problem("the search was stopped", "the session stands where it stood")

    def _scan(self, place: int, points: Sequence[Breakpoint], start: int, until: int, end: int) -> Found | None:
        """The last moment in a part of a stretch. If something holds often in it, its end comes first."""
        session = self.session
        machine = self.stand(place, start).machine
        variables = session.variables_in(session.history.marks[place].state)
        scope = Then.of(session, machine, variables)
        found: Found | None = None
        looks = 0
        look = Look(points, scope)
        while machine.steps < until:
            self.check_goes_on()
            if found is not None and looks >= MOST_LOOKS and until - machine.steps > machine.steps - start:
                later = until - (machine.steps - start)
                return self._scan(place, points, later, until, end) or self._scan(place, points, start, later, end)
            machine.run(1 if look.each_step else until - machine.steps, look.addresses, catch=look.catch)
            looks += 1
            for hit in look.hits():
                moment = machine.steps - hit.point.goes_before
                if moment < end:
                    held = found.hits if found is not None and found.moment == moment else ()
                    if found is None or moment >= found.moment:
                        found = Found(moment, (*held, hit))
            look.again()
        return found

    def _may_write(self, watches: Sequence[Watch], place: int, start: int, until: int) -> bool:
        """Whether one of these places may be written in a stretch: found at full speed, by words of physical memory."""
        linear = [watch for watch in watches if not watch.physical]
        if linear and next(self.session.chronicle.events(*MAPPING, first=start, end=until), None) is not None:
            return True
        machine = self.stand(place, start).machine
        words: dict[int, list[int]] = {}  # by the number of a frame
        for watch in watches:
            for address, size in _pieces(watch):
                for frame in (address >> 12,) if watch.physical else frames_of(machine, address):
                    places = range(address >> 2 & 1023, ((address & 0xFFF) + size - 1 >> 2) + 1)
                    words.setdefault(frame, []).extend(places)
        wires = [self._wire(machine, frame, words[frame]) for frame in words if machine.memory.exists(frame)]
        replay(machine, until - machine.steps)
        return any(wire.written for wire in wires)

    def _wire(self, machine: Machine, frame: int, words: Sequence[int]) -> Tripwire:
        """The frame of the copy, which knows from now on whether these words are written, or any between them."""
        if frame not in self._wires:
            machine.memory.frames[frame] = self._wires[frame] = Tripwire(machine.memory.frame(frame))
            machine.cpu.forget_pages()
        wire = self._wires[frame]
        wire.places, wire.written = range(min(words), max(words) + 1), False
        return wire


def _pieces(watch: Watch) -> Iterator[tuple[int, int]]:
    """(address, bytes) of the parts of a watched range, each in one page."""
    for page in watch.pages:
        start = max(watch.start, page << 12)
        yield start, min(watch.end, page + 1 << 12) - start


def _only_events(session: Session, points: Sequence[Breakpoint]) -> frozenset[What]:
    """The kinds of events that are all these wait for; none if they wait for something else, too."""
    asked = [point.asks(session.machine) for point in points]
    if any(each.addresses or each.watches or each.each_step for each in asked):
        return frozenset()
    return frozenset().union(*(each.catch for each in asked))


def _only_writes(session: Session, points: Sequence[Breakpoint]) -> tuple[Watch, ...]:
    """The places that all these wait for to be written; none if they wait for something else, too."""
    asked = [point.asks(session.machine) for point in points]
    watches = tuple(watch for each in asked for watch in each.watches)
    if any(each.addresses or each.catch or each.each_step for each in asked) or any(each.reads for each in watches):
        return ()
    return watches


# --- what commands do


def reverse_continue(session: Session, to: str) -> Iterator[object]:
    """Go back to the last breakpoint, or event of these kinds; else to where the history begins."""
    here, history = session.machine.steps, session.history
    kinds = KINDS[to]
    points = session.breakpoints.active if to in ("", "break") else ()
    if not kinds and not points:
        raise Problem("no breakpoint is set", "b page_fault, watch user_data, catch fault")
    event = session.chronicle.last(*kinds, end=here) if kinds else None
    first = history.first_step if event is None else event.step
    found = Search(session).last(points, here, first) if points else None
    moment = first if found is None else found.moment
    if moment == here:
        raise Problem("this is where the history begins")
    told: list[object] = []
    if found is not None:
        told += _told(session, found)
    elif event is not None:
        events = session.chronicle.events(*kinds, first=event.step, end=event.step + 1)
        told += [Caught(None, each, by(session, each.step)) for each in events]
    else:
        told.append(Message("there is nothing of that kind before: the history begins here"))
    yield from told
    yield travel(session, partial(history.go_to, moment))


def _told(session: Session, found: Found) -> Iterator[object]:
    for point, evidence, _ in found.hits:
        if point.goes_before:
            yield from point.tell(session, evidence, found.moment)
        else:
            yield Reached(line_of(session, point))
        if point.temporary:
            session.breakpoints.delete(point.number)


def reverse_next(session: Session) -> Iterator[object]:
    """Go back over the last instruction, with all that it has called."""
    here, step, history = session.machine.steps, session.last, session.history
    if step is None:
        raise Problem("there is nothing to go back to", "this is where the history begins")
    moment: int | None = here - 1
    instruction = step.instruction
    search = Search(session)
    if instruction is not None and not step.deliveries:
        if instruction.form.name in LEAVES:
            moment = entered(search, here - 1)
        elif instruction.repeat and instruction.form.repeat:
            begun = search.last((Begun(step.linear),), here, history.first_step)
            moment = begun.moment if begun is not None else None
    moment = history.first_step if moment is None else moment
    found = search.last(session.breakpoints.active, here, moment + 1) if moment < here - 1 else None
    if found is not None:
        yield from _told(session, found)
        moment = found.moment
    yield travel(session, partial(history.go_to, moment))


def reverse_finish(session: Session) -> Iterator[object]:
    """Go back to what entered the function or the handler."""
    moment = entered(Search(session), session.machine.steps)
    if moment is None:
        raise Problem("nothing that is known has entered this", "a call, an INT or a fault does")
    yield travel(session, partial(session.history.go_to, moment))


def entered(search: Search, end: int) -> int | None:
    """The step that entered the function or the handler in which the machine stood before step `end`; None if it did so
    before the history begins."""
    return next(iter(Entries(search, end)), None)


class Entries:
    """The steps that entered what had not returned before step `end`: each of a function or a handler, innermost first.

    The search goes back as far as they are asked for, or until it has looked at `most` turns of the code. `looked_from`
    is the step from which on it knows everything.
    """

    def __init__(self, search: Search, end: int, most: int | None = None) -> None:
        self._search = search
        self._most = most
        self.looked_from = end

    def __iter__(self) -> Iterator[int]:
        search, history = self._search, self._search.session.history
        turns = missing = 0  # missing: returns in later stretches, whose calls lie further back
        for place, until in history.stretches_backwards(self.looked_from):
            if self._most is not None and turns >= self._most:
                return
            start = history.checkpoints.kept[place].steps
            machine = search.stand(place, start).machine
            nesting, unmatched = Nesting(), 0
            open_: list[int] = []
            while machine.steps < until:
                search.check_goes_on()
                asked = nesting.asks(machine)
                machine.run(1 if asked.each_step else until - machine.steps, asked.addresses, catch=asked.catch)
                turns += 1
                change = nesting.change(machine)
                if change > 0:
                    open_.append(machine.steps - 1)
                elif change < 0 and open_:
                    open_.pop()
                elif change < 0:
                    unmatched += 1
            matched = min(missing, len(open_))
            del open_[len(open_) - matched :]
            self.looked_from = start
            yield from reversed(open_)
            missing += unmatched - matched
