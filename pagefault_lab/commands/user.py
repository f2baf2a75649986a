from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.breakpoints.places import Errand
from pagefault_lab.lab.results import Message
from pagefault_lab.machine.notices import What
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("user", group="running")
def user(session: Session) -> Iterator[object]:
    """Run until the guest is back at CPL 3, by its own iret, which is told."""
    if session.ring == 3:
        yield Message("this is CPL 3 already")
        return
    if session.code.ends_at_eip:
        hint = None
        if session.world.kernel_place is not None:
            hint = f"type jmp {session.symbols.name(session.world.kernel_place)} first, from there an iret follows"
        raise Problem("nothing is typed here that would return to CPL 3", hint)
    yield from session.runner.go(Errand(catch=(What.RING,), arrived=lambda: session.ring == 3), tell_arrival=True)
