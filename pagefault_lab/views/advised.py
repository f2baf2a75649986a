"""Advice: what is wrong, the numbers that tell it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.advice import Advice, Advised
from pagefault_lab.views import check, view
from pagefault_lab.views.lines import BAD, STRONG, Line, Lines, Span
from pagefault_lab.views.links import WIDTH, link


@view(Advised)
def advised(found: Advised) -> Lines:
    """Each piece of advice, or that there is none."""
    if not found.advice:
        return Lines.of(Line.of("nothing is wrong here, as far as the rules of the lab go"))
    return Lines.of(*(line for advice in found.advice for line in _told(advice)))


def _told(advice: Advice) -> Iterator[Line]:
    yield link(
        "advice", f"{advice.when}: " if advice.when else None, Span(advice.sentence, BAD), check.numbers(advice.numbers)
    )
    yield Line.of(Span("do", STRONG), " ", advice.remedy, indent=WIDTH, hang=3)
