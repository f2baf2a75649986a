from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Step
from pagefault_lab.lab import moments
from pagefault_lab.lab.difference import compare

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("diff", group="looking")
def diff(session: Session, step: Step | None = None, other: Step | None = None) -> Iterator[object]:
    """Show what differs between two points of time: registers, descriptor tables, page tables, memory.

      diff                 since before the last line that changed something
      diff STEP            since the machine had made so many steps
      diff STEP STEP       between two such points
      set $before = steps  and later `diff $before`: since then

    A negative number counts back from now: `diff -10`. The machine is taken back by executing again, on a copy, so the
    comparison is exact and changes nothing. What the host changes takes no step: a STEP is meant as it was reached, or,
    if it is a variable, as it was when that was set.

    Told in one line each: free pages, the kernel's log, lines that were typed, what was left below a stack pointer.
    """
    if step is None:
        yield compare(session, moments.before_last_line(session), moments.present(session))
    else:
        last = moments.present(session) if other is None else moments.at_step(session, other)
        yield compare(session, moments.at_step(session, step), last)
