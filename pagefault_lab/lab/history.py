"""The way back, and forward again: marks of the machine with what the session knew at each, and exact re-execution.

A mark is taken before every line that changes something, after everything that the host does to the machine (bytes it
places, registers it sets, interrupts it asks for), and now and then in a long run. So between two marks the machine ran
by itself, which it does the same way again: any step can be returned to, or told once more.

Going back keeps what lies ahead. From a step that was gone to, going on follows what is recorded, up to the present; a
line that changes something begins another future instead. Lines that were undone can be redone, until another is typed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Set
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab.chronicle import Chronicle
from pagefault_lab.machine.checkpoints import Checkpoints, Future
from pagefault_lab.machine.effort import EFFORT
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem, count

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints import Hits
    from pagefault_lab.lab.session import Session

INTERVAL: Final = 0.03  # seconds of a run between two marks: about what it takes to make it again,
SECONDS_PER_FRAME: Final = 8e-6  # but at least so many for each frame that has changed: twice what it costs to keep it
LOOKS: Final = 4  # in an interval
LEAST_STRIDE: Final = 50  # steps between two looks, at least,
MOST_STRIDE: Final = 4000  # and at most: slow ones may follow fast ones
NEAR: Final = (6_000, 1_500, 400, 100)  # so many steps before a place gone to, its state is kept, too
MOST_MARKS: Final = 8000
MOST_TIMES: Final = 6000  # marks in long runs; beyond, or if they take too much, some are dropped
MOST_BYTES: Final = 200_000_000  # of kept frames, together
STRETCH: Final = 5  # times as many, before the present line can no longer be undone
LOOK_AGAIN: Final = 100  # marks and frames more, before it is looked whether they are too many


class Kind(Enum):
    """Why a mark was taken."""

    LINE = "before a line"
    HOST = "after the host has changed something"
    TIME = "in a long run"


class Mark(NamedTuple):
    """Beside the checkpoint of the same index: the line that begins here, the session's own state, and what the clock
    of effort said."""

    kind: Kind
    line: str
    state: tuple[Any, ...]
    seconds: float


class Ahead(NamedTuple):
    """What lay ahead of the place where another future has begun."""

    checkpoints: Future
    marks: tuple[Mark, ...]
    state: tuple[Any, ...]
    events: bytes  # rows of the chronicle
    hits: Hits
    steps: int
    lines: int
    line: str  # the one that began here, "" if none did


class Begun(NamedTuple):
    """The line that changes something now: its mark, what that was before if it is not new, and what lay ahead."""

    mark: int
    replaced: Mark | None
    undone: bool
    ahead: Ahead | None


class Standing(NamedTuple):
    """A place in time: when so many steps had been made, going on from a mark (its index) in the past; None for the
    present. `undone`: a line was undone or redone there."""

    mark: int | None
    steps: int
    undone: bool


class Visitor:
    """A copy of the machine that goes through the history while the session stays where it is.

    It knows the code that it has come by, so that one visitor for many questions is faster than many copies.
    """

    def __init__(self, history: History, place: int) -> None:
        self._history = history
        self._place = place  # the mark that it stands at, or has gone on from
        self.machine = history.checkpoints.copy_of(place)

    def stand_at(self, place: int) -> None:
        """Go to a mark."""
        checkpoints = self._history.checkpoints
        if self._place != place or self.machine.steps != checkpoints.kept[place].steps:
            checkpoints.bring(self.machine, self._place, place)
            self._place = place

    def go_to(self, steps: int) -> None:
        """Go to when so many steps had been made, just before the next one."""
        place = self._history.mark_before(steps)
        if self._place != place or self.machine.steps > steps:
            self.stand_at(place)
        replay(self.machine, steps - self.machine.steps)


class History:
    """Marks of one session, oldest first, and the chronicle of what the machine did meanwhile."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.chronicle = Chronicle(session.machine)
        self.checkpoints = Checkpoints(session.machine)
        self.marks: list[Mark] = []
        self._newest_state: tuple[Any, ...] = ()  # the session's own, while it stands in the past
        self._begun: Begun | None = None
        self._undone = False  # whether the session stands where a line was undone or redone
        self._visitor: Visitor | None = None  # answers questions about the past, as long as the marks keep their places
        self._marked_at = 0.0  # what the clock said behind that
        self.stride = MOST_STRIDE  # steps that a run shall make until it is looked whether a mark is due
        self._looked = (0.0, 0)  # when that was done last: what the clock said, and the number of steps
        self._grown = 0  # marks and frames since their bounds were looked at
        session.machine.listener = self.chronicle.take
        self.take(Kind.HOST)

    # --- where

    @property
    def in_past(self) -> bool:
        """Whether there is a future to go to."""
        return self.checkpoints.newest is not None

    @property
    def repeats(self) -> bool:
        """Whether going on means to do once more what is recorded."""
        return self.in_past and not self._undone

    @property
    def present(self) -> int:
        """How many steps the machine has made in all, wherever the session stands."""
        newest = self.checkpoints.newest
        return self.session.machine.steps if newest is None else newest.steps

    @property
    def first_step(self) -> int:
        return self.checkpoints.kept[0].steps

    @property
    def lines(self) -> list[str]:
        """The lines that `back` can go over, oldest first."""
        return [mark.line for mark in self._passed if mark.kind is Kind.LINE]

    @property
    def last_line(self) -> int | None:
        """The mark of the last line that changed something; None if there is none to go back over."""
        passed = self._passed
        return next((index for index in range(len(passed) - 1, -1, -1) if passed[index].kind is Kind.LINE), None)

    @property
    def _passed(self) -> list[Mark]:
        """The marks behind which something was done before the place where the session stands."""
        return self.marks[: self.checkpoints.at + (not self._stands_at_mark)]

    @property
    def _stands_at_mark(self) -> bool:
        """Whether the session has gone back to a mark, and on to nowhere from there."""
        return self.in_past and self.checkpoints.steps_since == 0

    # --- marks

    def take(self, kind: Kind, line: str = "") -> None:
        """Mark the present."""
        self.checkpoints.take()
        self.marks.append(Mark(kind, line, self.session.save_state(), EFFORT.seconds))
        self._thin()
        self._marked_at = EFFORT.seconds

    def take_in_run(self) -> None:
        """In a long run, leave a mark to come back to."""
        if self.in_past or not self.checkpoints.steps_since:
            return
        now, steps = EFFORT.seconds, self.session.machine.steps
        passed, made = now - self._looked[0], steps - self._looked[1]
        self._looked = now, steps
        pace = int(made * INTERVAL / LOOKS / passed) if passed else MOST_STRIDE
        self.stride = max(LEAST_STRIDE, min(MOST_STRIDE, 2 * self.stride, pace))
        if now - self._marked_at >= max(INTERVAL, SECONDS_PER_FRAME * len(self.checkpoints.kept[-1].frames)):
            self.take(Kind.TIME)

    def begin_line(self, line: str) -> Ahead | None:
        """Mark the present as the beginning of a line that changes something; the future that it puts an end to.

        A mark that stands here already, and that nothing was done behind, becomes that.
        """
        stands = self._stands_at_mark or (self.marks[-1].kind is Kind.HOST and not self.checkpoints.steps_since)
        undone = self._undone
        ahead = self._cut() if self.in_past else None
        if stands:
            index = len(self.marks) - 1
            self._begun = Begun(index, self.marks[index], undone, ahead)
            self.marks[index] = Mark(Kind.LINE, line, self.session.save_state(), EFFORT.seconds)
        else:
            self.take(Kind.LINE, line)
            self._begun = Begun(len(self.marks) - 1, None, undone, ahead)
        return ahead

    def take_back_line(self) -> None:
        """The line that was begun last shall have done nothing: all is as before it, the future as well."""
        if self._begun is None:  # it has done more than can be kept
            return
        (index, replaced, undone, ahead), self._begun = self._begun, None
        self._move_to(index)
        self._cut()
        self._undone = undone
        if replaced is not None:
            self.marks[index] = replaced
        else:
            self._merge([index])
        if ahead is not None:
            self.checkpoints.join(ahead.checkpoints)
            self.marks += ahead.marks
            self._newest_state = ahead.state
            self.chronicle.join(ahead.events)
            self.session.breakpoints.join(ahead.hits)
            self._listen()

    def _cut(self) -> Ahead:
        """The place where the session stands is the present now; what lay ahead of it."""
        present, here = self.present, self.session.machine.steps
        place = self.checkpoints.at + 1
        marks = tuple(self.marks[place:])
        line = self.marks[place - 1].line if self._stands_at_mark else ""
        lines = sum(mark.kind is Kind.LINE for mark in marks) + bool(line)
        ahead = Ahead(
            self.checkpoints.cut(), marks, self._newest_state, self.chronicle.cut(), self.session.breakpoints.cut(),
            present - here, lines, line,
        )  # fmt: skip
        del self.marks[place:]
        self._visitor = None
        self._undone = False
        self._listen()
        return ahead

    def _listen(self) -> None:
        """What happens again is in the chronicle already."""
        self.session.machine.listener = None if self.in_past else self.chronicle.take

    # --- to and fro

    def go_to(self, steps: int) -> None:
        """Go to when the machine had made that many steps; a Problem if that is not in the history.

        What the host changes takes no step: it has done all of it that it did there.
        """
        if not self.first_step <= steps <= self.present:
            known = f"the history has steps {self.first_step} to {self.present}"
            raise Problem(f"there is no step {steps} to go to", known)
        if steps == self.present:
            self._move_to_present()
            return
        index = self.mark_before(steps)
        here = self.session.machine.steps
        if not (self.in_past and self.checkpoints.at == index and here <= steps):
            if self.in_past and self.checkpoints.at == index and self.checkpoints.go_near(steps):
                self._has_moved(self.marks[index].state)
            else:
                self._move_to(index)
        self._replay_to(steps)
        self.session.runner.forget()
        self._undone = False

    def _replay_to(self, steps: int) -> None:
        """Go on to when so many steps had been made; states on the way are kept, the closer the denser, so that one can
        go back from there soon, again and again."""
        machine = self.session.machine
        for distance in NEAR:
            if machine.steps < steps - distance:
                replay(machine, steps - distance - machine.steps)
                self.checkpoints.stay_near()
        replay(machine, steps - machine.steps)

    @property
    def standing(self) -> Standing:
        """Where the session stands."""
        return Standing(self.checkpoints.at if self.in_past else None, self.session.machine.steps, self._undone)

    def stand_at(self, place: Standing) -> None:
        """Go where the session stood, since when nothing has changed."""
        if place.mark is None:
            self._move_to_present()
        else:
            self._move_to(place.mark)
            self._replay_to(place.steps)
        self._undone = place.undone

    def go_back(self, steps: int) -> None:
        """Go back by so many steps."""
        here = self.session.machine.steps
        reach = here - self.first_step
        if steps > reach:
            sentence = f"only {count(reach, 'step')} can be gone back" if reach else "there is nothing to go back to"
            raise Problem(sentence, "this is where the history begins")
        self.go_to(here - steps)

    def undo_lines(self, count: int) -> list[str]:
        """Go back over as many lines, newest first; a Problem, with nothing done, if there are not so many."""
        known = len(self.lines)
        if not known:
            raise Problem("there is nothing to go back to", "this is where the history begins")
        if count > known:
            raise Problem(f"only {known} lines can be undone", f"back {known}")
        undone = []
        for _ in range(count):
            index = self.last_line
            assert index is not None
            undone.append(self.marks[index].line)
            self._move_to(index)
        self._undone = True
        return undone

    def redo_lines(self, count: int) -> list[str]:
        """Go forward over as many lines, or to the end of one that was gone back into; those lines."""
        redone: list[str] = []
        for _ in range(count):
            if not self.in_past:
                if redone:
                    raise Problem(f"only {len(redone)} lines can be redone", f"redo {len(redone)}")
                raise Problem("there is nothing to redo: this is the present")
            passed = self.checkpoints.at
            redone.append(next(mark.line for mark in reversed(self.marks[: passed + 1]) if mark.kind is Kind.LINE))
            later = range(passed + 1, len(self.marks))
            following = next((index for index in later if self.marks[index].kind is Kind.LINE), None)
            if following is None:
                self._move_to_present()
            else:
                self._move_to(following)
        self._undone = self.in_past
        return redone

    def mark_before(self, steps: int) -> int:
        """The last mark (its index) at which at most that many steps had been made; there is one."""
        return bisect_right(self.checkpoints.kept, steps, key=lambda checkpoint: checkpoint.steps) - 1

    def _move_to(self, index: int) -> None:
        if not self.in_past:
            self._newest_state = self.session.save_state()
        self.checkpoints.go_to(index)
        self._has_moved(self.marks[index].state)

    def _move_to_present(self) -> None:
        if self.in_past:
            self.checkpoints.go_to_newest()
            self._has_moved(self._newest_state)

    def _has_moved(self, state: tuple[Any, ...]) -> None:
        self.session.restore_state(state)
        self.session.runner.forget()
        self._listen()

    # --- forward in the past, as it was

    def run(self, limit: int, stops: Set[int], on_fault: bool, catch: Container[What] = ()) -> Stop:
        """Like Machine.run, up to the next mark; `catch_up` then does what the host did there."""
        machine = self.session.machine
        return machine.run(min(self._boundary - machine.steps, limit), stops, on_fault, catch)

    @property
    def _boundary(self) -> int:
        """When the next mark was taken."""
        kept, following = self.checkpoints.kept, self.checkpoints.at + 1
        return kept[following].steps if following < len(kept) else self.present

    def catch_up(self) -> None:
        """Do what the host did here, after a step in the past."""
        steps = self.session.machine.steps
        if steps < self._boundary:
            return
        if steps == self.present:
            self._move_to_present()
            return
        index = self.mark_before(steps)
        if all(mark.kind is Kind.TIME for mark in self.marks[self.checkpoints.at + 1 : index + 1]):
            self.checkpoints.pass_to(index)
        else:
            self._move_to(index)

    # --- telling the past

    def story(self, number: int) -> Step:
        """Step `number` (0 is the machine's first), told in full, by executing it again on a copy of the machine."""
        if number == self.session.machine.steps or not self.first_step <= number < self.present:
            return self.machine_at(number).step()
        return self._there(number).step()

    def machine_at(self, steps: int) -> Machine:
        """A copy of the machine as it was when it had made that many steps, just before it went on from there.

        What the host changes takes no step, so that there may be several states then: `marks_at` has them all.
        """
        if not self.first_step <= steps <= self.present:
            raise Problem("that step is further back than the history reaches", f"it begins at step {self.first_step}")
        if steps == self.session.machine.steps:
            return self.session.machine.copy()
        return self._there(steps).copy() if steps < self.present else self.checkpoints.copy_of_newest()

    def _there(self, steps: int) -> Machine:
        """The machine as `machine_at` has it, lent until the next question."""
        if self._visitor is None:
            self._visitor = self.visitor(steps)
        self._visitor.go_to(steps)
        return self._visitor.machine

    def machine_of(self, index: int) -> Machine:
        """A copy of the machine as it was at a mark (an index)."""
        return self.checkpoints.copy_of(index)

    def marks_at(self, steps: int) -> list[int]:
        """The marks (indices) up to here that were taken when exactly that many steps had been made, oldest first."""
        kept = self.checkpoints.kept[: self.checkpoints.at + 1]
        return [index for index, checkpoint in enumerate(kept) if checkpoint.steps == steps]

    def visitor(self, steps: int) -> Visitor:
        """A copy of the machine to go through the history with; it stands at the last mark before so many steps."""
        return Visitor(self, self.mark_before(steps))

    def stretches_backwards(self, end: int | None = None, frame: int | None = None) -> Iterator[tuple[int, int]]:
        """What the machine did by itself before step `end` (where the session stands), newest first: the mark behind
        which it did, and up to which step. Only stretches in which a physical frame was touched, if one is given."""
        end = self.session.machine.steps if end is None else end
        kept = self.checkpoints.kept
        newest = self.checkpoints.at if end == self.session.machine.steps else self.mark_before(end)
        for place in range(newest, -1, -1):
            if frame is None or frame in kept[place].frames:
                yield place, min(kept[place + 1].steps if place + 1 < len(kept) else self.present, end)

    def stories(self, first: int) -> Iterator[Step]:
        """Every step from number `first` up to where the session stands, told in full, by executing them on a copy."""
        for _, step in self.made_again(range(first, self.session.machine.steps)):
            yield step

    def made_again(self, numbers: Iterable[int]) -> Iterator[tuple[Machine, Step]]:
        """These steps, by their numbers, told in full; each with the copy of the machine that has just made it."""
        visitor: Visitor | None = None
        for number in numbers:
            if number < self.first_step:
                raise Problem(
                    "that step is further back than the history reaches", f"it begins at step {self.first_step}"
                )
            if visitor is None:
                visitor = self.visitor(number)
            visitor.go_to(number)
            yield visitor.machine, visitor.machine.step()

    # --- bounds

    def _thin(self) -> None:
        """Keep the memory that all this takes within bounds."""
        kept = self.checkpoints.kept
        self._grown += 1 + len(kept[-2].frames) if len(kept) > 1 else 1
        if self._grown < LOOK_AGAIN:
            return
        self._grown = 0
        times = [index for index in range(1, len(self.marks) - 1) if self.marks[index].kind is Kind.TIME]
        if len(times) > MOST_TIMES or (self.checkpoints.size > MOST_BYTES and len(times) > 2):
            self._merge(self._least_missed(times))
        kept = self.checkpoints.kept
        last_line = self.last_line or 0
        size = 0
        for index in range(len(kept) - 1, 0, -1):
            size += kept[index].size
            scale = 1 if index <= last_line else STRETCH
            if len(kept) - index >= MOST_MARKS * scale or size > MOST_BYTES * scale:
                self.checkpoints.drop(index)
                del self.marks[:index]
                self._visitor = None
                if self._begun is not None:
                    left = self._begun.mark - index
                    self._begun = self._begun._replace(mark=left) if left >= 0 else None
                return

    def _least_missed(self, indices: list[int]) -> list[int]:
        """Some of these marks, no two in a row: those whose neighbours are the closest."""
        chosen: set[int] = set()
        marks = self.marks
        for index in sorted(indices, key=lambda each: marks[each + 1].seconds - marks[each - 1].seconds):
            if index - 1 not in chosen and index + 1 not in chosen:
                chosen.add(index)
            if len(chosen) > len(indices) // 4:
                break
        return sorted(chosen)

    def _merge(self, indices: list[int]) -> None:
        """Drop these marks of a long run."""
        self.checkpoints.merge(indices)
        self._visitor = None
        dropped = set(indices)
        self.marks = [mark for index, mark in enumerate(self.marks) if index not in dropped]
        if self._begun is not None:
            earlier = sum(index < self._begun.mark for index in indices)
            self._begun = self._begun._replace(mark=self._begun.mark - earlier)


def replay(machine: Machine, steps: int) -> None:
    """Let a machine make exactly that many steps again."""
    end = machine.steps + steps
    while machine.steps < end:
        before = machine.steps
        machine.run(end - machine.steps)
        if machine.steps == before:
            raise AssertionError("the machine does not repeat what it did")
