"""Who wrote it last."""

from __future__ import annotations

from pagefault_lab.lab.who import Authorship
from pagefault_lab.views import view
from pagefault_lab.views.lines import CODE, NAME, STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import count, hex32, printable, sized


@view(Authorship)
def authorship(found: Authorship) -> Lines:
    """The instruction or the line, the step, what it wrote over what, and how to go there."""
    what = found.register or f"{count(found.size, 'byte')} at physical {hex32(found.physical)}"
    if found.symbol:
        what += f" <{found.symbol}>"
    if found.origin is None:
        return Lines.of(
            Line.of(
                f"{what}: nobody has written it since step {found.first}", note(", where the history begins"), hang=2
            )
        )
    origin = found.origin
    size = found.size or 4
    change = f"{sized(origin.before, size)} -> {sized(origin.after, size)}"
    ago = f"step {origin.step}, {count(origin.steps_ago, 'step')} ago"
    if origin.line or not origin.text:
        by = Line.of(
            note("by the lab, for the line: "), Span(printable(origin.line) or "(before the first)", STRONG), indent=2
        )
        return Lines.of(
            Line.of(f"{what}: {change}", hang=2), by, Line.of(note(f"{ago}; `goto {origin.step}`"), indent=2)
        )
    place = hex32(origin.address)
    return Lines.of(
        Line.of(f"{what}: {change}", hang=2),
        Line.of(
            f"by {place}",
            Span(f" <{origin.symbol}>" if origin.symbol else "", NAME),
            "  ",
            Span(origin.text, CODE),
            indent=2,
        ),
        Line.of(note(f"{ago}; `goto {origin.step}` goes to just before it"), indent=2),
    )
