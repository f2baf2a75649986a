"""Checkpoints of a machine: the way back.

A checkpoint keeps registers, TLB and devices whole, and of memory only the frames that change after it, copied when
they first change. Going back to one is exact; a point between two is reached by going back and executing again, which
a deterministic machine does the same way each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pagefault_lab.machine.memory import Frame

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


@dataclass(slots=True)
class Checkpoint:
    """`steps` is the machine's step count there; `frames` fills as frames change after it."""

    steps: int
    cpu: tuple[Any, ...]
    ports: dict[str, Any]
    frames: dict[int, Frame | None]


class Checkpoints:
    """A stack of checkpoints of one machine, oldest first."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.kept: list[Checkpoint] = []

    def take(self) -> Checkpoint:
        """Keep the present."""
        machine = self.machine
        machine.memory.saved = {}
        machine.cpu.forget_writes()
        checkpoint = Checkpoint(machine.steps, machine.cpu.save(), machine.ports.save(), machine.memory.saved)
        self.kept.append(checkpoint)
        return checkpoint

    def return_to(self, index: int) -> None:
        """Make a checkpoint the present again; those after it are gone, it stays."""
        machine = self.machine
        machine.memory.saved = None
        for checkpoint in reversed(self.kept[index:]):
            machine.memory.restore(checkpoint.frames)
        del self.kept[index + 1 :]
        checkpoint = self.kept[index]
        machine.steps = checkpoint.steps
        machine.ports.restore(checkpoint.ports)
        machine.cpu.restore(checkpoint.cpu)
        checkpoint.frames.clear()
        machine.memory.saved = checkpoint.frames

    def forget(self, count: int) -> None:
        """Drop the oldest `count` checkpoints: what lies before the next one can no longer be reached."""
        del self.kept[:count]
