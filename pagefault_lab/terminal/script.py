"""A script: the lines of a file, through the same loop as typed ones, up to the first that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pagefault_lab.lab import lessons
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.loop import Ending, Loop
from pagefault_lab.terminal.screen import JsonLines, Output, Screen
from pagefault_lab.views.prompts import CONTINUATION, prompt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

GOOD, WRONG, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


def run(file: str, world: str = "linux", budget: int | None = None, json: bool = False, plain: bool = False) -> int:
    """Execute a script ("-" is standard input); the exit status of the program."""
    from pagefault_lab.lab.session import Session

    screen = Screen(plain, errors=sys.stderr)
    output: Output = JsonLines() if json else screen
    try:
        lines = lines_of(file)
        session = Session(world, budget)
    except Problem as problem:
        output.complain(problem)
        return UNUSABLE
    name = "standard input" if file == "-" else file
    loop = Loop(session, output)
    number = begun = 0
    while True:
        try:
            line = next(lines, None)
        except Problem as problem:
            output.complain(problem.placed(file=name))
            return WRONG
        if line is None:
            break
        number += 1
        if not session.unfinished:
            begun = number
            if not line.strip() or line.lstrip().startswith("#"):
                if not json:
                    screen.say(line)  # what a script says of its lines belongs to what they show
                continue
        if not json:
            screen.say(prompted(session, line))
        ending = loop.perform(line, name, begun)
        if ending is Ending.WRONG:
            return WRONG
        if ending is Ending.STOPPED:
            return INTERRUPTED
        if ending is Ending.LEAVE:
            return GOOD
    if session.unfinished:
        unfinished = Problem("the block that begins here is not finished", text=session.pending[0], column=0)
        output.complain(unfinished.placed(file=name, line=begun))
        return WRONG
    return GOOD


def prompted(session: Session, line: str) -> str:
    """A line as it would stand on the screen had it been typed."""
    return (CONTINUATION if session.unfinished else prompt_of(session.place())) + line


def lines_of(file: str) -> Iterator[str]:
    """The lines of a text file, without their ends, as they come from standard input if `file` is "-".

    A file that is not there is looked for among the lessons.
    """
    if file == "-":
        return _decoded(iter(sys.stdin.buffer))
    try:
        try:
            data = Path(file).read_bytes()
        except FileNotFoundError:
            data = lessons.find(Path(file)).read_bytes()
    except IsADirectoryError:
        raise Problem(f"{file} is a folder, not a script") from None
    except (OSError, ValueError) as error:
        if Path(file).is_dir():  # Windows calls it a lack of permission
            raise Problem(f"{file} is a folder, not a script") from None
        raise Problem(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return iter(list(_decoded(iter(data.splitlines()))))
    except Problem as problem:
        raise problem.placed(file=file) from None


def _decoded(lines: Iterator[bytes]) -> Iterator[str]:
    """Lines of UTF-8 as text; a Problem at the first that is none, or that no text has."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Problem(f"this is not a text file: byte {line[error.start]:#04x} is no UTF-8", line=number) from None
        if "\0" in text:
            raise Problem("this is not a text file: it has a zero byte", line=number)
        yield text.removeprefix("\ufeff") if number == 1 else text
