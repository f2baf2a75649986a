"""A tour: a script that is told as well as executed, a line at each press of Enter.

Any script is one. A comment is what is said of the line that follows it, a comment at the end the last word. A line
needs the state that those before it have left, and what is said of it is true only there: so what someone has changed
in between is taken back first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO, cast

from pagefault_lab.lab.lessons import folder
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.banner import HELP, TITLE
from pagefault_lab.terminal.lines import read
from pagefault_lab.terminal.loop import Ending, Loop, enter
from pagefault_lab.terminal.screen import WIDTH, Screen
from pagefault_lab.terminal.script import GOOD, INTERRUPTED, WRONG, lines_of, prompted
from pagefault_lab.terminal.toolbar import fitting
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.prompts import CONTINUATION, prompt_of
from pagefault_lab.views.words import paragraphs, printable

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.terminal.opening import Opening

LECTURE: Final = "tour.lab"  # the tour of the lecture's path, among the lessons
GREETING: Final = "Enter goes on, b goes back one stop, q leaves; or type a line of your own."
FURNITURE: Final = 2  # rows of the screen for the prompt and the toolbar
LETTERS: Final = 40  # are typed in the time that is given to a row


class Stop(NamedTuple):
    """A line of a script, its number there, and what is said before it. The last stop has no line."""

    text: str
    line: str
    number: int


def stops_of(lines: Iterable[str]) -> list[Stop]:
    """A script as stops; at least the last one."""
    stops: list[Stop] = []
    said: list[str] = []
    number = 0
    for number, line in enumerate(lines, 1):
        written = line.strip()
        if written.startswith("#") or not written:  # a blank line ends a paragraph
            said.append(written[1:].removeprefix(" "))
        else:
            stops.append(Stop("\n".join(said).strip("\n"), line, number))
            said = []
    return [*stops, Stop("\n".join(said).strip("\n"), "", number)]


class Begun(NamedTuple):
    """A stop that was come to: its index, and how many lines of the history and steps lie before it."""

    stop: int
    lines: int
    steps: int


class Tour:
    """Where someone stands in a script."""

    def __init__(self, opening: Opening, file: str | None, plain: bool) -> None:
        self._opening = opening
        self._again = f"pagefault-lab tour {file or ''}".rstrip()
        self._file = file or str(folder() / LECTURE)
        self._stops = stops_of(lines_of(self._file))
        self._begun = [Begun(0, 0, 0)]  # the stops up to the present one
        self._told = False  # whether what is said before the present one stands on the screen
        self._counted = Counted(sys.stdout)
        self._screen = Screen(plain, cast(TextIO, self._counted))

    # --- with someone at the keys

    def greet(self) -> None:
        """The first screen."""
        self._screen.say(f"{TITLE}\n\n  {GREETING}")
        self._tell()

    def guide(self, read: Callable[[], str]) -> bool:
        """Go through the script with someone whose lines `read` gives; whether they came to its end."""
        while not self.over:
            try:
                if self._take(read()) is Ending.LEAVE:
                    break
            except EOFError:
                break
            except KeyboardInterrupt:
                if not self._unfinished:
                    break
                self._session.abandon()
        if self.over:
            self._screen.say(f"\n  {HELP}\n")
        else:
            self._say_where()
        return self.over

    def offered(self) -> str:
        """What Enter types: the stop's line, or first what takes back lines that were typed since it was come to."""
        if not self._told or self._unfinished:
            return ""
        if strayed := self._strayed:
            return f"back {strayed}" if strayed > 1 else "back"
        return self._stop.line

    def ask(self) -> str:
        """A line from a terminal that cannot edit one; what Enter means stands in brackets."""
        offer = self.offered()
        prompt = CONTINUATION if self._unfinished else prompt_of(self._session.place())
        try:
            line = read(prompt + (f"[{printable(offer)}] " if offer else ""))
        except UnicodeDecodeError as error:
            self._screen.say(f"this line is not text: {error.reason}")
            return self.ask()
        except KeyboardInterrupt:
            self._screen.say("")  # the terminal has shown ^C
            raise
        if not line:
            raise EOFError
        return line.rstrip("\r\n") or offer

    def foot(self, width: int) -> str:
        """The line at the bottom of the screen."""
        keys = ("Enter goes on", "b goes back", "q leaves", "or type a line of your own")
        return fitting((f"stop {self._place}", *keys), width)

    def _take(self, text: str) -> Ending:
        """Do what was entered: the stop's line, a step back, or a line of one's own."""
        self._counted.rows = 0
        entered = text.strip()
        ending = Ending.DONE
        if self._unfinished:
            ending = self._take_own(text)
        elif self._told and not self._strayed and entered == self._stop.line.strip():
            ending = self._execute()
        elif entered == "b":
            ending = self._go_back()
        elif entered:
            ending = self._take_own(text)
        if not self._told and not self._unfinished and (not entered or self._there_is_room):
            self._tell()
        return ending

    def _take_own(self, text: str) -> Ending:
        """Execute a line of one's own. Where it has gone back to before this stop, an earlier one comes next."""
        ending = enter(self._session, self._screen, text)
        lines, steps = self._done
        while len(self._begun) > 1 and (lines < self._begun[-1].lines or steps < self._begun[-1].steps):
            self._leave()
        return ending

    def _go_back(self) -> Ending:
        if len(self._begun) == 1:
            self._screen.say("this is the first stop")
            return Ending.DONE
        self._leave()
        return enter(self._session, self._screen, f"back {self._strayed}") if self._strayed else Ending.DONE

    @property
    def _strayed(self) -> int:
        """How many lines have changed something since the stop was come to."""
        return max(self._done[0] - self._begun[-1].lines, 0) if self._opening.ready else 0

    @property
    def _there_is_room(self) -> bool:
        """Whether the next words would leave on the screen all that the last line has printed."""
        console = self._screen.console
        words = len(list(self._words().rows(min(console.width, WIDTH))))
        return self._counted.rows + words + FURNITURE < console.height  # and one row for the line itself

    # --- by itself

    def play(self, pace: float) -> int:
        """Go through the script, with `pace` seconds for each row to be read; the exit status."""
        ending = Ending.DONE
        try:
            while ending is Ending.DONE:
                self._counted.rows = 0
                self._tell()
                time.sleep(pace * self._counted.rows)
                if self.over:
                    return GOOD
                self._type(self._stop.line, pace)
                self._counted.rows = 0
                ending = self._execute()
                time.sleep(pace * self._counted.rows)
        except KeyboardInterrupt:
            ending = Ending.STOPPED
        if ending is Ending.STOPPED:
            self._say_where()
        return {Ending.WRONG: WRONG, Ending.STOPPED: INTERRUPTED}.get(ending, GOOD)

    def _type(self, line: str, pace: float) -> None:
        """Show a line at the prompt, letter by letter if there is time."""
        if not pace:
            self._screen.say(prompted(self._session, line))
            return
        letters = self._screen.console
        letters.print(prompt_of(self._session.place()), end="")
        for letter in printable(line):
            letters.print(letter, end="", soft_wrap=True)
            time.sleep(pace / LETTERS)
        letters.print()

    # --- both

    @property
    def over(self) -> bool:
        """Whether the last word is said."""
        return self._told and not self._stop.line

    def _tell(self) -> None:
        """Say what is said before this stop."""
        self._told = True
        console = self._screen.console
        console.print(self._words(), width=min(console.width, WIDTH))

    def _words(self) -> Lines:
        """A blank row and the number of the stop set them apart, also without colour."""
        number = f"{self._at + 1}/{len(self._stops) - 1}  " if self._stop.line else ""
        parts = [Span(part, STRONG) for part in paragraphs(printable(self._stop.text))]
        if not parts:
            return Lines()
        first, *rest = parts
        further = (Line.of(part, indent=len(number) if part.text else 0, hang=0) for part in rest)
        return Lines.of(Line.of(""), Line.of(number, first, hang=len(number)), *further)

    def _say_where(self) -> None:
        """Where someone has left, and how to come back."""
        self._screen.say(f"\nleft at stop {self._place}; {self._again} begins anew")

    def _execute(self) -> Ending:
        """Execute the stop's line and, while a block is unfinished, the lines after it; then the next stop is come to.

        If one is wrong, the stop is as it was.
        """
        session, loop = self._session, Loop(self._session, self._screen)
        at = self._at
        first = self._stops[at]
        ending = loop.perform(first.line, self._file, first.number)
        while ending is Ending.DONE and session.unfinished:
            at += 1
            if not self._stops[at].line:
                problem = Problem("the block that begins here is not finished", text=first.line, column=0)
                self._screen.complain(problem.placed(file=self._file, line=first.number))
                ending = Ending.WRONG
                break
            self._screen.say(prompted(session, self._stops[at].line))
            ending = loop.perform(self._stops[at].line, self._file, first.number)
        session.abandon()
        if ending is Ending.DONE:
            self._come_to(at + 1)
        return ending

    def _come_to(self, stop: int) -> None:
        self._begun.append(Begun(stop, *self._done))
        self._told = False

    def _leave(self) -> None:
        """Back to the stop before."""
        self._begun.pop()
        self._told = False

    @property
    def _at(self) -> int:
        return self._begun[-1].stop

    @property
    def _stop(self) -> Stop:
        return self._stops[self._at]

    @property
    def _place(self) -> str:
        """`3 of 14`."""
        last = len(self._stops) - 1
        return f"{min(self._at + 1, last)} of {last}"

    @property
    def _session(self) -> Session:
        return self._opening.session

    @property
    def _unfinished(self) -> bool:
        return self._opening.ready and self._session.unfinished

    @property
    def _done(self) -> tuple[int, int]:
        """How many lines of the history and steps there are."""
        return len(self._session.history.lines), self._session.machine.steps


class Counted:
    """A stream whose rows are counted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.rows = 0

    def write(self, text: str) -> int:
        self.rows += text.count("\n")
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
