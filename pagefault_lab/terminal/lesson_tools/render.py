"""`pagefault-lab lesson render FILE --html|--md`: a handout of a lesson, on the standard output or in a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.lesson_tools.made_files import write
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE, WRONG


def run(arguments: Namespace) -> int:
    """Render `arguments.file` as `html` or `md`, to `to` if there is one; the exit status."""
    from pagefault_lab.bridges.handout import html, markdown
    from pagefault_lab.bridges.handout.content import BEGINNING, handout
    from pagefault_lab.tutor.course import find, load

    screen = Screen(arguments.plain, errors=sys.stderr)
    try:
        shown = handout(load(find(arguments.file)), arguments.seed, arguments.hints, arguments.answers)
        text = html.page(shown) if arguments.html else markdown.text(shown)
        if arguments.to is None:
            sys.stdout.buffer.write(text.encode("utf-8"))
            return GOOD
        path = Path(arguments.to)
        write(path, text, BEGINNING, "handout")
    except Problem as problem:
        screen.complain(problem)
        return UNUSABLE if problem.line is None else WRONG
    screen.say(f"{path}: {shown.lesson.title}, {len(text.encode('utf-8')):,} bytes")
    return GOOD
