"""What is written, and what a machine runs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

from pagefault_lab.machine.decoder import Instruction
from pagefault_lab.machine.faults import FaultRaised

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine


@dataclass(frozen=True, slots=True)
class Block:
    """A translated run of code. `run(budget)` executes it (several times if it loops to its own start) and gives the
    number of steps made; `budget` must be at least `length`."""

    run: Callable[[int], int]
    length: int
    addresses: frozenset[int]
    source: str


@dataclass(frozen=True, slots=True)
class Written:
    """A block as it is written for any machine: it defines `run`, and wants `names` and a machine's own.

    It ends before the `stops` in its page. `decoded` are the instructions that it is made of, by offset and default
    size, and `words` those of the page where they lie.
    """

    source: str
    code: CodeType
    names: Mapping[str, Any]
    length: int
    addresses: frozenset[int]
    stops: frozenset[int]
    decoded: Mapping[tuple[int, int], Instruction]
    words: frozenset[int]

    def bound(self, machine: Machine, frame: int, journaling: bool) -> Block:
        """The block of a machine whose frame of this number has the code."""
        cpu, memory = machine.cpu, machine.memory
        known = memory.code_of(frame)
        known.decoded.update(self.decoded)
        known.words.update(self.words)
        cpu.forget_writes()
        namespace = {
            **self.names, "cpu": cpu, "R": cpu.registers, "READS": cpu.reads, "WRITES": cpu.writes,
            "read_for_write": cpu.read_for_write, "read": cpu.note_read if journaling else cpu.read,
            "write": cpu.note_write if journaling else cpu.write, "push": cpu.note_push if journaling else cpu.push,
            "peek_stack": cpu.note_peek if journaling else cpu.peek_stack, "iterate": machine.iterate,
            "faulted": machine.faulted, "FaultRaised": FaultRaised, "LENGTH": self.length, "LEAVING": memory.leaving,
        }  # fmt: skip
        exec(self.code, namespace)
        return Block(namespace["run"], self.length, self.addresses, self.source)
