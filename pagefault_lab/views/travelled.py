"""Elsewhere in time."""

from __future__ import annotations

from pagefault_lab.lab.results import Travelled
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count, hex32, printable


@view(Travelled)
def travelled(moved: Travelled) -> Lines:
    """How far, and which lines were undone or redone; else which step it is."""
    place = moved.place
    name = f" <{place.name}>" if place.name else ""
    whither, done = ("forward", "redone: ") if moved.forward else ("back", "undone: ")
    told = [Line.of(note(done), printable(line).partition("\n")[0], indent=2) for line in moved.lines]
    if not moved.lines:
        left = moved.present - moved.step
        which = f"step {moved.step}, {count(left, 'step')} before the present" if left else "the present"
        told = [Line.of(note(f"this is {which}"), indent=2)]
    steps = f"{whither} by {count(moved.steps, 'step')}"
    return Lines.of(Line.of(f"{steps}: cpl{place.ring} {hex32(place.address)}{name}", hang=2), *told)
