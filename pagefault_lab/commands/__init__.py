"""The commands: one file each, found by being there. A command yields values and prints nothing.

    @command("si", "stepi", group="running", repeats=True)
    def stepi(session: Session, count: Count = 1) -> Iterator[object]:
        '''Execute one instruction, or COUNT of them, and tell each.

        What more there is to say.
        '''

The annotations of the parameters parse and complete the words of the line (parameters/ lists them), the signature is
the usage, the docstring the help, and its first line the summary. The first name is the one that help shows. A name of
two words, `@command("info idt")`, is a subcommand. With `repeats=True` an empty line at the prompt does it again.

A command's module is imported when it is used: all names are read from the text of the files. Whoever imports this
package makes sessions understand commands (lab/language.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pagefault_lab.lab import language
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.commands.parameters.completing import Completion
    from pagefault_lab.commands.parameters.signature import Parameter
    from pagefault_lab.lab.session import Session

Function = TypeVar("Function", bound=Callable[..., Iterator[object]])

# in the order in which help shows them
GROUPS = ("running", "looking", "explaining", "changing", "code", "session", "lesson")
FIRST_WORDS = {"i": "info", "cont": "continue", "adv": "advance"}  # gdb's abbreviations, not unique any more here
ALONE = {"bt": "backtrace"}  # gdb's, where no two operands follow: with them it is an instruction

_COMMANDS: dict[str, Command] = {}  # by the first name; filled as modules are imported
_DECLARATION = re.compile(r"^@command\((.*?)\)\s*$", re.MULTILINE | re.DOTALL)
_STRING = re.compile(r'"([^"]*)"')
_COMMENT = re.compile(r"""("[^"]*"|'[^']*'|\bfault\s+\#[A-Z]{2}\b|\bsay\s+\#)|\s\#.*""")
_FIRST_WORD = re.compile(r"[ \t]*([A-Za-z][A-Za-z-]*|\?)(?:/(\S*))?(?=\s|$)")
_NAME = re.compile(r"[$%]?([a-z0-9]+)\b")
_NEXT_WORD = re.compile(r"[ \t]+([A-Za-z][A-Za-z-]*)(?=\s|$)")


