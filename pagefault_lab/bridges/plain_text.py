"""Values as lines of plain text, for files and for other programs' reports."""

from __future__ import annotations

WIDTH = 80


def plain_text(value: object, width: int = WIDTH) -> tuple[str, ...]:
    """What a view makes of a value on a page of that width, without colour and without blanks at the ends of lines."""
    from io import StringIO

    from rich.console import Console

    from pagefault_lab.views import render

    page = StringIO()
    console = Console(
        file=page, width=width, color_system=None, no_color=True, highlight=False, markup=False, emoji=False,
        force_terminal=False, force_jupyter=False, legacy_windows=False,
    )  # fmt: skip
    console.print(render(value))
    return tuple(line.rstrip() for line in page.getvalue().splitlines())
