"""From the words of the command line to the prompt or a script, and what to do with what goes wrong there."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pagefault_lab.problem import Problem
from pagefault_lab.terminal import keys

if TYPE_CHECKING:
    from pagefault_lab.terminal.guide import Guide
    from pagefault_lab.terminal.journal import Journal
    from pagefault_lab.terminal.opening import Opening

UNUSABLE, OUR_BUG, INTERRUPTED, BROKEN_PIPE = 2, 70, 130, 141


def enter(words: list[str]) -> int:
    """Run the program; its exit status."""
    _open_closed_streams()
    try:
        status = _run(words)
        sys.stdout.flush()
        return status
    except Problem as problem:
        print(f"pagefault-lab: {problem}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as in `| head`: whoever read has enough
        _write_no_more()
        return BROKEN_PIPE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            _write_no_more()
            print(f"pagefault-lab: the output cannot be written: {error.strerror}", file=sys.stderr)
            return UNUSABLE
        for line in bug(error):
            print(line, file=sys.stderr)
        return OUR_BUG


def _open_closed_streams() -> None:
    """A stream that whoever started us has closed is empty, or takes everything."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (for as long as the program runs)


def _write_no_more() -> None:
    """Python flushes its output at the end; that shall not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    if not words:
        _dress(None)
        return _prompt("linux", plain=False)
    from pagefault_lab.terminal.arguments import parse

    arguments = parse(words)
    _dress(arguments.theme)
    match arguments.command:
        case "run":
            from pagefault_lab.terminal.script import run

            return run(arguments.file, arguments.world, arguments.budget, arguments.json, arguments.plain)
        case "trace":
            from pagefault_lab.terminal.trace import trace

            shared = ("command", "theme", "resume")
            return trace(**{name: value for name, value in vars(arguments).items() if name not in shared})
        case "tour":
            return _tour(arguments.file, arguments.world, arguments.plain, arguments.auto, arguments.pace)
        case "grade":
            from pagefault_lab.terminal.grade import grade

            return grade(arguments)
        case "lesson" if arguments.tool:
            tool = import_module(f"pagefault_lab.terminal.lesson_tools.{arguments.tool}")
            status: int = tool.run(arguments)
            return status
        case "lesson":
            from pagefault_lab.terminal.lesson import run as run_lesson

            return run_lesson(arguments)
        case _ if arguments.resume is not None:
            return _resume(arguments.resume or None, arguments.plain)
        case _:
            return _prompt(arguments.world, arguments.plain)


def _dress(theme: str | None) -> None:
    """The theme to begin with: what the command line says, else the environment, else what was chosen last, or the
    default."""
    from pagefault_lab.terminal import look

    look.choose(theme or os.environ.get("PAGEFAULT_LAB_THEME") or look.remembered() or look.chosen())


def _prompt(world: str, plain: bool) -> int:
    """The prompt; the first screen comes before what it takes to edit lines is loaded."""
    from pagefault_lab.terminal.banner import TITLE, banner

    print(TITLE, flush=True)
    gc.disable()  # until all is loaded: Opening enables it
    from pagefault_lab.terminal.journal import CUT_OFF, Journal, was_cut_off
    from pagefault_lab.terminal.opening import Opening

    journal = Journal()
    opening = Opening(world, journal.follow if _someone_types() else None)
    print(banner(opening.glimpse), flush=True)
    if _someone_types() and was_cut_off():
        print(f"  {CUT_OFF}\n", flush=True)
    return _converse(opening, journal, plain)


def _resume(file: str | None, plain: bool) -> int:
    """The prompt, in the session that this file has kept, or else the last one."""
    from pagefault_lab.terminal.banner import TITLE
    from pagefault_lab.terminal.opening import Opening
    from pagefault_lab.terminal.resume import resume

    print(f"{TITLE}\n", flush=True)
    session, journal, said = resume(file)
    print("\n".join((*said, "")), flush=True)
    opening = Opening(session.world.name, journal.follow if _someone_types() else None, session)
    return _converse(opening, journal, plain)


def _converse(opening: Opening, journal: Journal, plain: bool) -> int:
    """The prompt, until one leaves; the exit status."""
    status = converse(opening, plain)
    journal.end()
    return status


def converse(opening: Opening, plain: bool, guide: Guide | None = None) -> int:
    """The prompt, until one leaves, with someone who goes along; the exit status."""
    if not _edits_lines():
        from pagefault_lab.terminal.lines import converse as converse_in_lines

        return converse_in_lines(opening.session, plain, guide)
    with keys.kept():
        with keys.kept(shown=True), typing_ahead(opening.glimpse.prompt):
            from pagefault_lab.terminal.prompt import converse as converse_at_prompt

        return converse_at_prompt(opening, plain, guide)


def _tour(file: str | None, world: str, plain: bool, auto: bool, pace: float) -> int:
    """A tour; where someone has come to its end, the prompt goes on from there."""
    gc.disable()  # until all is loaded: Opening enables it
    from pagefault_lab.terminal.journal import Journal
    from pagefault_lab.terminal.opening import Opening
    from pagefault_lab.terminal.tour import Tour

    journal = Journal()
    by_itself = auto or not _someone_is_there()
    opening = Opening(world, None if by_itself else journal.follow)
    tour = Tour(opening, file, plain)
    if by_itself:
        return tour.play(pace if sys.stdout.isatty() else 0)
    tour.greet()
    if not _edits_lines():
        goes_on = tour.guide(tour.ask)
    else:
        with keys.kept():
            with keys.kept(shown=True), typing_ahead(opening.glimpse.prompt):
                from pagefault_lab.terminal.prompt import reader

            goes_on = tour.guide(reader(opening, plain, tour.offered, tour.foot).prompt)
    if goes_on:
        return _converse(opening, journal, plain)
    journal.end()
    return 0


def _someone_types() -> bool:
    """Whether lines come from a person: only these are kept."""
    return sys.stdin.isatty()


def _someone_is_there() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _edits_lines() -> bool:
    """Whether the terminal can do what editing a line takes."""
    return _someone_is_there() and os.environ.get("TERM", "") not in ("dumb", "unknown")


@contextmanager
def typing_ahead(prompt: str) -> Iterator[None]:
    """Show a prompt while the editor of lines is loaded. The terminal keeps, and shows, what is typed meanwhile.

    The editor then finds it and draws its own prompt in the same place. Ctrl-C drops what was typed, as it will later.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.write(prompt)
    sys.stdout.flush()
    try:
        yield
    finally:
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()
        signal.signal(signal.SIGINT, before)


def bug(error: Exception) -> list[str]:
    """What is said when we are wrong, not the learner; with PAGEFAULT_LAB_DEBUG set, where it happened."""
    told = [
        f"this is a bug in pagefault-lab, not in your line: {type(error).__name__}: {error}",
        "  please report it with the lines that led here; PAGEFAULT_LAB_DEBUG=1 shows where it happened",
    ]
    if os.environ.get("PAGEFAULT_LAB_DEBUG"):
        import traceback

        told += "".join(traceback.format_exception(error)).splitlines()
    return told
