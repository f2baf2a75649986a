"""`pagefault-lab trace FILE.s`: a program is assembled and runs to its end, and each of its steps is told.

The trace goes to the standard output, or into a file; all else (what the guest kernel prints, why the run ended) to the
standard error. With `html`, a page is written when the run has ended.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.lab.tracing import Traced, Tracing
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.loop import interrupts
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, INTERRUPTED, UNUSABLE, WRONG

if TYPE_CHECKING:
    from pagefault_lab.lab.tracing import Page, Sink
    from pagefault_lab.lab.wanted import Wanted


def trace(
    file: str,
    world: str = "linux",
    steps: int | None = None,
    to: str | None = None,
    json: bool = False,
    html: str | None = None,
    last: int = 0,
    wanted: tuple[str, ...] = (),
    plain: bool = False,
) -> int:
    """Trace a program for at most that many `steps`; the exit status.

    `wanted` is what `trace` is told of which steps, and a page shows the `last` ones.
    """
    screen = Screen(plain, sys.stderr)
    status = GOOD
    try:
        session = _loaded(file, world)
        session.trace.open_file = lambda _: _sink(to, json, plain)
        session.trace.open_page = lambda path, session: _page(path, session, Path(file).name)
        before, behind = f"trace on - {' '.join(wanted)}", ""
        if html is not None:
            before, behind = "", f"trace html {_quoted(html)} last {last} {' '.join(wanted)}"
        with interrupts(session):
            for line in (before, "run", behind):
                session.budget = steps if line == "run" else None
                for value in session.execute(line):
                    if not isinstance(value, Story | Tracing):  # which are in the trace
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
    for _ in session.execute(f"load {_quoted(file)}"):
        pass
    if session.code.block is None:
        raise Problem(f"{file} has no instruction")
    return session


def _quoted(file: str) -> str:
    """A file's name as a word of a line."""
    quote = "'" if '"' in file else '"'
    return f"{quote}{file}{quote}"


def _page(path: Path, session: Session, title: str) -> Page:
    from pagefault_lab.bridges.html.page import PageFile

    return PageFile(path, session, title)


def _sink(to: str | None, json: bool, plain: bool) -> Sink:
    """What takes each step: a file, a terminal with its width and colours, or whatever reads the standard output."""
    from pagefault_lab.bridges.trace import TraceFile, TraceWriter

    if to is not None:
        return TraceFile(Path(to), json)
    if json or not sys.stdout.isatty():
        return TraceWriter(sys.stdout, json)
    return _OnScreen(Screen(plain))


class _OnScreen:
    """A screen that takes every step; a Sink."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def begin(self, session: Session, wanted: Wanted) -> None: ...

    def write(self, told: Story) -> None:
        self.screen.show(Traced(told))

    def close(self) -> None: ...
