"""Who last wrote something that the processor read, when, and how to go there."""

from __future__ import annotations

from pagefault_lab.lab.authors import Written
from pagefault_lab.views import view
from pagefault_lab.views.lines import CODE, Line, Lines, Span, glued, note
from pagefault_lab.views.words import count, hex32, printable


@view(Written)
def written(found: Written) -> Lines:
    """One line."""
    return Lines.of(line(found))


def line(found: Written) -> Line:
    """`PTE 0x01007->0x01005 written by movl %eax,(%edx) at 0xc0100123 <set_pte>, 12 steps ago: goto 345`."""
    origin = found.origin
    values = f" {origin.before:#x}->{origin.after:#x}" if origin.before != origin.after else ""
    who: tuple[str | Span, ...] = (f"`{printable(origin.line)}`" if origin.line else "the lab",)
    if origin.text:
        symbol = f" <{origin.symbol}>" if origin.symbol else ""
        who = Span(origin.text, CODE), f" at {hex32(origin.address)}{symbol}"
    when = f", {count(origin.steps_ago, 'step')} ago" if origin.steps_ago else ""
    return Line.of(f"{found.what}{values} written by ", *who, f"{when}: ", note(glued(f"goto {origin.step}")), hang=2)
