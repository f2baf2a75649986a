"""What stands before a line that is typed. This module imports nothing: the first prompt comes before what draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pagefault_lab.lab.results import Place

CONTINUATION: Final = "...> "  # inside an unfinished block


def prompt_of(place: Place) -> str:
    """The prompt: ring and place, `cpl0 page_fault+3> `; an address where nothing has a name."""
    name = place.name or ("" if place.typed else f"{place.address:#010x}")
    return f"cpl{place.ring} {name}> " if name else f"cpl{place.ring}> "
