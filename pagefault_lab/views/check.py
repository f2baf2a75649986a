"""A rule that was judged, with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pagefault_lab.machine.events import Check
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span, glued, note
from pagefault_lab.views.words import small


@view(Check)
def check(judged: Check) -> Lines:
    """`✓ CPL = 0 (CPL=0)`."""
    return Lines.of(Line.of(*spans(judged)))


def spans(judged: Check) -> tuple[Span, ...]:
    """The sign, the rule, the numbers."""
    if judged.holds:
        return Span("✓ ", GOOD), Span(judged.rule), note(numbers(judged.numbers))
    return Span(f"✗ {judged.rule}", BAD), Span(numbers(judged.numbers))


def numbers(values: Mapping[str, int]) -> str:
    """` (DPL=0 CPL=3)`, or nothing."""
    return " (" + " ".join(f"{name}={small(value)}" for name, value in values.items()) + ")" if values else ""


def in_a_row(checks: Iterable[Check]) -> Line | None:
    """Several checks that held, one behind the other; None if there are none."""
    parts: list[Span] = []
    for judged in checks:
        parts += [span._replace(text=glued(span.text)) for span in spans(judged)]
        parts.append(Span("  "))
    return Line.of(*parts[:-1], hang=2) if parts else None
