"""`info break`: the breakpoints."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.breakpoints.told import BreakpointLine, BreakpointList
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, note
from pagefault_lab.views.words import count, hex32, printable


@view(BreakpointList)
def breakpoint_list(shown: BreakpointList) -> Lines:
    """One or more lines for each."""
    if not shown.breakpoints:
        return Lines.of(Line.of("no breakpoints"))
    return Lines.of(*(line for each in shown.breakpoints for line in _lines(each)))


def _lines(line: BreakpointLine) -> Iterator[Line]:
    words = [
        "off" if not line.enabled else "", "once" if line.temporary else "", count(line.hits, "hit"), line.remark
    ]  # fmt: skip
    told = note(f"  {', '.join(filter(None, words))}")
    yield Line.of(f"{line.number:>3}  {line.title} ", *where(line), told, hang=7)
    yield from details(line, 7)


def details(line: BreakpointLine, indent: int) -> Iterator[Line]:
    """What else a breakpoint is given: condition, ignore count, commands."""
    if line.condition:
        yield Line.of(f"if {printable(line.condition)}", indent=indent)
    if line.ignoring:
        hits = "hit" if line.ignoring == 1 else count(line.ignoring, "hit")
        yield Line.of(f"the next {hits} will not stop", indent=indent)
    for number, command in enumerate(line.commands):
        yield Line.of("then " if not number else "     ", printable(command), indent=indent)


def where(line: BreakpointLine) -> Iterator[Span]:
    """What a breakpoint waits for, and where that lies."""
    what = printable(line.what)
    yield Span(what, ADDRESS if line.address is not None else "")
    if line.address is not None and hex32(line.address) not in what:
        yield Span(f" at {hex32(line.address)}", ADDRESS)
        yield note(" (physical)") if line.physical else Span("")
    if line.symbol:
        yield Span(f" <{line.symbol}>", NAME)
