"""Whether there is a trace."""

from __future__ import annotations

from pagefault_lab.lab.tracing import Tracing
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import count, printable


@view(Tracing)
def tracing(state: Tracing) -> Lines:
    """`the trace is on, to steps.jsonl: 1,204 steps so far`."""
    where = f"to {printable(state.file)}" if state.file else "to the screen"
    where += f", only {state.wanted}" if state.wanted else ""
    if state.on:
        so_far = f": {count(state.steps, 'step')} so far" if state.steps else ""
        return Lines.of(Line.of(f"the trace is on, {where}{so_far}"))
    went = f": {count(state.steps, 'step')} went {where}" if state.steps else ""
    return Lines.of(Line.of(f"the trace is off{went}"))
