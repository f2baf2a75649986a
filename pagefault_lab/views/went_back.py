"""The past is the present again."""

from __future__ import annotations

from pagefault_lab.lab.results import WentBack
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count, hex32, printable


@view(WentBack)
def went_back(back: WentBack) -> Lines:
    """How far, and which lines were taken back."""
    place = back.place
    name = f" <{place.name}>" if place.name else ""
    done = "undone: " if back.steps >= 0 else "redone: "
    lines = [Line.of(note(done), printable(line).partition("\n")[0], indent=2) for line in back.undone]
    return Lines.of(
        Line.of(f"{'back' if back.steps >= 0 else 'forward'} by {count(abs(back.steps), 'step')}: cpl{place.ring} {hex32(place.address)}{name}", hang=2), *lines
    )
