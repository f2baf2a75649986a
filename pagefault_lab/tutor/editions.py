"""What the two editions of a lesson have in common, and how one without answers still knows a right one.

A student edition (publishing.py makes it) carries the digest of what it shares with the instructor's: everything that
someone who takes the lesson meets, but no answer, no wrong answer, no comment, and not what `lesson update` keeps
fresh. So a repaired answer does not make what was handed in unfit to be graded.

An answer that depends on neither the machine nor the seed is sealed there: a salted digest that takes a while to
compute stands for it. Whoever tries all replies still finds it, as by replying; whoever reads the file does not. Any
other answer stays the expression that it is, as goals do: what it comes to, only the machine and the seed can tell.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from hashlib import blake2b, pbkdf2_hmac
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab.expressions import Expression
from pagefault_lab.tutor.lesson import Ask, Lesson, Lines, Predict, Prose, Question, Show, Task

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope

_SALT: Final = 16  # hexadecimal digits with which a sealed value begins
_ROUNDS: Final = 50_000  # some 20 ms for each reply
_OWN: Final[dict[type, frozenset[str]]] = {  # what is an edition's own
    Lesson: frozenset({"name", "edition", "digest", "source", "folder"}),
    Prose: frozenset({"line"}),
    Lines: frozenset({"first"}),
    Show: frozenset({"output", "place"}),
    Question: frozenset({"answer", "digest"}),
    Task: frozenset({"line", "answer", "wrong"}),
    Ask: frozenset({"line"}),
    Predict: frozenset({"line"}),
}
# In Markdown, what stands between fences, or between as many backquotes; so few that a search for the end is cheap.
CODE: Final = (
    r"^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)"
    r"|(?<!`)(?P<span>`{1,8}+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=span)(?!`)"
)
_CODE_OR_COMMENT: Final = re.compile(rf"{CODE}|(?P<comment><!--.*?-->)|<!--.*", re.DOTALL | re.MULTILINE)


# --- what is common


def digest_of(lesson: Lesson) -> str:
    """What names the content of a lesson, in either edition."""
    text = json.dumps(_common(lesson), sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def without_comments(prose: str) -> str:
    """Markdown without what stands between <!-- and -->, unless that is in code. It has as many lines as before."""
    return _CODE_OR_COMMENT.sub(
        lambda match: match[0] if match["comment"] is None else "\n" * match[0].count("\n"), prose
    )


def _common(value: Any) -> Any:
    """What editions share of a value of the model, as JSON has it."""
    match value:
        case Expression():
            return value.text
        case Prose(text):
            return [line for line in map(str.rstrip, text.splitlines()) if line]  # a comment leaves blank ones
        case dict():
            return [[key, _common(item)] for key, item in value.items()]  # variables are drawn in order
    names = [field.name for field in fields(value)] if is_dataclass(value) else getattr(value, "_fields", None)
    if names is not None:
        own = _OWN.get(type(value), frozenset())
        return [type(value).__name__, *([name, _common(getattr(value, name))] for name in names if name not in own)]
    if isinstance(value, tuple):
        return [_common(item) for item in value]
    return value


# --- sealed answers


class _Nothing:
    """A scope without a machine."""

    def __getattr__(self, name: str) -> Any:
        raise _Depends


class _Names(_Nothing):
    """The names that a scope knows, without its machine."""

    def __init__(self, scope: Scope) -> None:
        self.symbols = scope.symbols
        self.variables = scope.variables


class _Depends(Exception):
    """An expression has looked at what its scope does not have."""


def constant(expression: Expression) -> int | None:
    """What an expression gives on every machine for every seed; None if it depends on either."""
    return _value_in(_Nothing(), expression)


def known(expression: Expression, scope: Scope) -> int | None:
    """What an expression gives whatever the machine does, by the names of a scope; None if it depends on that."""
    return _value_in(_Names(scope), expression)


def _value_in(scope: _Nothing, expression: Expression) -> int | None:
    try:
        return expression.value(scope)
    except _Depends:
        return None


def sealed(value: int, salt: str) -> str:
    """The digest of a right answer: by it, a reply can be recognised. Each question has a `salt` of its own."""
    return _sealed(value, blake2b(salt.encode(), digest_size=_SALT // 2).hexdigest())


def opens(value: int, digest: str) -> bool:
    """Whether it was this value that was sealed. Numbers are of 32 bits, as replies are; -1 stands for none."""
    return _sealed(value, digest[:_SALT]) == digest


def _sealed(value: int, salt: str) -> str:
    number = value if value == -1 else value & 0xFFFFFFFF
    return salt + pbkdf2_hmac("sha256", str(number).encode(), salt.encode(), _ROUNDS, 16).hex()
