"""One disassembled instruction."""

from __future__ import annotations

from pagefault_lab.lab.results import CodeLine
from pagefault_lab.views import view
from pagefault_lab.views.disassembly import row
from pagefault_lab.views.lines import Lines


@view(CodeLine)
def code_line(line: CodeLine) -> Lines:
    """As a row of `disas`."""
    return Lines.of(row(line))
