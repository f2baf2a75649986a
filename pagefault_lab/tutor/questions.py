"""Questions and replies: the usual questions of predictions, what a reply means, and whether it is right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import expressions
from pagefault_lab.lab.expressions import is_name
from pagefault_lab.problem import Problem, as_hexadecimal, closest
from pagefault_lab.tutor.lesson import Question

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope

NONE: Final = -1  # the reply `none`: there is no such value
LONGEST: Final = 40  # characters of a reply that is told again

_NUMBER: Final = r"(?:0[xX][0-9A-Fa-f]+|0[bB][01]+|0|[1-9][0-9]*)"
_VALUE: Final = re.compile(rf"\$?(?P<value>-?{_NUMBER}|(?P<name>[A-Za-z_.][\w.]*)(?: ?[-+] ?{_NUMBER})?)", re.ASCII)
_LEADING_ZERO: Final = re.compile(r"0+([0-9]+)", re.ASCII)
_LIKE_AN_ADDRESS: Final = re.compile(r"[1-9][0-9]{4,7}", re.ASCII)  # may be meant as hexadecimal, without its 0x
_WORD: Final = re.compile(r"[\w%$]+")
_REFUSES: Final = (
    "!ever(fault(14)) ? 3 : !pde(last(fault(14)).cr2).present ? 1 : !(last(fault(14)).error & 1) ? 2"
    " : (last(fault(14)).error & 4) && !pde(last(fault(14)).cr2).user ? 1"
    " : (last(fault(14)).error & 2) && !pde(last(fault(14)).cr2).writable ? 1 : 2"
)
_USUAL: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "fault": ("Does it fault?", "ever(fault) ? 1 : 2", ("yes", "no")),
    "vector": ("Which vector has the fault (`none` without a fault)?", "ever(fault) ? last(fault).vector : -1", ()),
    "error": (
        "Which error code is pushed (`none` if there is none)?", "ever(fault) ? last(fault).error : -1", (),
    ),
    "cr2": (
        "What is in CR2 (`none` without a page fault)?", "ever(fault(14)) ? cr2 : -1", (),
    ),
    "entry": ("Which entry refuses it?", _REFUSES, ("the PDE", "the PTE", "none of them")),
    "esp": ("What is ESP then?", "esp", ()),
    "ring": ("What is CPL then?", "cpl", ()),
    "eip": ("Where does EIP point then?", "eip", ()),
}  # fmt: skip
USUAL: Final = tuple(_USUAL)


def usual(name: str) -> Question:
    """The usual question of this name, one of USUAL."""
    text, answer, choices = _USUAL[name]
    return Question(text, expressions.parse(answer), choices)


def meanings(reply: str, question: Question, scope: Scope) -> tuple[int, ...]:
    """What a reply can say, as numbers: of a choice, its number from 1 on. A Problem if it says nothing.

    Only decimal digits that are as many as an address has say two things: 8049000 is also 0x8049000 without its 0x.
    With so many, what is right in one way was not meant in the other.
    """
    text = " ".join(reply.split())
    if question.choices:
        return (_choice(text, question.choices),)
    if text.casefold() == "none":
        return (NONE,)
    match = _VALUE.fullmatch(text)
    name = match["name"] if match is not None else None
    if match is None or (name is not None and (is_name(name.partition(".")[0]) or name not in scope.symbols)):
        raise Problem(f"{text[:LONGEST]} is not a value", _what_is(text))
    value = expressions.parse(match["value"]).value(scope) & 0xFFFFFFFF
    return (value, int(match["value"], 16)) if _LIKE_AN_ADDRESS.fullmatch(match["value"]) else (value,)


def _what_is(text: str) -> str:
    """How a reply can be said that was none."""
    if (hint := as_hexadecimal(text)) is not None:
        return hint
    if (digits := _LEADING_ZERO.fullmatch(text)) is not None:
        return f"a decimal number has no 0 before it: {digits[1]}; hexadecimal begins with 0x, binary with 0b"
    if text.startswith("#"):
        return "that is a fault's name: say its number"
    return "say the value itself: 6, 0x1f, 0b110, a symbol, or none"


def _choice(text: str, choices: tuple[str, ...]) -> int:
    """The number of the choice that is meant: by its number, by its beginning, or by words that only it has."""
    if text.isdecimal() and 1 <= int(text[:9]) <= len(choices):
        return int(text)
    plain = [_plain(choice) for choice in choices]
    wanted = _plain(text)
    exact = [number for number, choice in enumerate(plain, 1) if choice == wanted]
    beginning = [number for number, choice in enumerate(plain, 1) if wanted and choice.startswith(wanted)]
    words = set(_WORD.findall(wanted))
    inside = [number for number, choice in enumerate(plain, 1) if words and words <= set(_WORD.findall(choice))]
    fitting = exact or beginning or inside
    if len(fitting) > 1:
        several = ", ".join(str(number) for number in fitting)
        raise Problem(f"{text[:LONGEST]} could be one of several choices", f"say its number: {several}")
    if not fitting:
        hint = closest(text.casefold(), map(str.casefold, choices))
        by_number = f"say a number from 1 to {len(choices)}, or words of one of them"
        raise Problem(f"{text[:LONGEST]} is none of the choices", hint or by_number)
    return fitting[0]


def _plain(choice: str) -> str:
    """A choice, or a reply that may name one, without what makes no difference: US is U/S."""
    return " ".join(choice.replace("`", "").replace("/", "").split()).casefold()


def told_again(meant: tuple[int, ...], question: Question) -> str:
    """A reply that was not right, by its `meanings`: `8049000 or 0x8049000`."""
    if len(meant) == 1:
        return described(meant[0], question)
    decimal, hexadecimal = meant
    return f"{decimal} or {hexadecimal:#x}"


def described(value: int, question: Question) -> str:
    """A reply, or what is right, as it is told: a small number in both ways, since it may have been said in either."""
    both = not question.choices and 9 < value < 0x1000
    return f"{value:#x} ({value})" if both else sayable(value, question)


def sayable(value: int, question: Question) -> str:
    """What is right, as it can be said."""
    if question.choices:
        return question.choices[value - 1] if 1 <= value <= len(question.choices) else str(value)
    if value == NONE:
        return "none"
    return f"{value:#x}" if value > 9 else str(value)


def is_right(said: int, right: int, question: Question) -> bool:
    """Whether what was said is right. Numbers are of 32 bits; none is no number."""
    if question.choices or NONE in (said, right):
        return said == right
    return (said ^ right) & 0xFFFFFFFF == 0
