"""`help COMMAND`."""

from __future__ import annotations

from pagefault_lab.lab.manual import CommandHelp
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import paragraphs


@view(CommandHelp)
def command_help(page: CommandHelp) -> Lines:
    """The usage, other names, the text."""
    others = f"   also: {', '.join(page.names[1:])}" if len(page.names) > 1 else ""
    lines = [Line.of(text, indent=2, hang=0) for text in paragraphs(page.text)]
    return Lines.of(Line.of(Span(page.usage, STRONG), note(others) if others else None), *lines)
