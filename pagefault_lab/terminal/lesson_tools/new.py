"""`pagefault-lab lesson new FILE`: a small lesson that is right and shows every kind of block, to be rewritten."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from pathlib import Path

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE

TEMPLATE = Path(__file__).parent / "new.md"


def run(arguments: Namespace) -> int:
    """Write `arguments.file`, which must not be there; the exit status."""
    screen = Screen(arguments.plain, errors=sys.stderr)
    path = Path(arguments.file)
    try:
        create(path, lesson_called(path.stem))
    except Problem as problem:
        screen.complain(problem)
        return UNUSABLE
    name = f'"{path}"' if " " in str(path) else str(path)
    screen.say(f"{path} is a lesson that works; its comments tell what can stand there.")
    screen.say("Make it yours, and then:")
    for command, purpose in (
        (f"pagefault-lab lesson {name}", "take it, as a student does"),
        (f"pagefault-lab lesson check {name}", "prove it right"),
        (f"pagefault-lab lesson update {name}", "write anew what `show` blocks say"),
        (f"pagefault-lab lesson publish {name}", "make the edition for students"),
    ):
        screen.say(f"  {command}\n      {purpose}")
    return GOOD


def lesson_called(name: str) -> str:
    """The lesson to begin with, its key and its title made of the name of a file: `03-page-walk` is Page walk."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"\A[0-9]+[-_ ]+", "", name.casefold())) or ["lesson"]
    title = " ".join(words).capitalize()
    text = TEMPLATE.read_text("utf-8")
    for before, after in (
        ('key = "new-lesson"              #', f'key = "{"-".join(words)}"'.ljust(31) + " #"),
        ('title = "New lesson"', f"title = {json.dumps(title)}"),
        ("\n# New lesson\n", f"\n# {title}\n"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


def create(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    if path.suffix != ".md":
        raise Problem(f"{path} would not be known as a lesson", f"a lesson is Markdown: {path}.md")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Problem(f"{path} is there already, and stays as it is", "give another name") from None
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None
