"""The words that fit at the end of a line that begins with a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.commands.parameters import values
from pagefault_lab.commands.parameters.signature import takes_path
from pagefault_lab.commands.parameters.words import Words
from pagefault_lab.lab import expressions
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

_LAST_WORD = r"[$\w.\\]*\Z"


class Completion(NamedTuple):
    """One word that would fit at the end of a line; it replaces the last `typed` characters."""

    word: str
    typed: int
    meaning: str = ""


def completions(session: Session, line: str) -> list[Completion]:
    """The words that fit at the end of a line whose command is complete."""
    from pagefault_lab.commands import find, get, spellings

    match = re.search(_LAST_WORD, line)
    typed = match[0] if match else ""
    before = line[: len(line) - len(typed)]
    try:
        found = find(before)
    except Problem:
        return []
    if found is None:
        return []
    if found.spelling not in spellings():
        prefix = found.spelling + " "
        names = {name for _, name in spellings().values() if name.startswith(prefix + typed)}
        return [Completion(name.removeprefix(prefix), len(typed), get(name).summary) for name in sorted(names)]
    if takes_path(get(found.spelling)):  # whose letters are more
        typed = line[found.rest :].rpartition(" ")[2]
        before = line[: len(line) - len(typed)]
    elif (continued := expressions.continuations(line[found.rest :])) is not None:
        beginning, known = continued
        return [Completion(word, len(beginning), meaning) for word, meaning in known if word.startswith(beginning)]
    words = Words(session, before, found.rest, found.format)
    offered: dict[str, str] = {}
    for parameter in get(found.spelling).parameters:
        if isinstance(parameter.kind, values.Format):
            continue
        try:
            if not words.at_end:
                fits = parameter.required or parameter.kind.fits(words)
                while fits and not words.at_end:
                    parameter.kind.read(words)
                    fits = parameter.many
                if words.at_end and isinstance(parameter.kind, values.Expression):
                    offered.update(parameter.kind.choices(session))  # the expression may go on
                if not parameter.many:
                    continue
        except Problem:
            words.position = len(words.line)  # an expression that is not yet complete
        offered.update(parameter.kind.choices(session))
        if parameter.required:
            break
    return [
        Completion(word, len(typed), meaning) for word, meaning in sorted(offered.items()) if word.startswith(typed)
    ]
