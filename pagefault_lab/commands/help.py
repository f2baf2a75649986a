"""`help`: the commands and the instructions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from pagefault_lab.commands import ALONE, GROUPS, Command, all_commands, command, find, get, spellings
from pagefault_lab.commands.parameters import Topic
from pagefault_lab.lab.manual import CommandHelp, HelpIndex, instruction_help, mnemonics
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

EXPRESSIONS: Final = "expressions"  # a topic
INSTRUCTIONS: Final = "instructions"  # another


@command("help", "h", "?", group="session")
def help_(session: Session, name: Topic = "") -> Iterator[object]:
    """List the commands, or explain one; NAME may be an instruction too.

    help walk           the command
    help pushl          the instruction: what it does, its encodings, examples
    help running        what each command of one group is for
    help instructions   all that can be executed
    help expressions    what `p`, `set`, conditions and addresses are made of
    """
    word = " ".join(name.split()).lower()
    if not word:
        yield HelpIndex("", tuple(map(_page, all_commands())), mnemonics())
        return
    if word == INSTRUCTIONS:
        yield HelpIndex(word, (), mnemonics())
        return
    found = list(_explained(word))
    if not found:
        known = [*spellings(), *mnemonics(), *GROUPS, EXPRESSIONS, INSTRUCTIONS]
        raise Problem(f"there is no help for {word}", closest(word, known) or "help lists the commands")
    yield from found


def _explained(word: str) -> Iterator[object]:
    if len(word) > 3 and EXPRESSIONS.startswith(word):
        from pagefault_lab.lab.expression_help import expression_help

        yield expression_help()
    if (name := ALONE.get(word, word)) in spellings():
        yield _page(get(name))
    elif any(name.startswith(word + " ") for name in spellings()):
        yield _part(word, (command for command in all_commands() if command.name.startswith(word + " ")))
    elif word in GROUPS:
        yield _part(word, (command for command in all_commands() if command.group == word))
    pages = instruction_help(word.removeprefix("%"))
    yield from pages
    if not pages and word not in spellings():
        shortened = find(word)
        if shortened is not None and shortened.spelling in spellings():
            yield _page(get(shortened.spelling))


def _part(word: str, commands: Iterable[Command]) -> HelpIndex:
    return HelpIndex(word, tuple(map(_page, commands)), ())


def _page(command: Command) -> CommandHelp:
    return CommandHelp(command.names, command.usage, command.group, command.help)
