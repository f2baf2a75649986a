from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab.results import InterruptRequested
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("irq", group="changing")
def irq(session: Session, number: Number) -> Iterator[object]:
    """Request an external interrupt, as a device would: NUMBER counts from the world's first interrupt vector.

    It is taken before the next instruction if IF=1, otherwise it waits.
    """
    vector = session.world.irq_base + number
    if not 0 <= number <= 15:
        raise Problem(f"there is no IRQ {number}", "0 to 15")
    cpu = session.machine.cpu
    session.check_not_shut_down()
    session.changing()
    session.machine.interrupt(vector)
    session.changed_by_host()
    reason = ""
    if not cpu.interruptible:
        reason = "IF = 0" if not cpu.eflags & 0x200 else "the instruction before holds it back for one instruction"
    yield InterruptRequested(number, vector, cpu.interruptible, reason)
