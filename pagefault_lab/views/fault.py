"""The line of a fault, in the words of kernels."""

from __future__ import annotations

from pagefault_lab.machine.faults import Fault
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span
from pagefault_lab.views.words import NO_NAMES, Names, error_words, hex32, named


@view(Fault)
def fault(raised: Fault, names: Names = NO_NAMES) -> Lines:
    """`#PF error code 0x7 [user, write, protection] cr2=0x08049000`."""
    return Lines.of(line(raised, names))


def line(raised: Fault, names: Names = NO_NAMES) -> Line:
    """The fault in one line."""
    words = error_words(raised)
    explained = raised.vector == 14 and raised.error is not None
    return Line.of(
        Span(raised.row.mnemonic, BAD),
        "" if explained else f" {raised.row.name}",
        f" error code {raised.error:#x}" if raised.error is not None else None,
        f" [{words}]" if words else None,
        f" cr2={hex32(raised.linear)}{named(raised.linear, names)}" if raised.linear is not None else None,
    )
