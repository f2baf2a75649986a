"""A world was started."""

from __future__ import annotations

from pagefault_lab.lab.results import WorldEntered
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import hex32


@view(WorldEntered)
def world_entered(world: WorldEntered) -> Lines:
    """Its name, what it is, where the processor stands."""
    place = world.place
    name = f" <{place.name}>" if place.name else ""
    return Lines.of(
        Line.of(Span(world.name, STRONG), f": {world.description}"),
        Line.of(note(f"cpl{place.ring} {hex32(place.address)}{name}")),
    )
