"""`help`: all names on one screen; or the commands of a group, each in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from pagefault_lab.lab.manual import CommandHelp, HelpIndex
from pagefault_lab.views import view
from pagefault_lab.views.lines import GLUE, STRONG, Block, Line, Lines, Span, note, table


@view(HelpIndex)
def help_index(index: HelpIndex) -> Lines:
    """Of everything the names alone, so that a screen of 24 rows has them all; of a part what each command is for."""
    if not index.part:
        return _names(index)
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
    return Lines(tuple(blocks))


def _names(index: HelpIndex) -> Lines:
    groups = groupby(index.commands, lambda found: found.group)
    rows = [(Span(group, STRONG), "  ".join(_together(commands))) for group, commands in groups]
    return Lines.of(
        table(rows),
        Line.of("help NAME explains a command or an instruction, help running those of a group", hang=2),
        Line.of("help instructions lists all that can be executed; new here? tour", hang=2),
    )


def _together(commands: Iterable[CommandHelp]) -> list[str]:
    """Names, those that begin with the same word as one: `info break|creg`, `why [fault]`."""
    found = []
    for first, names in groupby((command.names[0].partition(" ") for command in commands), lambda parts: parts[0]):
        seconds = [second for _, _, second in names]
        several = "|".join(filter(None, seconds))
        if several:
            found.append(f"{first}{GLUE}{several}" if all(seconds) else f"{first} [{several}]")
        else:
            found.append(first)
    return found
