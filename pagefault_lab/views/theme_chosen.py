"""`theme`: the themes there are, which one the screen is drawn in, and a sample of it."""

from __future__ import annotations

from pagefault_lab.lab.theme import ThemeChosen
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, BAD, CODE, GOOD, NAME, STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.themes import THEMES


@view(ThemeChosen)
def theme_chosen(shown: ThemeChosen) -> Lines:
    """A row for each theme, a star at the one that was chosen; then how it looks."""
    rows = [
        (Span("*" if name == shown.name else "", STRONG), Span(name, STRONG), theme.for_whom)
        for name, theme in THEMES.items()
    ]
    sample = Line.of(
        Span("✓ good", GOOD), "  ", Span("✗ bad", BAD), "  ", Span("0xc0100340", ADDRESS), Span(" <name>", NAME), "  ",
        Span("movl $0x5,%eax", CODE), "  ", note("a note"), indent=3,
    )  # fmt: skip
    return Lines.of(table(rows), sample)
