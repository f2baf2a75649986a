"""Why nothing can be read at an address."""

from __future__ import annotations

from pagefault_lab.lab.results import Missing
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span, note
from pagefault_lab.views.words import hex32


@view(Missing)
def missing(place: Missing) -> Lines:
    """The address, the level and the bit."""
    return Lines.of(Line.of(*sentence(place), hang=2))


def sentence(place: Missing) -> tuple[Span, ...]:
    """`✗ nothing is mapped at 0x08050000: P in the PTE (rule: the page is present)`."""
    where = f": {place.bit}=0 in the {place.level}" if place.bit == "P" else f": {place.level}" if place.level else ""
    return Span(f"✗ nothing is mapped at {hex32(place.address)}{where}", BAD), note(f" (rule: {place.rule})")
