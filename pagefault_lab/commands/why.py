"""`why`: the reason of the last fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.explain import explain
from pagefault_lab.lab.story import tell
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("why", group="explaining")
def why(session: Session) -> Iterator[object]:
    """Explain the last fault: the instruction, its operand, each check with its numbers, the error code, the stack.

    Everything is taken from the checks that really ran. After a free run, the step of the fault is executed once more,
    on a copy of the machine, to see them.
    """
    step = session.fault
    found = explain(tell(step, session.symbols.name)) if step is not None else None
    if found is None:
        raise Problem("there has been no fault yet", "a write to address 0 would be one: movl %eax,0")
    yield found