class Command:
    """What is known of one command. `names` are all its spellings, the one that help shows first."""

    def __init__(self, names: tuple[str, ...], group: str, repeats: bool, function: Callable[..., Any]) -> None:
        self.names = names
        self.group = group
        self.repeats = repeats
        self.function = function

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def help(self) -> str:
        """The docstring, its indentation removed."""
        from inspect import getdoc

        return getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.help.partition("\n")[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        from pagefault_lab.commands.parameters.signature import parameters_of

        return parameters_of(self.function)

    @property
    def usage(self) -> str:
        """How to write it: `si [COUNT]`."""
        words = [parameter.usage for parameter in self.parameters]
        slash = "".join(word for word in words if word.startswith("[/"))
        return " ".join((self.name + slash, *(word for word in words if word and not word.startswith("[/"))))

    def __repr__(self) -> str:
        return f"<Command {self.name}>"


def command(*names: str, group: str = "looking", repeats: bool = False) -> Callable[[Function], Function]:
    """Declare a generator function to be a command of these names."""

    def declare(function: Function) -> Function:
        if group not in GROUPS:
            raise ValueError(f"{names[0]}: there is no group {group}")
        _COMMANDS[names[0]] = Command(names, group, repeats, function)
        return function

    return declare


@cache
def spellings() -> dict[str, tuple[str, str]]:
    """Every spelling of every command: (module, the command's first name). No command is imported for it."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(Path(__path__[0]).glob("*.py")):
        if path.stem.startswith("_"):
            continue
        for declaration in _DECLARATION.finditer(path.read_text("utf-8")):
            names = _STRING.findall(declaration[1].partition("group=")[0])
            found.update(dict.fromkeys(names, (path.stem, names[0])))
    return found


def get(spelling: str) -> Command:
    """The command of a spelling in full."""
    module, name = spellings()[spelling]
    import_module(f"{__name__}.{module}")
    return _COMMANDS[name]


def all_commands() -> list[Command]:
    """Every command, in the order of groups and names; imports them all."""
    found = {name: get(name) for _, name in spellings().values()}
    return sorted(found.values(), key=lambda command: (GROUPS.index(command.group), command.name))


class Found(NamedTuple):
    """A command at the beginning of a line: its spelling, its /format (None without one), where the rest begins."""

    spelling: str
    format: str | None
    rest: int


def find(line: str, abbreviated: bool = True) -> Found | None:
    """The command that a line begins with; None if none does.

    A name may be shortened if only one fits, unless `abbreviated` is False. A shortened name that several fit is a
    Problem.
    """
    match = _FIRST_WORD.match(line)
    if match is None:
        return None
    known = spellings()
    first = FIRST_WORDS.get(match[1], match[1])
    if "," not in line:
        first = ALONE.get(first, first)
    if abbreviated:
        full = _expand(first, {name.partition(" ")[0] for name in known}, line, match.start(1))
        first = full if full and (full == first or not _value(first)) else first  # tr is TR, not short for trace
    seconds = {name.partition(" ")[2] for name in known if name.startswith(first + " ")}
    if seconds:
        next_word = _NEXT_WORD.match(line, match.end())
        if next_word is not None:
            if first in known:  # what is not spelled out is a word of the command itself
                seconds &= {next_word[1]}
            second = _expand(next_word[1], seconds, line, next_word.start(1), first + " ")
            if second is not None:
                return Found(f"{first} {second}", match[2], next_word.end())
        if first not in known:
            return Found(first, match[2], match.end())  # `execute` says what is missing
    return Found(first, match[2], match.end()) if first in known else None


def _expand(word: str, names: Iterable[str], line: str, column: int, prefix: str = "") -> str | None:
    """The one of `names` that `word` is, or is the beginning of; None if there is none. `prefix` is before them all."""
    fitting = sorted(name for name in names if name.startswith(word))
    if word in fitting:
        return word
    meant: dict[str, str] = {}  # by the command, the first of its names that fits
    for name in fitting:
        meant.setdefault(spellings().get(prefix + name, ("", prefix + name))[1], prefix + name)
    if len(meant) > 1:
        raise Problem(f"{word} is short for several commands", ", ".join(meant.values()), text=line, column=column)
    return min(fitting, default=None)


def execute(session: Session, line: str, found: Found) -> Iterator[object]:
    """Do what a line says that begins with a command. Words are parsed before anything is done.

    As in assembly, a # that is not in quotes begins a comment; here a blank must stand before it. `fault #PF` is none,
    nor is `say #PF`.
    """
    from pagefault_lab.commands.parameters.signature import arguments

    line = _COMMENT.sub(lambda match: match[1] or "", line)
    if found.spelling not in spellings():
        raise _incomplete(line, found)
    wanted = get(found.spelling)
    try:
        values = arguments(session, wanted, line, found)
    except Problem as problem:
        problem.hint = _instead(" ".join(line.split()[:2])) or problem.hint
        raise
    if wanted.repeats:
        session.repetition = line
    yield from wanted.function(session, *values)


def complete(session: Session, line: str) -> list[Completion]:
    """What could stand at the end of a line whose first word is a command: for its next word, as far as it is typed."""
    from pagefault_lab.commands.parameters.completing import completions

    return completions(session, line)


def _incomplete(line: str, found: Found) -> Problem:
    prefix = found.spelling + " "
    seconds = sorted({name.removeprefix(prefix) for _, name in spellings().values() if name.startswith(prefix)})
    rest = line[found.rest :]
    column = found.rest + len(rest) - len(rest.lstrip())
    if not rest.strip():
        return Problem(f"{found.spelling} what?", ", ".join(seconds), text=line, column=len(line))
    word = rest.split()[0]
    hint = _instead(prefix + word) or closest(word, seconds) or ", ".join(seconds)
    return Problem(f"there is no {found.spelling} {word}", hint, text=line, column=column)


def unknown(session: Session, line: str, also: Iterable[str] = ()) -> Problem:
    """The problem of a line that is neither a command nor a statement; `also` are words that could have been meant."""
    word = line.split()[0]
    column = len(line) - len(line.lstrip())
    names = [name for name in spellings() if " " not in name]
    hint = _reply(session, line)
    if hint is None:
        hint = _instead(word) or _meant(word) or closest(word, [*names, *also])
    elif command := closest(word, names):
        hint = f"{command} or, {hint}"
    hint = hint or "help lists the commands; an instruction is written as GNU as reads it"
    return Problem(f"{word} is neither a command nor an instruction", hint, text=line, column=column)


def _reply(session: Session, line: str) -> str | None:
    """The hint for what may be the reply to a question of a lesson; None where none waits for one."""
    if session.attempt is None:
        return None
    from pagefault_lab.tutor.attempt import attempt_of

    return f"to reply to the question: say {line.strip()}" if attempt_of(session).is_asked else None


def _instead(name: str) -> str | None:
    """The hint for what is a command of gdb, and none here."""
    from pagefault_lab.commands.from_gdb import INSTEAD

    return INSTEAD.get(name)


def _meant(word: str) -> str | None:
    """The hint for what is no command but has one that shows it: a value, or what `info` knows."""
    if f"info {word}" in spellings():
        return f"`info {word}` shows it"
    example = _value(word)
    return f"`p {example}` shows its value" if example else None


def _value(word: str) -> str | None:
    """How the value of a word is asked for that the expression language knows; None if it does not know the word."""
    from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES, usage

    name = _NAME.match(word)
    if name is None:
        return None
    structure = STRUCTURES.get(name[1])
    if structure is not None and structure.parameter:
        return word if word[name.end() :].startswith("(") else usage(name[1], structure)
    return word if name[1] in QUANTITIES or structure is not None else None


language.plug_in(sys.modules[__name__])
