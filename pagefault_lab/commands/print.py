from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression
from pagefault_lab.lab.formats import Format
from pagefault_lab.lab.results import StructureValue, Value
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("p", "print", group="looking")
def print_(session: Session, format: Format, expression: Expression) -> Iterator[object]:
    """Show the value of an expression: registers, symbols, memory, structures, C's operators.

      p $eax + 4     p u32[$esp]     p pte(0x08049000).writable     p fault.error
      p pte(0x08049000)     p frame     p last(fault(14)).cr2     p at(-5, $eax)

    A structure alone is shown with all its fields. $_ is the value that was shown last.
    p/x p/d p/u p/o p/t p/c p/z choose how it is shown, p/a with the symbol, p/s shows the text at that address.
    `help expressions` lists all names.
    """
    if format.count is not None or format.unit is not None:
        raise Problem("p shows one value", "x/8xw shows memory: how many, how, in which size")
    if format.letter == "i":
        raise Problem("p does not show instructions", f"x/i {expression.text}")
    shown = expression.shown(session, format.letter or "")
    if isinstance(shown, Value | StructureValue) and shown.value is not None:
        session.last_value = shown.value
    yield shown
