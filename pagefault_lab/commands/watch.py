from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Condition, Watchable

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("watch", group="running")
def watch(session: Session, what: Watchable, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs when a value has changed, behind the instruction that did it, which is told with the old and new value.

      watch user_data         the four bytes at an address
      watch 0x08049000, +64   so many
      watch u8[user_data+3]   memory, as expressions write it
      watch phys 0x00102124   physical, by whichever linear address it is written
      watch pte(0x08049000)   an entry of a table, or a field of it: .dirty
      watch -l u32[$esp]      the place that this is now
      watch eax if eax > 5    any expression, evaluated after each step: slow

    Memory and entries are watched at full speed, of entries also what the processor itself changes. An address says
    where; a `u32[...]` that names a register is evaluated anew after each step, as gdb does it. What commands change
    from outside (`poke`) is not seen.
    """
    yield set_on(session, what, condition, "change")


@command("rwatch", group="running")
def rwatch(session: Session, what: Watchable, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs when memory was read; like `watch`, but of what can be read only: memory, where it is now.

    Fetched instructions do not count.
    """
    yield set_on(session, what, condition, "read")


@command("awatch", group="running")
def awatch(session: Session, what: Watchable, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs when memory was read or written, even with the value that it had; else like `rwatch`."""
    yield set_on(session, what, condition, "access")


def set_on(session: Session, what: Watchable, condition: Condition | None, mode: str) -> object:
    from pagefault_lab.lab.breakpoints import making
    from pagefault_lab.lab.breakpoints.watchpoints import watchpoint

    return making.add(session, watchpoint(session, *what, mode), condition)
