"""What README.md shows is what the program does: every transcript and table in it is made here and compared.

    python tests/test_readme.py --update     writes them anew

A block fenced as `lab` is a session in the world `linux` (`lab bare`: in that world; `lab continued`: it goes on where
the block before it ended): what stands behind a prompt in it is typed, and the block must be what a screen of 80
columns then shows with --plain. In a block fenced as `console`, what stands behind `$ ` is given to the shell, in this
folder (`console apart`: in an empty one). Between
`<!-- commands -->` and `<!-- end -->` stands the table of commands, behind `<!-- names -->` that of the names with
fields in expressions, behind `<!-- wrong -->` that of the scripts in lessons/wrong.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import TemporaryDirectory

import pytest

from pagefault_lab.commands import GROUPS, all_commands
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.vocabulary import overview
from pagefault_lab.terminal.loop import Loop
from pagefault_lab.terminal.screen import Screen
from pagefault_lab.terminal.script import prompted

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(lab|console)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^<!-- (commands|names|wrong) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"(?:cpl[0-3][^>]*|\.\.\.)> ?(.*)")


def made_anew(text: str) -> str:
    """The README with everything in it that the program makes."""
    sessions: list[Session] = []

    def block(match: re.Match[str]) -> str:
        kind, words, body = match.groups()
        if kind == "console":
            body = "".join(shell(body, apart=words.strip() == "apart"))
        else:
            if words.strip() != "continued":
                sessions.append(Session(words.strip() or "linux"))
            body = transcript(sessions[-1], body)
        return f"```{kind}{words}\n{body}```"

    def table(match: re.Match[str]) -> str:
        rows = "".join(f"{row}\n" for row in TABLES[match[1]]())
        return f"<!-- {match[1]} -->\n{rows}<!-- end -->"

    return TABLE.sub(table, BLOCK.sub(block, text))


def transcript(session: Session, body: str) -> str:
    """What the screen shows when the lines behind the prompts of `body` are typed."""
    stream = io.StringIO()
    screen = Screen(plain=True, stream=stream)
    loop = Loop(session, screen)
    for line in body.splitlines():
        if typed := PROMPT.fullmatch(line):
            screen.say(prompted(session, typed[1]))
            loop.perform(typed[1])
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def shell(body: str, apart: bool) -> Iterator[str]:
    """The commands of `body`, and what each of them prints. `pagefault-lab` is what stands in this folder."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as empty:
        program = Path(folder, "pagefault-lab")
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pagefault_lab "$@"\n')
        program.chmod(0o755)
        path, state = f"{folder}{os.pathsep}{os.environ['PATH']}", str(Path(folder, "state"))
        environment = {**os.environ, "PATH": path, "XDG_STATE_HOME": state}
        for line in body.splitlines():
            if line.startswith("$ "):
                yield f"{line}\n"
                command, place = ["sh", "-c", line[2:]], empty if apart else ROOT
                yield subprocess.run(
                    command, cwd=place, env=environment, stdout=PIPE, stderr=STDOUT, text=True, timeout=60
                ).stdout


def commands() -> Iterator[str]:
    """The table of commands."""
    yield from ("| command | what it does |", "| --- | --- |")
    group = ""
    for command in all_commands():
        if command.group != group:
            group = command.group
            yield f"| **{group}** | |"
        usage = command.usage.replace("|", "\\|")
        also = f" (also {', '.join(f'`{name}`' for name in command.names[1:])})" if command.names[1:] else ""
        yield f"| `{usage}` | {command.summary}{also} |"


def names() -> Iterator[str]:
    """The table of names with fields."""
    yield from ("| name | fields |", "| --- | --- |")
    for group in overview():
        names = ", ".join(f"`{name}`" for name in group.names)
        yield f"| {names}: {group.meaning} | {' '.join(f'`.{field}`' for field in group.fields)} |"


def wrong() -> Iterator[str]:
    """The table of what goes wrong: each script's first comment."""
    yield from ("| script | what is wrong |", "| --- | --- |")
    for path in sorted((ROOT / "lessons" / "wrong").glob("*.lab")):
        title = path.read_text("utf-8").partition("\n")[0]
        yield f"| `wrong/{path.name}` | {title.removeprefix('# ')} |"


TABLES = {"commands": commands, "names": names, "wrong": wrong}


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell for the README's commands")
def test_what_the_readme_shows_is_what_the_program_does() -> None:
    text = README.read_text("utf-8")
    assert made_anew(text) == text, "if the new output is right: python tests/test_readme.py --update"


def test_ci_runs_the_tests_as_the_readme_says() -> None:
    install, run = ".venv/bin/pip install -q -e '.[test", ".venv/bin/pytest -n logical"
    (command,) = re.findall(r"^(python3 -m venv .*pytest.*)$", README.read_text("utf-8"), re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "python3 -m venv .venv" in ci
    assert install in ci
    assert install in command
    assert command.endswith(run)
    assert ci.rstrip().endswith(run)


def test_the_first_screen_of_the_readme_holds_a_session() -> None:
    first_screen = "\n".join(README.read_text("utf-8").splitlines()[:24])
    assert "```lab" in first_screen


def test_the_readme_groups_commands_as_help_does() -> None:
    assert re.findall(r"\*\*(\w+)\*\*", "\n".join(commands())) == [
        group for group in GROUPS if any(command.group == group for command in all_commands())
    ]


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    os.environ.pop("COLUMNS", None)
    README.write_text(made_anew(README.read_text("utf-8")), "utf-8")
