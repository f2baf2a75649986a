"""A part of a lesson begins."""

from __future__ import annotations

from pagefault_lab.tutor.told import PartBegun
from pagefault_lab.views import view
from pagefault_lab.views.exercise import Ruled
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import printable


@view(PartBegun)
def part_begun(begun: PartBegun) -> Lines:
    """`── The first fault ──────────── part 3 of 9 ──`."""
    return Lines.of(Line.of(""), Ruled(printable(begun.lesson), f"part {begun.part} of {begun.parts}"))
