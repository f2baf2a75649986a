"""The front matter of a lesson: where it ends, what it is for, and the variants that it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pagefault_lab import __version__
from pagefault_lab.lab import expressions
from pagefault_lab.lab.nodes import Name
from pagefault_lab.problem import closest
from pagefault_lab.tutor.lesson import FORMAT, Computed, Draw, OneOf, Range

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.tutor.reading.file import File
    from pagefault_lab.tutor.reading.table import Table

FENCE: Final = "+++"  # around the front matter
_VARIABLE: Final = re.compile(r"(?<![\w.$])\$([A-Za-z_]\w*)")


def end_of_front_matter(file: File) -> int:
    """The index of the line that ends it."""
    lines = [line.rstrip() for line in file.lines]
    if lines[0] != FENCE:
        file.complain("a lesson begins with its front matter", f"{FENCE} in the first line", 1)
    elif FENCE not in lines[1:]:
        file.complain("the front matter never ends", f"{FENCE} in a line of its own", 1)
    file.check()
    return lines.index(FENCE, 1)


def check_format(head: Table) -> None:
    """Refuse a file of another format: what else would be wrong with it is not known here."""
    found = head.table.get("format")
    if type(found) is int and found != FORMAT:
        hint = f"pagefault-lab {__version__} reads format {FORMAT}"
        head.complain(("format",), f"this lesson is of format {found}", hint)
        head.file.check()


def check_edition(head: Table) -> None:
    """Refuse what was published for another version of the lab, which might grade it otherwise."""
    version = head.table.get("lab", __version__)
    if version != __version__:
        sentence = f"this edition is for pagefault-lab {version}, and this is {__version__}"
        head.complain(("lab",), sentence, f"pip install pagefault-lab=={version}")
        head.file.check()


def variants_of(head: Table) -> dict[str, Draw]:
    """What is drawn from the seed, in the order in which it stands there."""
    variants: dict[str, Draw] = {}
    for name, variant in head.table.get("variants", {}).items():
        keys = ("variants", name)
        if name == "said" or not _is_variable(name):
            head.complain(keys, f"a variant cannot be called {name}", "the word has a meaning of its own")
        match variant:
            case {"from": first, "to": last}:
                if last < first:
                    head.complain(keys, f"there is no number from {first} to {last}", f"from {last} to {first}?")
                variants[name] = Range(first, last)
            case {"one_of": values}:
                variants[name] = OneOf(tuple(values))
            case _:
                value = head.expressions[*keys, "value"]
                variants[name] = Computed(value)
                _check_computed(head, name, value, variants)
    return variants


def _check_computed(head: Table, name: str, value: Expression, before: dict[str, Draw]) -> None:
    """A computed variant can go by those that stand before it."""
    for match in _VARIABLE.finditer(value.line):
        other = match[1]
        if not _is_variable(other) or (other in before and other != name):
            continue
        later = other in head.table["variants"]
        hint = "it can only use variants that stand above it" if later else closest(other, before)
        head.complain(("variants", name, "value"), f"${other} is not known here", hint, match.start())


def _is_variable(name: str) -> bool:
    """Whether an expression means a variable by a $ and this name; it may mean a register."""
    return isinstance(expressions.parse(f"${name}").root, Name)
