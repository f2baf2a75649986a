"""The one loop: a line is executed, and what it yields is shown. The prompt, a pipe and a script all go through it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.lab.results import Quit, Ran, Stopped
from pagefault_lab.problem import Problem, Problems, count

if TYPE_CHECKING:
    from pathlib import Path

    from pagefault_lab.lab.pictures import Picture
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.tracing import Page, Sink
    from pagefault_lab.terminal.screen import Output, Screen

BUDGET_HINT = "run it with a larger --budget, or stop it earlier with a breakpoint"
LESSONS_BUDGET_HINT = "the lesson allows no more for one line; a breakpoint stops it earlier"


class Ending(Enum):
    """How a line ended."""

    DONE = "done"
    WRONG = "wrong"  # it was a Problem, and said so
    STOPPED = "stopped"  # by Ctrl-C
    LEAVE = "leave"  # it asked to leave the lab


class Loop:
    """Lines of one session, shown on one output."""

    def __init__(self, session: Session, output: Output) -> None:
        self.session = session
        self.output = output
        session.trace.show = output.show
        session.trace.open_file = trace_file
        session.trace.open_page = trace_page
        session.svg_of = drawn

    def perform(self, line: str, file: str | None = None, number: int | None = None) -> Ending:
        """Execute one line. One of a script stands in `file`, in the block that begins at line `number` if in one."""
        with interrupts(self.session) as pressed:
            try:
                for value in self.session.execute(line):
                    if isinstance(value, Quit):
                        return Ending.LEAVE
                    self.output.show(value)
                    if isinstance(value, Ran) and value.stopped is Stopped.BUDGET:
                        hint = BUDGET_HINT if self.session.attempt is None else LESSONS_BUDGET_HINT
                        raise Problem(f"this line takes more than {self.session.budget:,} instructions", hint)
            except Problem as problem:
                place(problem, file, number)
                self.output.complain(problem)
                return Ending.WRONG
            except KeyboardInterrupt:
                return Ending.STOPPED
        return Ending.STOPPED if pressed else Ending.DONE

    def repeat(self) -> Ending:
        """What an empty line does: the last stepping command once more, if the last line was one."""
        line = self.session.repetition
        return self.perform(line) if line else Ending.DONE


def enter(session: Session, screen: Screen, text: str, file: str | None = None, number: int | None = None) -> Ending:
    """Execute what was entered: a line, or several that were pasted, up to the first that is wrong or leaves.

    An empty one repeats. A bug of ours is told, and the session goes on. `file` and `number` as in `Loop.perform`.
    """
    loop = Loop(session, screen)
    lines = text.splitlines() or [""]
    ending = Ending.DONE
    for place, line in enumerate(lines, 1):
        try:
            ending = loop.perform(line, file, number) if text.strip() or session.unfinished else loop.repeat()
        except Exception as error:
            from pagefault_lab.terminal.entry import bug

            for sentence in bug(error):
                screen.say(sentence)
            return Ending.WRONG
        if ending is Ending.LEAVE:
            break
        if ending is not Ending.DONE:
            if session.unfinished:
                screen.say("  another line may take its place; Ctrl-C gives the block up")
            if place < len(lines):
                screen.say(f"  what was pasted after it was not executed: {count(len(lines) - place, 'line')}")
            break
    return ending


def trace_file(path: Path) -> Sink:
    """A file for a trace, opened; a Problem if it cannot be."""
    from pagefault_lab.bridges.trace import TraceFile

    return TraceFile(path)


def trace_page(path: Path, session: Session) -> Page:
    """A page with steps of a session, for a file; a Problem if the file must not be replaced."""
    from pagefault_lab.bridges.html.page import PageFile

    return PageFile(path, session)


def drawn(picture: Picture) -> str:
    """A picture as a file has it."""
    from pagefault_lab.views.svg import svg_of

    return svg_of(picture)


@contextmanager
def interrupts(session: Session) -> Iterator[list[int]]:
    """While a line is executed, Ctrl-C stops a run between two steps; a second one ends whatever takes so long. What is
    brought to its end then, is: further ones end nothing.

    Gives the list of signals that came.
    """
    came: list[int] = []

    def stop(number: int, frame: object) -> None:
        came.append(number)
        session.interrupt()
        if len(came) == 2:
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: whoever started it sees to signals
        yield came
        return
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def place(problem: Problem, file: str | None, number: int | None) -> None:
    """Give a problem in what was typed its place in the script: `file`, and line `number` or, in a block that begins
    there, one further down. One that lies in another file keeps its place.
    """
    for one in (problem, *(problem.problems if isinstance(problem, Problems) else ())):
        if one.file is None or one.file.startswith("<"):  # the assembler's names for what was typed
            one.file = file
            one.line = None if number is None else number + (one.line or 1) - 1
