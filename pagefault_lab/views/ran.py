"""A run, and why it stopped."""

from __future__ import annotations

from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, STRONG, Line, Lines, Span
from pagefault_lab.views.words import count, hex32, printable

_KINDS = (Stopped.BREAKPOINT, Stopped.WATCHED, Stopped.CAUGHT)


@view(Ran)
def ran(run: Ran) -> Lines:
    """`ran 127 steps, 1 exception: breakpoint 1, at cpl0 0xc0100340 <page_fault>`."""
    place = run.place
    where = f"cpl{place.ring} {hex32(place.address)}" + (f" <{place.name}>" if place.name else "")
    if run.stopped is Stopped.END_OF_TYPED and not run.steps:
        return Lines.of(Line.of("nothing to execute: the typed code ends here", f", at {where}", hang=2))
    steps = f"ran {count(run.steps, 'step')}"
    if run.exceptions:
        steps += f", {count(run.exceptions, 'exception')}"
    if run.stopped is Stopped.ARRIVED and run.breakpoint is None:
        return Lines.of(Line.of(f"{steps}: at {where}", hang=2))
    reason = run.stopped.value
    if run.breakpoint is not None:
        kind = reason.removeprefix("a ") if run.stopped in _KINDS else "breakpoint"
        reason = f"{kind} {run.breakpoint}"
    detail = f" ({printable(run.detail)})" if run.detail else ""
    style = BAD if run.stopped in (Stopped.SHUTDOWN, Stopped.UNSUPPORTED) else STRONG
    return Lines.of(Line.of(f"{steps}: ", Span(reason, style), f"{detail}, at {where}", hang=2))
