"""What the terms of the vocabulary are: numbers, and structures that have numbers as fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pagefault_lab.problem import Problem, closest

Reader = Callable[[Any], int]

Writer = Callable[[Any, int], None]


class Absent(Problem):
    """What is asked about does not exist, or has not happened: a condition about it is false."""


class Quantity(NamedTuple):
    """One number: how to read it of what it belongs to, and how to set it. A plain name belongs to the Scope.

    Without `write` it cannot be set; `instead` then says what can be done. One that is `slow` lets the machine execute
    its past again: an expression can have a few of them. `place` is where it lies, if it is all of some bytes of its
    own: a linear address, and how many.
    """

    meaning: str
    read: Reader
    write: Writer | None = None
    instead: str | None = None
    slow: bool = False
    place: Callable[[Any], tuple[int, int]] | None = None


class Structure(NamedTuple):
    """Something with fields. `find` gives what they belong to, from the Scope and the argument if it has a parameter.

    `whole` is what it is as a number, if it is one. `letters` are the manual's short names of fields.
    """

    meaning: str
    fields: Mapping[str, Quantity]
    find: Callable[..., Any] = lambda scope: scope
    parameter: str = ""
    whole: Quantity | None = None
    place: Quantity | None = None  # its address: what & gives
    letters: Mapping[str, str] = {}
    slow: bool = False

    def field(self, name: str) -> Quantity | None:
        """The field of a name, however it is spelled; None if there is none."""
        lower = name.lower()
        return self.fields.get(self.letters.get(lower, lower))


def unknown_field(owner: str, name: str, fields: Mapping[str, Quantity]) -> Problem:
    """The problem of a field that there is not."""
    every = ", ".join(fields)
    similar = closest(name, fields)
    return Problem(f"{owner} has no {name}", f"{similar} It has {every}" if similar else f"it has {every}")


def usage(name: str, structure: Structure) -> str:
    """As it is written: `pte(address)`, `tss`."""
    return f"{name}({structure.parameter})" if structure.parameter else name


def check_width(value: int, width: int) -> None:
    if not -(1 << width - 1) <= value < 1 << width:
        bits = f"0 to {(1 << width) - 1}" if width < 8 else f"it has {width} bits"
        raise Problem(f"{value:#x} does not fit", bits)
