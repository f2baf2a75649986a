"""The way back: checkpoints of the machine with what the session knew at each, and exact re-execution between them.

A mark is taken before every line that changes something, after everything that the host does to the machine (bytes it
places, registers it sets, interrupts it asks for), and now and then in a long run. So between two marks the machine ran
by itself, which it does the same way again: any step can be returned to, or told once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.machine.checkpoints import Checkpoints
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

INTERVAL: Final = 50_000  # steps of a run between two marks
MOST_MARKS: Final = 2000
MOST_FRAMES: Final = 2000  # kept copies of frames, together
STRETCH: Final = 5  # times as many, before the present line can no longer be undone
LOOK_AGAIN: Final = 100  # marks and frames more, before it is looked whether they are too many
MOST_IN_RUN: Final = 40  # marks of one run; beyond, the older ones are thinned out


class Kind(Enum):
    """Why a mark was taken."""

    LINE = "before a line"
    HOST = "after the host has changed something"
    TIME = "in a long run"


class Mark:
    """Beside the checkpoint of the same index: the line that begins here, and the session's own state."""

    __slots__ = ("kind", "line", "state")

    def __init__(self, kind: Kind, line: str, state: Any) -> None:
        self.kind = kind
        self.line = line
        self.state = state


class History:
    """Marks of one session, oldest first."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.checkpoints = Checkpoints(session.machine)
        self.marks: list[Mark] = []
        self._grown = 0  # marks and frames since their bounds were looked at
        self.take(Kind.HOST)

    def take(self, kind: Kind, line: str = "") -> None:
        """Mark the present."""
        self.checkpoints.take()
        self.marks.append(Mark(kind, line, self.session.save_state()))
        self._thin()

    def begin_line(self, line: str) -> None:
        """Mark the present as the beginning of a line. A mark that stands here already becomes that."""
        if self.marks[-1].kind is Kind.HOST and not self.steps_since_mark:
            self.marks[-1] = Mark(Kind.LINE, line, self.session.save_state())
        else:
            self.take(Kind.LINE, line)

    @property
    def steps_since_mark(self) -> int:
        return self.session.machine.steps - self.checkpoints.kept[-1].steps

    @property
    def lines(self) -> list[str]:
        """The lines that `back` can undo, oldest first."""
        return [mark.line for mark in self.marks if mark.kind is Kind.LINE]

    # --- back

    def undo_line(self) -> str:
        """Return to before the last line that changed something; that line."""
        index = self.last_line
        assert index is not None
        line = self.marks[index].line
        self._return_to(index)
        self.marks[index].kind = Kind.HOST
        return line

    def undo_lines(self, count: int) -> list[str]:
        """Undo as many lines, newest first; a Problem, with nothing done, if there are not so many."""
        known = len(self.lines)
        if not known:
            raise Problem("there is nothing to go back to", "this is where the history begins")
        if count > known:
            raise Problem(f"only {known} lines can be undone", f"back {known}")
        return [self.undo_line() for _ in range(count)]

    def return_to_steps(self, steps: int) -> None:
        """Return to when the machine had made that many steps; the runner's last step is the one that led there."""
        index = self._mark_before(steps)
        if index is None:
            reach = self.session.machine.steps - self.first_step
            raise Problem(f"only {reach} steps can be undone", "this is where the history begins")
        self._return_to(index)
        machine = self.session.machine
        distance = steps - machine.steps
        if distance:
            replay(machine, distance - 1)
            self.session.runner.last = machine.step()

    @property
    def first_step(self) -> int:
        return self.checkpoints.kept[0].steps

    def _mark_before(self, steps: int) -> int | None:
        """The last mark at which at most that many steps had been made."""
        kept = self.checkpoints.kept
        for index in range(len(kept) - 1, -1, -1):
            if kept[index].steps <= steps:
                return index
        return None

    def _return_to(self, index: int) -> None:
        self.checkpoints.return_to(index)
        del self.marks[index + 1 :]
        self.session.restore_state(self.marks[index].state)

    # --- telling the past

    def story(self, number: int) -> Step:
        """Step `number` (0 is the machine's first), told in full, by executing it again on a copy of the machine."""
        return self.machine_at(number).step()

    def machine_at(self, steps: int) -> Machine:
        """A copy of the machine as it was when it had made that many steps, just before it went on from there.

        What the host changes takes no step, so that there may be several states then: `marks_at` has them all.
        """
        index = self._mark_before(steps)
        if index is None:
            raise Problem("that step is further back than the history reaches", f"it begins at step {self.first_step}")
        copy = self.machine_of(index)
        replay(copy, steps - copy.steps)
        return copy

    def marks_at(self, steps: int) -> list[int]:
        """The marks (indices) that were taken when the machine had made exactly that many steps, oldest first."""
        return [index for index, checkpoint in enumerate(self.checkpoints.kept) if checkpoint.steps == steps]

    @property
    def last_line(self) -> int | None:
        """The mark of the last line that changed something; None if there is none that can be undone."""
        for index in range(len(self.marks) - 1, -1, -1):
            if self.marks[index].kind is Kind.LINE:
                return index
        return None

    def stories(self, first: int) -> Iterator[Step]:
        """Every step from number `first` up to the present, told in full, by executing them again on copies."""
        index = self._mark_before(first)
        if index is None:
            raise Problem("that step is further back than the history reaches", f"it begins at step {self.first_step}")
        kept = self.checkpoints.kept
        ends = [*(checkpoint.steps for checkpoint in kept[index + 1 :]), self.session.machine.steps]
        for place, end in enumerate(ends, index):
            if end <= first or end == kept[place].steps:
                continue
            copy = self.machine_of(place)
            replay(copy, max(first - copy.steps, 0))
            while copy.steps < end:
                yield copy.step()

    def machine_of(self, index: int) -> Machine:
        """A copy of the machine as it was at a mark (an index)."""
        machine = self.session.machine
        checkpoint = self.checkpoints.kept[index]
        copy = Machine(machine.memory.size)
        frames = list(machine.memory.frames)
        for later in reversed(self.checkpoints.kept[index:]):
            for number, words in later.frames.items():
                frames[number] = words
        copy.memory.frames = [None if words is None else words[:] for words in frames]
        copy.steps = checkpoint.steps
        copy.ports.restore(checkpoint.ports)
        copy.cpu.restore(checkpoint.cpu)
        return copy

    # --- bounds

    def _thin(self) -> None:
        """Keep the memory that all this takes within bounds."""
        kept = self.checkpoints.kept
        in_run = 0
        for mark in reversed(self.marks):
            if mark.kind is not Kind.TIME:
                break
            in_run += 1
        if in_run > MOST_IN_RUN:
            first = len(kept) - in_run
            for index in range(first + in_run // 2, first, -2):
                self._merge(index)
        self._grown += 1 + len(kept[-2].frames) if len(kept) > 1 else 1
        if self._grown < LOOK_AGAIN:
            return
        self._grown = 0
        frames = 0
        last_line = self.last_line or 0
        for index in range(len(kept) - 1, 0, -1):
            frames += len(kept[index].frames)
            scale = 1 if index <= last_line else STRETCH
            if len(kept) - index >= MOST_MARKS * scale or frames > MOST_FRAMES * scale:
                self.checkpoints.forget(index)
                del self.marks[:index]
                return

    def _merge(self, index: int) -> None:
        """Drop a mark; what it kept of memory goes to the one before it."""
        kept = self.checkpoints.kept
        before, dropped = kept[index - 1].frames, kept[index].frames
        for number, words in dropped.items():
            before.setdefault(number, words)
        del kept[index], self.marks[index]


def replay(machine: Machine, steps: int) -> None:
    """Let a machine make exactly that many steps again."""
    end = machine.steps + steps
    while machine.steps < end:
        before = machine.steps
        machine.run(end - machine.steps)
        if machine.steps == before:
            raise AssertionError("the machine does not repeat what it did")
