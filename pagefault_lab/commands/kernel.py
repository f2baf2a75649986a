from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.breakpoints.places import Errand
from pagefault_lab.lab.results import Message
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("kernel", group="running")
def kernel(session: Session) -> Iterator[object]:
    """Enter the guest kernel by a real INT through a real gate, and stand in it at CPL 0.

    There one can type what needs CPL 0: lidt, mov to cr3, cli. `user` returns by iret.
    """
    world = session.world
    if session.ring == 0:
        yield Message("this is CPL 0 already")
        return
    if world.gate is None or world.kernel_place is None:
        raise Problem(f"the world {world.name} has no kernel to enter", "`world linux` has one")
    gate = f"int ${world.gate:#x}"
    yield from session.code.place_and_execute(gate, session.code.assemble(gate))
    if session.can_go_on:
        yield from session.runner.go(Errand((world.kernel_place,)))
