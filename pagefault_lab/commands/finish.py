from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.code import next_instruction

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


ENTERS = ("call", "lcall", "int", "int3", "into")
LEAVES = ("ret", "ret_and_release", "lret", "lret_and_release", "iret")


@command("finish", group="running")
def finish(session: Session) -> Iterator[object]:
    """Run until the function or the handler that EIP stands in has returned: by ret, or by iret to what it interrupted.

    Calls, interrupts and faults on the way are counted, so that the return is the right one.
    """
    session.check_not_shut_down()
    machine, cpu = session.machine, session.machine.cpu
    depth = 0
    change = 0
    exceptions = cpu.exceptions

    def look() -> None:
        nonlocal change
        if session.interrupt_is_next:
            change = 1
            return
        instruction = next_instruction(machine)
        name = instruction.form.name if instruction is not None else ""
        change = 1 if name in ENTERS else -1 if name in LEAVES else 0

    def returned() -> bool:
        nonlocal depth, exceptions
        if cpu.exceptions != exceptions:
            exceptions = cpu.exceptions
            depth += 1
            return False
        depth += change
        return depth < 0

    yield from session.runner.go(watch=returned, before_step=look, tell_arrival=True)
