"""`pagefault-lab lesson update FILE...`: what the commands of `show` blocks say is written below them anew."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE, WRONG

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import Show


def run(arguments: Namespace) -> int:
    """Update `arguments.files`; the exit status: the worst of theirs."""
    screen = Screen(arguments.plain, errors=sys.stderr)
    return max(_update(file, screen) for file in arguments.files)


def _update(file: str, screen: Screen) -> int:
    from pagefault_lab.bridges.plain_text import plain_text
    from pagefault_lab.tutor.course import find, load
    from pagefault_lab.tutor.proving import shown

    try:
        path = find(file)
        lesson = load(path)
        fresh = list(shown(lesson, plain_text))
        stale = [(show, output) for show, output in fresh if show.output != output]
        if stale:
            _replace(path, updated(path.read_bytes().decode("utf-8"), stale))
    except Problem as problem:
        screen.complain(problem if problem.line is None else problem.placed(file=file))
        return UNUSABLE if problem.line is None else WRONG
    for show, output in stale:
        screen.say(f"{path}:{show.place}: {show.line.strip()}: {len(show.output)} lines replaced by {len(output)}")
    screen.say(f"{path}: {len(stale)} of {len(fresh)} show blocks changed")
    return GOOD


def updated(text: str, stale: list[tuple[Show, tuple[str, ...]]]) -> str:
    """The text of a lesson with other outputs in these blocks. Every other line stays as it is."""
    lines = text.split("\n")
    for show, output in sorted(stale, reverse=True, key=lambda pair: pair[0].place):
        fence, command = lines[show.place - 2], lines[show.place - 1]
        marks = fence.strip().removesuffix("show").strip()
        if any(line.strip().startswith(marks) and not line.strip().strip(marks[0]) for line in output):
            sentence, hint = (
                "the command says a line that would end its block",
                f"a longer fence: {marks[0]}{marks}show",
            )
            raise Problem(sentence, hint, line=show.place - 1)
        indent = command[: len(command) - len(command.lstrip())]
        end = command[len(command.rstrip()) :].lstrip(" \t")
        lines[show.place : show.place + len(show.output)] = [(indent + line).rstrip() + end for line in output]
    return "\n".join(lines)


def _replace(path: Path, text: str) -> None:
    """Put a text in a file's place; whoever reads it meanwhile, or after a crash, finds the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with beside.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(path.stat().st_mode)
            os.replace(beside, path.resolve())
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror or error}") from None
