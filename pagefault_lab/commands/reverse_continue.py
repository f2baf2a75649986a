from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.lab.breakpoints import backwards

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("reverse-continue", "rc", group="running", repeats=True)
def reverse_continue(session: Session, to: Literal["break", "fault", "ring"] | None = None) -> Iterator[object]:
    """Go back to the last breakpoint, watchpoint, catchpoint, fault or change of the ring, whichever is nearest.

      rc              rc break        only what you have set
      rc fault        rc ring         only faults, only changes of the ring

    At a breakpoint it stands as it would have stopped there; of all else before the step that did it, so that `si` does
    it again. Conditions count, as they were then; what `ignore` lets pass does not matter. If there is nothing, it goes
    to where the history begins. Ctrl-C ends a long search, and the session stays where it is.
    """
    yield from backwards.reverse_continue(session, to or "")


@command("reverse-nexti", "rni", "reverse-next", "rn", group="running", repeats=True)
def reverse_nexti(session: Session) -> Iterator[object]:
    """Go back one instruction; behind a call, an INT, a fault's handler or a repeated instruction to before all of it.

    A breakpoint inside of it stops on the way back.
    """
    yield from backwards.reverse_next(session)


@command("reverse-finish", group="running")
def reverse_finish(session: Session) -> Iterator[object]:
    """Go back to the call, the INT or the fault that entered the function or the handler that EIP stands in."""
    yield from backwards.reverse_finish(session)
