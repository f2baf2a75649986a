from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import WorldName
from pagefault_lab.lab.results import Worlds
from pagefault_lab.worlds import WORLDS

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("world", group="session")
def world(session: Session, name: WorldName = "") -> Iterator[object]:
    """Start anew in a world; without a name, list them.

    The machine, its history, typed code and names begin anew: `back` does not return to the old world.
    """
    if not name:
        yield Worlds(tuple(WORLDS.items()), session.world.name)
        return
    yield session.enter_world(name)
