"""`--resume`: a session is brought back from its journal, line by line, and goes on where it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Final

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.entry import bug
from pagefault_lab.terminal.journal import Journal, kept

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

PATIENCE: Final = 1.0  # seconds before it is said what takes so long


def resume(file: str | None) -> tuple[Session, Journal, list[str]]:
    """The session of this journal, without one of the newest; what writes down how it goes on; what is to be said.

    A Problem if nothing can be brought back. If only a part can, the journal is kept as it is.
    """
    from pagefault_lab.lab.recording import read, replay
    from pagefault_lab.lab.session import Session

    journal = kept(file)
    recording, _, damaged = read(journal.read(), str(journal.path))
    session = Session(recording.world)
    failure: list[str] = []
    with said_if_it_takes_long(f"  {lines(recording.lines)} are done again ..."):
        try:
            for _ in replay(recording, session):
                pass
        except Problem as problem:
            if problem.line is None:
                raise problem.placed(file=str(journal.path)) from None
            failure = [problem.sentence, *filter(None, (problem.hint,))]
        except Exception as error:  # a bug of ours: the lines before are back all the same
            failure = bug(error)
    back = session.recording.lines
    said = [f"  {lines(back)} {'is' if back == 1 else 'are'} back, up to step {session.machine.steps:,}"]
    said += [f"  {sentence}" for sentence in failure]
    if damaged is not None and not failure:
        said.append(f"  what came after them cannot be read: the journal is damaged from its line {damaged} on")
    if failure or damaged is not None:
        journal.is_ours = False
        said.append(f"  it is kept: {journal.path}")
    return session, Journal(journal), said


def lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


@contextmanager
def said_if_it_takes_long(sentence: str) -> Iterator[None]:
    """Show on the terminal what takes so long, and take it away again. Ctrl-C ends the program: nothing is lost."""
    said = False

    def say() -> None:
        nonlocal said
        said = True
        print(sentence, end="", flush=True)

    timer = Timer(PATIENCE, say)
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stdout.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        signal.signal(signal.SIGINT, before)
        if said:
            print("\r" + " " * len(sentence), end="\r", flush=True)
