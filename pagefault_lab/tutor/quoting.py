"""Text that quotes the machine: `{{ expression }}`, and `{{/x expression }}` to choose how the value is written.

{{ e }}    decimal below 0x1000, else hexadecimal      {{/d e}}   decimal
{{/x e}}   hexadecimal                                 {{/z e}}   hexadecimal with eight digits
{{/t e}}   binary                                      {{/a e}}   the symbol there, if there is one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import expressions
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope

FORMATS: Final = "dxzta"
_QUOTE = re.compile(r"\{\{(?:/(\w*))?((?:(?!\{\{).)*?)\}\}", re.DOTALL)


class Quote(NamedTuple):
    """A quote in a text: its letter, the expression, and where it begins and ends."""

    letter: str
    expression: Expression
    start: int
    end: int


def quotes(text: str) -> Iterator[Quote]:
    """The quotes of a text; a Problem, with the column in the text, where one is wrong."""
    place = 0
    while (start := text.find("{{", place)) >= 0:
        match = _QUOTE.match(text, start)
        if match is None:
            raise Problem("this {{ is never closed", "{{ $page }}", text=text, column=start)
        letter = match[1] or ""
        if match[1] is not None and letter not in tuple(FORMATS):
            raise Problem(f"there is no format /{letter}", "{{/x e}}, or one of d z t a", text=text, column=start + 2)
        try:
            expression = expressions.parse(match[2].replace("\n", " "))
        except Problem as problem:
            column = match.start(2) + (problem.column or 0)
            raise Problem(problem.sentence, problem.hint, text=text, column=column) from None
        yield Quote(letter, expression, start, match.end())
        place = match.end()


def problems(text: str) -> Iterator[Problem]:
    """What is wrong with the quotes of a text, with its column there."""
    try:
        for _ in quotes(text):
            pass
    except Problem as problem:
        yield problem


def fill(text: str, scope: Scope) -> str:
    """The text with every quote replaced by its value now."""
    return replaced(text, lambda quote: written(quote.expression.value(scope), quote.letter, scope))


def replaced(text: str, told: Callable[[Quote], str]) -> str:
    """The text with every quote replaced by what is `told` for it."""
    if "{{" not in text:
        return text
    parts = []
    place = 0
    for quote in quotes(text):
        parts += [text[place : quote.start], told(quote)]
        place = quote.end
    return "".join(parts) + text[place:]


def written(value: int, letter: str, scope: Scope) -> str:
    """A number as a text has it."""
    return _WRITTEN[letter](value, scope)


def _short(value: int, _: Scope) -> str:
    return f"{value:#x}" if value >= 0x1000 else str(value)


def _symbol(value: int, scope: Scope) -> str:
    return scope.symbols.name(value) or f"{value:#010x}"


_WRITTEN: Final[dict[str, Callable[[int, Scope], str]]] = {
    "": _short,
    "d": lambda value, _: str(value),
    "x": lambda value, _: f"{value:#x}",
    "z": lambda value, _: f"{value:#010x}",
    "t": lambda value, _: f"{value:#b}",
    "a": _symbol,
}
