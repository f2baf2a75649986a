from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.machine.step import Step

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("finish", group="running")
def finish(session: Session) -> Iterator[object]:
    """Run until the function or the handler that EIP stands in has returned: by ret, or by iret to what it interrupted.

    Calls, interrupts and faults on the way are counted, so that the return is the right one. Out of a fault's handler
    it shows the instruction that is restarted.
    """
    from pagefault_lab.lab.breakpoints.returning import Returned
    from pagefault_lab.lab.code import disassembly

    returned: Step | None = None
    for value in session.runner.go(Returned(), tell_arrival=True):
        yield value
        returned = value if isinstance(value, Step) else returned
        if isinstance(value, Ran) and value.stopped is Stopped.ARRIVED and returned is not None:
            instruction = returned.instruction
            if instruction is not None and instruction.form.name == "iret":
                yield disassembly(session, session.here, None, 1)
