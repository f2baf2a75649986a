"""Checkpoints of a machine: the way back, and forward again.

A checkpoint keeps registers, TLB and devices whole, and of memory only the frames that change after it, as they were
when they first change. Going to one is exact; a point between two is reached by going to the earlier one and executing
again, which a deterministic machine does the same way each time. What lies behind the point that one has gone back to
is kept, until something else is done there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.effort import EFFORT, KEPT_FRAME
from pagefault_lab.machine.memory import Frame, Kept, keep

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

OVERHEAD: Final = 100  # bytes that it takes to keep any frame


@dataclass(slots=True)
class Checkpoint:
    """`steps` is the machine's step count there. `frames` is what those frames held that changed after it, up to the
    next checkpoint. With the TLB they take about `size` bytes, once there is a next one."""

    steps: int
    cpu: tuple[Any, ...]
    ports: dict[str, Any]
    frames: dict[int, Kept]
    size: int = 0

    def measure(self) -> None:
        size = sum(OVERHEAD + len(kept or b"") for kept in self.frames.values())
        self.size = size + OVERHEAD * len(Cpu.translations(self.cpu))


class Future(NamedTuple):
    """What lies ahead of a checkpoint: those that follow, and the newest state, as far as it differs from there."""

    checkpoints: tuple[Checkpoint, ...]
    newest: Checkpoint | None


class Checkpoints:
    """The checkpoints of one machine, oldest first.

    The machine is at `kept[at]` or behind it, before the next one. `newest` is the state that it has gone back from,
    with all frames that differ on the way there; None while it is in no past. In the past, `near` are states on the way
    from `kept[at]` to where the machine is: they are kept as long as it stays between the same checkpoints.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.kept: list[Checkpoint] = []
        self.at = -1
        self.newest: Checkpoint | None = None
        self.near: list[Checkpoint] = []

    def take(self) -> Checkpoint:
        """Keep the present. The machine is in no past."""
        assert self.newest is None
        machine = self.machine
        if self.kept:
            self.kept[-1].measure()
            EFFORT.spend(KEPT_FRAME * len(self.kept[-1].frames))
        checkpoint = self._state()
        self.kept.append(checkpoint)
        self._open(len(self.kept) - 1)
        machine.cpu.notices.clear()  # what the host did is not the next step's
        machine.cpu.seen.clear()
        return checkpoint

    # --- to and fro

    def go_to(self, index: int) -> None:
        """Make a checkpoint the machine's state. Those behind it are kept."""
        if self.newest is None:
            self.newest = self._state()
        frames = self._frames_at(index, self.at)
        assert self.newest is not None
        for number in frames:
            if number not in self.newest.frames:
                self.newest.frames[number] = keep(self.machine.memory.frames[number])
        self._become(self.machine, self.kept[index], frames)
        self._open(index)

    def go_to_newest(self) -> None:
        """Return to the state that the machine has gone back from."""
        newest = self.newest
        if newest is None:
            return
        passed = {number for checkpoint in self.kept[self.at :] for number in checkpoint.frames}
        self._become(self.machine, newest, {number: newest.frames[number] for number in passed & newest.frames.keys()})
        self.newest = None
        self._open(len(self.kept) - 1)

    def pass_to(self, index: int) -> None:
        """The machine has come to the state of a checkpoint by itself."""
        self._open(index)

    def stay_near(self) -> None:
        """Keep the state in the past that the machine has come to by itself: what follows can be gone back over soon.

        `kept[at]` has the frames that change from here on already.
        """
        assert self.newest is not None
        self.near.append(self._state())
        self._save_in(self.near[-1])

    def go_near(self, steps: int) -> bool:
        """Return to the last state near by at which at most so many steps had been made; whether there is one."""
        place = bisect_right(self.near, steps, key=lambda checkpoint: checkpoint.steps) - 1
        if place < 0:
            return False
        frames: dict[int, Kept | Frame] = {}
        for checkpoint in reversed(self.near[place:]):
            frames |= checkpoint.frames
        del self.near[place + 1 :]
        self._become(self.machine, self.near[place], frames)
        self._save_in(self.near[place])
        return True

    @property
    def steps_since(self) -> int:
        """How many steps the machine has made since the checkpoint that it is behind."""
        return self.machine.steps - self.kept[self.at].steps

    def copy_of(self, index: int) -> Machine:
        """A copy of the machine as it is at a checkpoint."""
        return self._copy(self.kept[index], self._frames_at(index, self.at))

    def bring(self, copy: Machine, at: int, index: int) -> None:
        """Make a copy, which is at checkpoint `at` or went on from there, what the machine is at another checkpoint.

        What it knows of code stays, so that this is how to look at much of the past.
        """
        self._become(copy, self.kept[index], self._frames_at(index, at))

    def copy_of_newest(self) -> Machine:
        """A copy of the machine as it is in the newest state."""
        return self.machine.copy() if self.newest is None else self._copy(self.newest, self.newest.frames)

    def _copy(self, checkpoint: Checkpoint, frames: Mapping[int, Kept | Frame]) -> Machine:
        copy = self.machine.copy()
        self._become(copy, checkpoint, frames)
        return copy

    def _frames_at(self, index: int, at: int) -> dict[int, Kept | Frame]:
        """The frames in which checkpoint `index` may differ from `at` and what follows that, as they are there."""
        found: dict[int, Kept | Frame] = {}
        if index <= at:
            for checkpoint in reversed(self.kept[index : at + 1]):
                found.update(checkpoint.frames)
            return found
        numbers = set().union(*(checkpoint.frames for checkpoint in self.kept[at:index]))
        for checkpoint in self.kept[index:]:
            for number in numbers & checkpoint.frames.keys():
                found[number] = checkpoint.frames[number]
            numbers -= checkpoint.frames.keys()
            if not numbers:
                break
        kept = self.newest.frames if self.newest is not None else {}
        now = self.machine.memory.frames
        return found | {number: kept.get(number, now[number]) for number in numbers}  # they have not changed since

    def _state(self) -> Checkpoint:
        machine = self.machine
        return Checkpoint(machine.steps, machine.cpu.save(), machine.ports.save(), {})

    def _become(self, machine: Machine, checkpoint: Checkpoint, frames: Mapping[int, Kept | Frame]) -> None:
        EFFORT.spend(KEPT_FRAME * len(frames))
        machine.memory.saved = None
        for number, kept in frames.items():
            machine.memory.put(number, kept)
        machine.steps = checkpoint.steps
        machine.ports.restore(checkpoint.ports)
        machine.cpu.restore(checkpoint.cpu)

    def _open(self, index: int) -> None:
        """What changes from now on, changes behind this checkpoint."""
        self.at = index
        self.near.clear()
        self._save_in(self.kept[index])

    def _save_in(self, checkpoint: Checkpoint) -> None:
        self.machine.memory.saved = checkpoint.frames
        self.machine.cpu.close_writes()

    # --- another future

    def cut(self) -> Future:
        """The machine's state is the newest now; what lay ahead of it."""
        future = Future(tuple(self.kept[self.at + 1 :]), self.newest)
        del self.kept[self.at + 1 :]
        self.newest = None
        self._open(self.at)
        return future

    def join(self, future: Future) -> None:
        """Put back what lay ahead when it was cut; the machine stands there again."""
        assert self.newest is None
        self.kept += future.checkpoints
        self.newest = future.newest

    # --- bounds

    @property
    def size(self) -> int:
        """About how many bytes the frames take that are kept."""
        return sum(checkpoint.size for checkpoint in self.kept)

    def drop(self, count: int) -> None:
        """Forget the oldest checkpoints: what lies before the next one can no longer be reached."""
        del self.kept[:count]
        self.at -= count

    def merge(self, indices: Iterable[int]) -> None:
        """Forget single checkpoints, ascending, but the first; what was kept there goes to the one before."""
        dropped = set(indices)
        kept: list[Checkpoint] = []
        for index, checkpoint in enumerate(self.kept):
            if index not in dropped:
                kept.append(checkpoint)
                continue
            for number, words in checkpoint.frames.items():
                kept[-1].frames.setdefault(number, words)
            kept[-1].measure()
        self.kept = kept
        self._open(self.at - sum(index <= self.at for index in dropped))
