"""The trace: every step that the machine makes in a session, told one by one, whatever made it go on.

Steps that are executed again (to go back, to tell the past) are not traced: they were when they were made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pagefault_lab.lab.runner import did_something
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.wanted import ALL, Wanted
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine


class Traced(NamedTuple):
    """A step as a trace shows it: in one line, and one or two more for each way into a handler."""

    told: Story


class Tracing(NamedTuple):
    """Whether there is a trace, to which file ("" for the screen), how many steps it has, and which are `wanted`: in
    the words of `trace`, "" for all."""

    on: bool
    file: str
    steps: int
    wanted: str = ""


class PageWritten(NamedTuple):
    """`trace html` has written a page. It shows `steps` of the `seen` steps from number `first` on: those that are
    `wanted`, in the words of `trace`; "" for all."""

    file: str
    size: int  # in bytes
    steps: int
    first: int
    seen: int
    wanted: str = ""


class Sink(Protocol):
    """Where steps are written down. What cannot be is a Problem."""

    def begin(self, session: Session, wanted: Wanted) -> None:
        """These are the steps that follow."""

    def write(self, told: Story) -> None: ...
    def close(self) -> None: ...


class Page(Protocol):
    """A page that shows steps one by one. What cannot be written is a Problem."""

    def add(self, told: Story, machine: Machine) -> None:
        """A step that the machine has just made."""

    def write(self, first: int, seen: int, wanted: str) -> int:
        """Write the page, which shows what is `wanted` of the `seen` steps from `first` on; its size in bytes."""


UNSEEN: Final = 500_000  # steps that are passed, before they are looked at
MOST_ON_A_PAGE: Final = 10_000  # steps, unless `last` says otherwise


def _nobody(_: Traced) -> None:
    raise Problem("nobody looks at a trace here", "trace on FILE")


def _nowhere(_: Path) -> Sink:
    raise Problem("there are no files for a trace here")


def _no_pages(_: Path, __: Session) -> Page:
    raise Problem("there are no pages for a trace here")


class Trace:
    """The trace of one session.

    It knows neither screens nor files: the layers above put what shows a step into `show`, what opens a file into
    `open_file`, and what begins a page into `open_page`. On the screen a step that its line tells in full is not shown
    a second time.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.show: Callable[[Traced], None] = _nobody
        self.open_file: Callable[[Path], Sink] = _nowhere
        self.open_page: Callable[[Path, Session], Page] = _no_pages
        self.on = False
        self.wanted = ALL
        self._path: Path | None = None
        self._file: Sink | None = None
        self._steps = 0
        self._behind: int | None = None  # the first step that was made without being looked at yet
        self._held: Story | None = None  # the newest step on the screen's way, until it is known whether it is told

    @property
    def state(self) -> Tracing:
        return Tracing(self.on, str(self._path or ""), self._steps, self.wanted.words)

    @property
    def shows_all(self) -> bool:
        """Whether every step is shown between the values of a line."""
        return self.on and self._file is None and not self.wanted

    @property
    def looks_at_each(self) -> bool:
        """Whether each step must be told; if not, `passed` finds those that are wanted."""
        return self.on and not self.wanted.notices

    def start(self, path: Path | None, wanted: Wanted = ALL) -> None:
        """Trace to this file, which begins anew, or to the screen. A trace that was on ends."""
        if self.session.files.repeats:  # it has been traced
            return
        file = self.open_file(path) if path is not None else None
        self.stop()
        if file is not None:
            file.begin(self.session, wanted)
        self.on, self.wanted, self._path, self._file, self._steps = True, wanted, path, file, 0

    def want(self, wanted: Wanted) -> None:
        """Go on with these steps only; to the screen, if no trace was on."""
        if not self.on:
            self.start(None, wanted)
            return
        self._look_back()
        if self._file is not None:
            self._file.begin(self.session, wanted)
        self.wanted = wanted

    def stop(self) -> None:
        """Trace no longer."""
        self.catch_up()
        file, self.on, self._file = self._file, False, None
        if file is not None:
            file.close()

    def take(self, step: Step) -> None:
        """The machine has just made this step. If it cannot be written down, the trace ends with a Problem."""
        self._look_back(step.number)
        if self.on and did_something(step) and self.wanted.has(step):
            self._tell(step, self.session.machine)

    def passed(self, first: int) -> None:
        """The machine has made the steps from number `first` on, and told none. As `take`, perhaps later."""
        if self._behind is None:
            self._behind = first
        if self.session.machine.steps - self._behind >= UNSEEN:
            self._look_back()

    def catch_up(self, value: object = None) -> None:
        """Show what was held back, unless it is the `value` that the line tells next."""
        self._look_back()
        held, self._held = self._held, None
        if held is not None and not (isinstance(value, Step) and value.number == held.step.number):
            self.show(Traced(held))

    def _look_back(self, end: int | None = None) -> None:
        """Find what is wanted of the steps that were passed, up to step `end`; they are made again on copies."""
        first, self._behind = self._behind, None
        if first is None or not self.on:
            return
        session = self.session
        events = session.chronicle.events(*self.wanted.notices, first=first, end=end)
        for machine, step in session.history.made_again(dict.fromkeys(event.step for event in events)):
            if self.wanted.has(step):
                self._tell(step, machine)

    def _tell(self, step: Step, machine: Machine) -> None:
        told = tell(step, self.session.symbols.name, machine)
        self._steps += 1
        if self._file is None:
            held, self._held = self._held, told
            if held is not None:
                self.show(Traced(held))
            return
        try:
            self._file.write(told)
        except Problem as problem:
            self.stop()
            problem.hint = "the trace is off now, and this line undone"
            raise

    def write_page(self, path: Path, wanted: Wanted = ALL, last: int = MOST_ON_A_PAGE) -> PageWritten:
        """Write a page with the steps up to now that are wanted, of the `last` ones; they are made again on copies."""
        session = self.session
        page = self.open_page(path, session)
        begin, now = session.history.first_step, session.machine.steps
        first = max(begin, now - last)
        shown = 0
        for machine, step in session.history.made_again(range(first, now)):
            if session.runner.interrupted:
                raise Problem("the page is not written", "it was interrupted")
            if wanted.has(step):
                page.add(tell(step, session.symbols.name, machine), machine)
                shown += 1
        if not shown:
            raise Problem(
                "there is no step for a page", "let the machine go on first" if begin == now else "want less of them"
            )
        size = page.write(first, now - first, wanted.words)
        return PageWritten(str(path), size, shown, first, now - first, wanted.words)
