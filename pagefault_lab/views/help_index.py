"""`help`: the mnemonics, and the commands by group, each in one line."""

from __future__ import annotations

import re
from itertools import groupby

from pagefault_lab.lab.manual import HelpIndex
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Block, Line, Lines, Span, note, table


@view(HelpIndex)
def help_index(index: HelpIndex) -> Lines:
    """The mnemonics, then a heading for each group: of what is longer than a screen, the end is seen first."""
    blocks: list[Block] = []
    if index.mnemonics:
        blocks.append(Line.of(Span("instructions", STRONG), note(" are executed as typed, in AT&T syntax")))
        blocks.append(Line.of(" ".join(index.mnemonics), indent=2, hang=0))
    width = max((len(found.names[0]) for found in index.commands), default=0)
    for group, commands in groupby(index.commands, lambda found: found.group):
        rows = []
        for found in commands:
            others = ", ".join(found.names[1:])
            clause = re.split(r"[.:;](?: |$)", found.summary)[0]
            rows.append((Span(found.names[0].ljust(width), STRONG), clause, note(others)))
        blocks += [Line.of(Span(group, STRONG)), table(rows, optional=(2,), indent=2)]
    if index.mnemonics:
        blocks.append(Line.of("help NAME explains a command or an instruction"))
    return Lines(tuple(blocks))
