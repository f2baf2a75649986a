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
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.effort import EFFORT, KEPT_FRAME
from pagefault_lab.machine.memory import PAGE, ZEROS, Frame, framed, pack

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

Kept: TypeAlias = "bytes | None"  # a frame's bytes, perhaps compressed; or that it was never used
Found: TypeAlias = "Kept | Frame"
PIECE: Final = 64  # bytes of a frame
PART: Final = 512  # so many are looked at together first
NOTHING: Final = bytes(PART)
NO_PIECE: Final = bytes(PIECE)
HEAD: Final = PAGE // PIECE // 8  # bytes of the mask that says which pieces follow
OVERHEAD: Final = 100  # bytes that it takes to keep any


def squeeze(kept: Kept) -> Kept:
    """The bytes of a frame without the pieces that are zeros: that is fast both ways.

    zlib would make them smaller, and takes ten times as long.
    """
    if kept is None or len(kept) < PAGE or kept is ZEROS:
        return kept
    mask, pieces = 0, []
    for start in range(0, PAGE, PART):
        part = kept[start : start + PART]
        if part != NOTHING:
            for place in range(0, PART, PIECE):
                piece = part[place : place + PIECE]
                if piece != NO_PIECE:
                    mask |= 1 << (start + place) // PIECE
                    pieces.append(piece)
    return mask.to_bytes(HEAD, "little") + b"".join(pieces) if HEAD + PIECE * len(pieces) < PAGE else kept


def unpack(kept: Found) -> Frame | None:
    """A frame from what is kept of it, or the very frame that is given."""
    if not isinstance(kept, bytes):
        return kept
    if len(kept) == PAGE:
        return framed(kept)
    frame = framed(ZEROS)
    data = memoryview(frame).cast("B")
    mask = int.from_bytes(kept[:HEAD], "little")
    for start in range(HEAD, len(kept), PIECE):
        place = PIECE * ((mask & -mask).bit_length() - 1)
        data[place : place + PIECE] = kept[start : start + PIECE]
        mask &= mask - 1
    return frame


@dataclass(slots=True)
class Checkpoint:
    """`steps` is the machine's step count there. `frames` is what those frames held that changed after it, up to the
    next checkpoint. With the TLB they take about `size` bytes, once there is a next one. `squeezed`: they will not take
    fewer."""

    steps: int
    cpu: tuple[Any, ...]
    ports: dict[str, Any]
    frames: dict[int, Kept]
    size: int = 0
    squeezed: bool = False

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
            self.kept[-1].squeezed = False
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
                self.newest.frames[number] = pack(self.machine.memory.frames[number])
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
        frames: dict[int, Found] = {}
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

    def _copy(self, checkpoint: Checkpoint, frames: Mapping[int, Found]) -> Machine:
        copy = self.machine.copy()
        self._become(copy, checkpoint, frames)
        return copy

    def _frames_at(self, index: int, at: int) -> dict[int, Found]:
        """The frames in which checkpoint `index` may differ from `at` and what follows that, as they are there."""
        first, last = sorted((index, at))
        numbers = {number for checkpoint in self.kept[first : last + 1] for number in checkpoint.frames}
        found: dict[int, Found] = {}
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

    def _become(self, machine: Machine, checkpoint: Checkpoint, frames: Mapping[int, Found]) -> None:
        EFFORT.spend(KEPT_FRAME * len(frames))
        machine.memory.saved = None
        for number, words in frames.items():
            machine.memory.put(number, unpack(words))
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

    def squeeze(self) -> None:
        """Let the frames take fewer bytes, but those that still change."""
        for checkpoint in self.kept[:-1]:
            if not checkpoint.squeezed:
                for number, kept in checkpoint.frames.items():
                    checkpoint.frames[number] = squeeze(kept)
                checkpoint.measure()
                checkpoint.squeezed = True

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
            kept[-1].squeezed &= checkpoint.squeezed
        self.kept = kept
        self._open(self.at - sum(index <= self.at for index in dropped))
