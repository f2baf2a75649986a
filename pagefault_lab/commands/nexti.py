from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.breakpoints.places import Errand
from pagefault_lab.lab.code import next_instruction
from pagefault_lab.machine.registers import ESP

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("ni", "nexti", "next", "n", group="running", repeats=True)
def nexti(session: Session) -> Iterator[object]:
    """Execute one instruction; of a call, an INT or a repeated string instruction everything, until the next one.

    An instruction that faults enters its handler, as with `si`; `finish` or `c` gets out of it.
    """
    session.check_not_shut_down()
    instruction = next_instruction(session.machine)
    repeats = instruction is not None and bool(instruction.repeat and instruction.form.repeat)
    calls = instruction is not None and instruction.form.name in ("call", "lcall", "int", "int3", "into")
    if instruction is None or not (repeats or calls):
        yield from session.runner.steps(1)
        return
    cpu = session.machine.cpu
    ring, esp = session.ring, cpu.registers[ESP]
    behind = session.here + instruction.length & 0xFFFFFFFF
    repeats = session.history.repeats
    yield from session.runner.steps(1)
    if session.here != behind and session.can_go_on and session.history.repeats == repeats:
        errand = Errand((behind,), lambda: session.ring == ring and cpu.registers[ESP] >= esp)
        yield from session.runner.go(errand)
