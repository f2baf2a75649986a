from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression, Number
from pagefault_lab.lab.formats import Format
from pagefault_lab.lab.telling import Displayed
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("display", "info display", group="looking")
def display(session: Session, format: Format, expression: Expression | None = None) -> Iterator[object]:
    """Show the value of an expression now and after every line that changes something; without one, all of them.

      display/x u32[$esp]     display/i $eip     undisplay

    With /i it is the instruction at that address.
    """
    if expression is not None:
        shown = Displayed(expression, format.letter or "")
        shown.now(session)
        session.displayed[max(session.displayed, default=0) + 1] = shown
        wanted = [shown]
    else:
        wanted = list(session.displayed.values())
    for shown in wanted:
        yield shown.now(session)


@command("undisplay", group="looking")
def undisplay(session: Session, *numbers: Number) -> Iterator[object]:
    """Show no longer what `display` asked for; by number, 1 is the first, or all of it."""
    for number in numbers:
        if number not in session.displayed:
            raise Problem(f"there is no display {number}", ", ".join(map(str, session.displayed)) or "none is set")
    for number in numbers or tuple(session.displayed):
        session.displayed.pop(number, None)
    yield from ()
