from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command, get
from pagefault_lab.commands.parameters import CodeAddress
from pagefault_lab.lab.breakpoints.places import Errand
from pagefault_lab.lab.code import next_instruction
from pagefault_lab.machine.operands import Target
from pagefault_lab.machine.registers import ESP

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("until", "advance", "u", group="running")
def until(session: Session, address: CodeAddress | None = None) -> Iterator[object]:
    """Run to a linear address, or to whatever stops a run before.

    Without one it is `ni`, but a jump back is not followed: it runs on to the instruction behind it, out of the loop.
    """
    if address is not None:
        yield from session.runner.go(Errand((address,)))
        return
    session.check_not_shut_down()
    instruction = next_instruction(session.machine)
    targets = instruction.operands if instruction is not None and instruction.form.name != "call" else ()
    goes_back = any(isinstance(each, Target) and each.displacement < 0 for each in targets)
    if instruction is None or not goes_back or instruction.form.name == "jmp":
        yield from get("ni").function(session)
        return
    cpu = session.machine.cpu
    ring, esp = session.ring, cpu.registers[ESP]
    behind = session.here + instruction.length & 0xFFFFFFFF
    yield from session.runner.go(Errand((behind,), lambda: session.ring == ring and cpu.registers[ESP] >= esp))
