from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression, Number
from pagefault_lab.lab.breakpoints.told import given

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("condition", "cond", group="running")
def condition(session: Session, number: Number, expression: Expression | None = None) -> Iterator[object]:
    """Let a breakpoint stop only where an expression is true; without one, always.

    condition 1 eax > 5     condition 1
    """
    point = session.breakpoints.of(number)
    point.condition = expression
    yield given(session, point)
