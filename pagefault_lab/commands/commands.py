from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number, Rest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("commands", group="running")
def commands(session: Session, number: Number | None = None, line: Rest | None = None) -> Iterator[object]:
    """Give a breakpoint lines that are executed when it has stopped a run: those that follow, up to `end`.

      commands 1              commands 1 p eax; x/4xw $esp
      p eax
      c
      end

    Without NUMBER they are for the newest one. In one line they are separated by semicolons. No lines at all take them
    away. One that lets the machine go on ends them.
    """
    wanted = session.breakpoints.newest if number is None else number
    if line is None:
        session.breakpoints.open_block(wanted, "commands" if number is None else f"commands {number}")
    else:
        yield from session.breakpoints.command(wanted, [each.strip() for each in line.split(";")])
