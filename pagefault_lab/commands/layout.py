from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.lab.context import LayoutAsked, context

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("layout", "tui", group="looking")
def layout(
    session: Session, switch: Literal["on", "off", "asm", "regs", "src", "split", "enable", "disable"] = "on"
) -> Iterator[object]:
    """Open the full-screen view, or close it with `layout off`: code, registers, page walk, events, stacks, prompt.

    Any line can be typed there. A key types a line for you:

      F5  Ctrl-X c  c                   F6  Ctrl-X r  reverse-continue
      F7  Ctrl-X s  si                  F8  Ctrl-X b  reverse-stepi
      F9  Ctrl-X n  ni                  F1  Ctrl-X h  help layout
      F10 Ctrl-X a  layout off

    Ctrl-D on an empty line closes the view too. Enter on an empty line repeats the last step, Tab completes, the arrows
    go through earlier lines, Ctrl-R searches them. PgUp gives the output the whole screen, PgDn takes it back; so does
    the next line. Ctrl-C clears the line, and stops one that runs. gdb's names of layouts open the same view. Without a
    terminal the context is shown.
    """
    yield LayoutAsked(None if switch in ("off", "disable") else context(session))
