"""A typed line that has branched to where nothing was typed."""

from __future__ import annotations

from pagefault_lab.lab.results import BranchedAway
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, Line, Lines, Span
from pagefault_lab.views.words import hex32


@view(BranchedAway)
def branched_away(found: BranchedAway) -> Lines:
    """`EIP is 0x08050000 <user_hole> now: si fetches from there, c goes on`."""
    place = found.place
    return Lines.of(
        Line.of(
            f"EIP is {hex32(place.address)}",
            Span(f" <{place.name}>", NAME) if place.name else None,
            " now: `si` fetches from there, `c` goes on",
        )
    )
