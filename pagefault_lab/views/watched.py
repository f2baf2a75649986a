"""What is watched was changed, written or read."""

from __future__ import annotations

from pagefault_lab.lab.breakpoints.told import By, Watched
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, STRONG, Line, Lines, Part, Span
from pagefault_lab.views.words import hex32, printable


@view(Watched)
def watched(seen: Watched) -> Lines:
    """`watchpoint 2: user_data 0x0 -> 0x5`, and below it who did it."""
    place: list[Part] = []
    if seen.address is not None:
        place = [" at ", Span(hex32(seen.address), ADDRESS), " (physical)" if seen.physical else None]
    values = f"read {_value(seen.after)}"
    if seen.access != "read":
        values = f"{_value(seen.before)} -> {_value(seen.after)}"
        values += " (written, not changed)" if seen.access == "write" else ""
    title = Span(f"{seen.title} {seen.number}", STRONG)
    return Lines.of(Line.of(title, f": {printable(seen.what)}", *place, f": {values}", hang=2), done_by(seen.by))


def done_by(by: By) -> Line:
    """The instruction that did it."""
    where = f" <{by.symbol}>" if by.symbol else ""
    text = by.text or "taken instead of the instruction"
    return Line.of(
        f"step {by.step}: ", text, " at ", Span(hex32(by.address), ADDRESS), Span(where, NAME), indent=2, hang=2
    )


def _value(value: int | None) -> str:
    return "nothing" if value is None else f"{value:#x}" if value >= 0 else str(value)
