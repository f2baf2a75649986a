"""What could be meant by the word being typed: commands, mnemonics, registers, symbols and names of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.terminal.opening import Opening

_FIRST_WORD = re.compile(r"\s*(?:[\w.$]+:\s*)*(?:(?:lock|repn?[ez]?)\s+)*([\w.]*)\Z")
_LAST_PATH = re.compile(r"""\s["']?((?:(?<=")[^"]*|(?<=')[^']*|[^\s"']*))\Z""")
_LAST_NAME = re.compile(r"[%$]?[\w.]*\Z")
MEANING_WIDTH = 56  # of a description: the menu must fit beside it into 80 columns


class Words(Completer):
    """Completes a line at the prompt. Nothing is offered that does not fit there."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        session = self._opening.session
        line = document.current_line_before_cursor
        first = _FIRST_WORD.match(line)
        if first is not None:
            yield from _offered(_first_words(session).items(), first[1])
        elif (path := _path_before(line)) is not None:
            offered = {each.text for each in _paths(path)}
            yield from _paths(path)
            yield from (each for each in _completions(session, line) if each.text not in offered)
        else:
            yield from _completions(session, line)


def _first_words(session: Session) -> dict[str, str]:
    """Commands, mnemonics and directives, each with what it does; a word that is both is a command."""
    from pagefault_lab.assembler import statement_words
    from pagefault_lab.commands import get, spellings

    found = statement_words()
    if not session.unfinished:
        for name in spellings():
            word, _, second = name.partition(" ")
            if not second:
                found[word] = get(name).summary
            elif word not in spellings():
                found[word] = "help " + word + " lists what follows"
    return found


def _path_before(line: str) -> str | None:
    """The beginning of a file's name at the end of a line, if its command takes one there."""
    from pagefault_lab.commands import find, get, spellings
    from pagefault_lab.commands.parameters.signature import takes_path

    try:
        found = find(line)
    except Problem:
        return None
    if found is None or found.spelling not in spellings() or not takes_path(get(found.spelling)):
        return None
    match = _LAST_PATH.search(line, found.rest)
    return match[1] if match is not None else None


def _paths(typed: str) -> Iterator[Completion]:
    """The files whose names begin so; of folders, the beginning of what lies in them."""
    folder, name = os.path.split(os.path.expanduser(typed))
    try:
        entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in entries:
        if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
            yield Completion(entry.name + "/" * entry.is_dir(), -len(name))


def _completions(session: Session, line: str) -> Iterator[Completion]:
    from pagefault_lab.commands import complete, find

    try:
        found = find(line)
    except Problem:
        return
    if found is not None:
        for word, length, meaning in complete(session, line):
            yield _completion(word, length, meaning)
        yield from _offered(_second_words(line), _LAST_NAME.search(line)[0])  # type: ignore[index]
        return
    match = _LAST_NAME.search(line)
    typed = match[0] if match else ""
    yield from _offered(_operands(session, typed), typed)


def _second_words(line: str) -> Iterator[tuple[str, str]]:
    """What can follow the first word of a line if that is a command by itself, and the beginning of others."""
    from pagefault_lab.commands import get, spellings

    words = line.split()
    if words[0] in spellings() and len(words) + line[-1].isspace() == 2:
        for name in spellings():
            if name.startswith(words[0] + " "):
                yield name.partition(" ")[2], get(name).summary


def _operands(session: Session, typed: str) -> Iterator[tuple[str, str]]:
    """What an instruction can work on: `%register`, `$symbol`, `symbol`."""
    from pagefault_lab.assembler.operands import REGISTERS

    if not typed.startswith("$"):
        for name in REGISTERS:
            yield f"%{name}", "register"
    if typed and not typed.startswith("%"):
        sign = "$" if typed.startswith("$") else ""
        for name, value in session.symbols.items():
            yield sign + name, f"{value:#010x}"


def _offered(words: Iterable[tuple[str, str]], typed: str) -> Iterator[Completion]:
    for word, meaning in sorted(words):
        if word.startswith(typed):
            yield _completion(word, len(typed), meaning)


def _completion(word: str, typed: int, meaning: str) -> Completion:
    if len(meaning) > MEANING_WIDTH:
        meaning = meaning[: MEANING_WIDTH - 3].rstrip() + "..."
    return Completion(word, -typed, display_meta=meaning)
