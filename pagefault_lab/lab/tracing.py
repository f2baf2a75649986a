"""The trace: every step that the machine makes in a session, told one by one, whatever made it go on.

Steps that are executed again (to go back, to tell the past) are not traced: they were when they were made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pagefault_lab.lab.runner import did_something
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class Traced(NamedTuple):
    """A step as a trace shows it: in one line, and one or two more for each way into a handler."""

    told: Story


class Tracing(NamedTuple):
    """Whether there is a trace, to which file ("" for the screen), and how many steps it has."""

    on: bool
    file: str
    steps: int


class Sink(Protocol):
    """Where steps are written down. A step that cannot be is a Problem."""

    def write(self, told: Story) -> None: ...
    def close(self) -> None: ...


def _nobody(_: Traced) -> None:
    raise Problem("nobody looks at a trace here", "trace on FILE")


def _nowhere(_: Path) -> Sink:
    raise Problem("there are no files for a trace here")


class Trace:
    """The trace of one session.

    It knows neither screens nor files: the layers above put what shows a step into `show`, and what opens a file into
    `open_file`. On the screen a step that its line tells in full is not shown a second time.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.show: Callable[[Traced], None] = _nobody
        self.open_file: Callable[[Path], Sink] = _nowhere
        self.on = False
        self._path: Path | None = None
        self._file: Sink | None = None
        self._steps = 0
        self._held: Story | None = None  # the newest step on the screen's way, until it is known whether it is told

    @property
    def state(self) -> Tracing:
        return Tracing(self.on, str(self._path or ""), self._steps)

    @property
    def on_screen(self) -> bool:
        """Whether steps are shown between the values of a line."""
        return self.on and self._file is None

    def start(self, path: Path | None) -> None:
        """Trace to this file, which begins anew, or to the screen. A trace that was on ends."""
        file = self.open_file(path) if path is not None else None
        self.stop()
        self.on, self._path, self._file, self._steps = True, path, file, 0

    def stop(self) -> None:
        """Trace no longer."""
        file, self.on, self._file = self._file, False, None
        if file is not None:
            file.close()

    def take(self, step: Step) -> None:
        """The machine has just made this step. If it cannot be written down, the trace ends with a Problem."""
        if not self.on or not did_something(step):
            return
        told = tell(step, self.session.symbols.name, self.session.machine)
        self._steps += 1
        if self._file is None:
            self.catch_up()
            self._held = told
            return
        try:
            self._file.write(told)
        except Problem as problem:
            self.stop()
            problem.hint = "the trace is off now, and this line undone"
            raise

    def catch_up(self, value: object = None) -> None:
        """Show the step that was held back, unless it is the `value` that the line tells next."""
        held, self._held = self._held, None
        if held is not None and not (isinstance(value, Step) and value.number == held.step.number):
            self.show(Traced(held))
