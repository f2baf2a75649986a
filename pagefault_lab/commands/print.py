from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression
from pagefault_lab.lab.formats import Format
from pagefault_lab.lab.results import Value

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("p", "print", group="looking")
def print_(session: Session, format: Format, expression: Expression) -> Iterator[object]:
    """Show the value of an expression: registers, symbols, memory, structures, C's operators.

      p $eax + 4     p u32[$esp]     p pte(0x08049000).writable     p fault.error

    p/x p/d p/u p/o p/t p/c p/a choose how it is shown.
    """
    yield Value(expression.text, expression.value(session), format.letter or "")
