"""Small notations of commands: how to show memory, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.machine.events import Kind

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression


@dataclass(frozen=True, slots=True)
class Format:
    """gdb's format: how many, a letter for how to show (x d u o t c a s i), a letter for the size (b h w g)."""

    count: int | None = None
    letter: str | None = None
    unit: str | None = None


class Length(NamedTuple):
    """How far: `+BYTES`, or up to an address."""

    number: int
    relative: bool


class Rights(NamedTuple):
    """Rights of a page, as letters of walks; None where they say nothing."""

    writable: bool | None
    user: bool | None


class Setting(NamedTuple):
    """NAME=VALUE, a number or a text."""

    name: str
    value: int | bytes


class AccessTo(NamedTuple):
    """A way to access memory, and a linear address."""

    kind: Kind
    linear: int


class Circumstances(NamedTuple):
    """Under which privilege something is asked, and with which CR0.WP; None as it is."""

    cpl: int | None = None
    write_protect: bool | None = None


class Watched(NamedTuple):
    """What is to be watched: an expression, how many bytes at its value, whether that is a physical address, and
    whether the place is meant that it names now."""

    expression: Expression
    size: int | None
    physical: bool
    here: bool


NOTHING_SAID = Rights(None, None)
AS_IT_IS = Circumstances()
