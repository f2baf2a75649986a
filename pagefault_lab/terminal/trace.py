"""`pagefault-lab trace FILE.s`: a program is assembled and runs to its end, and each of its steps is told.

The trace goes to the standard output, or into a file; all else (what the guest kernel prints, why the run ended) to the
standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.lab.tracing import Traced
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.loop import interrupts
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, INTERRUPTED, UNUSABLE, WRONG


def trace(
    file: str,
    world: str = "linux",
    steps: int | None = None,
    to: str | None = None,
    json: bool = False,
    user: bool = False,
    plain: bool = False,
) -> int:
    """Trace a program for at most that many `steps`, with `user` only those at CPL 3; the exit status."""
    screen = Screen(plain, sys.stderr)
    status = GOOD
    try:
        session = _loaded(file, world)
        write = _writer(to, json, plain)
        session.budget = steps
        session.trace.show = lambda traced: write(traced.told) if traced.told.step.cpl == 3 or not user else None
        session.trace.start(None)
        with interrupts(session):
            for value in session.execute("run"):
                if isinstance(value, Story):  # a step that the run tells by itself
                    session.trace.show(Traced(value))
                    continue
                screen.show(value)
                if isinstance(value, Ran) and value.stopped is Stopped.INTERRUPTED:
                    status = INTERRUPTED
    except Problem as problem:
        screen.complain(problem)
        return WRONG if problem.line is not None else UNUSABLE
    return status


def _loaded(file: str, world: str) -> Session:
    """A session in which the program is next, and which ends where the world ends it: a killed task does not go on."""
    session = Session(world)
    stops = tuple(place._replace(goes_on_to=None) for place in session.world.stops)
    session.world = session.world._replace(stops=stops)
    quote = "'" if '"' in file else '"'
    for _ in session.execute(f"load {quote}{file}{quote}"):
        pass
    if session.code.block is None:
        raise Problem(f"{file} has no instruction")
    return session


def _writer(to: str | None, json: bool, plain: bool) -> Callable[[Story], None]:
    """What takes each step: a file, a terminal with its width and colours, or whatever reads the standard output."""
    from pagefault_lab.bridges.trace import TraceFile, TraceWriter

    if to is not None:
        return TraceFile(Path(to), json).write
    if json or not sys.stdout.isatty():
        return TraceWriter(sys.stdout, json).write
    screen = Screen(plain)
    return lambda told: screen.show(Traced(told))
