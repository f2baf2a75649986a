"""A typed line that had been left is now executed to its end."""

from __future__ import annotations

from pagefault_lab.lab.results import RestartedLine
from pagefault_lab.views import view
from pagefault_lab.views.lines import GOOD, Line, Lines, Span, note
from pagefault_lab.views.words import hex32, printable


@view(RestartedLine)
def restarted_line(line: RestartedLine) -> Lines:
    """`✓ restarted and retired: movl %eax,(%ebx)`."""
    back = f"; EIP is back at {hex32(line.came_back)}" if line.came_back is not None else ""
    text = printable(line.line).partition("\n")[0]
    return Lines.of(
        Line.of(Span("✓ executed to its end: ", GOOD), text, note(f" (at {hex32(line.address)}){back}"), hang=2)
    )
