from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Step
from pagefault_lab.lab.travel import go_to

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("goto", group="running")
def goto(session: Session, step: Step | None = None) -> Iterator[object]:
    """Go to when the machine had made STEP steps, back or forward; a negative number counts back from here.

      goto 4711     goto -100     goto last(fault).step     goto

    Without STEP it goes to the present. `goto fault 2` goes to just before a fault.

    All is as it was just before that step: registers, memory, TLB, devices, the kernel's log, modules. `timeline` lists
    steps worth going to. What lies ahead is kept: `si`, `c` and the others go forward along it, up to the present; a
    line that changes something begins another future instead, and says so.
    """
    yield go_to(session, step)
