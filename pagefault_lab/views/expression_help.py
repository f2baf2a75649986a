"""`help expressions`."""

from __future__ import annotations

from pagefault_lab.lab.expression_help import ExpressionHelp, HelpEntry, HelpSection
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import paragraphs


@view(ExpressionHelp)
def expression_help(page: ExpressionHelp) -> Lines:
    """The notation, then the names by kind, each with its fields below it."""
    lines = [Line.of(text, indent=2, hang=28 if text.startswith(" ") else 0) for text in paragraphs(page.text)]
    return Lines.of(*lines, *(_section(section) for section in page.sections))


def _section(section: HelpSection) -> Lines:
    return Lines.of(Line.of(), Line.of(Span(section.title, STRONG)), *(_entry(entry) for entry in section.entries))


def _entry(entry: HelpEntry) -> Lines:
    fields = Line.of(" ".join(f".{field}" for field in entry.fields), indent=6, hang=0) if entry.fields else None
    return Lines.of(Line.of(Span(entry.written, STRONG), note(f"   {entry.meaning}"), indent=2), fields)
