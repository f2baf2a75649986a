"""Values as text, the way a console of a given width prints them without colour."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pagefault_lab.lab.story import tell
from pagefault_lab.machine.machine import Machine
from pagefault_lab.views import Plain, render


class AsciiFile(StringIO):
    """A stream that says it knows ASCII only."""

    encoding = "ascii"  # type: ignore[assignment]


def text_of(value: object, width: int = 80, plain: bool = False) -> str:
    """What a console prints of a value."""
    file = StringIO()
    console = Console(width=width, no_color=True, color_system=None, file=file, highlight=False)
    console.print(Plain(render(value)) if plain else render(value))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def story_of(machine: Machine, names: dict[int, str] | None = None, width: int = 80) -> str:
    """The next step of a machine, told."""
    return text_of(tell(machine.step(), (names or {}).get), width)
