"""`help expressions`: the whole language, told from the tables that give it its meaning."""

from __future__ import annotations

from inspect import getdoc
from typing import NamedTuple

from pagefault_lab.lab import expressions
from pagefault_lab.lab.nodes import HISTORY
from pagefault_lab.lab.patterns import PATTERNS
from pagefault_lab.lab.vocabulary import QUANTITIES, overview


class HelpEntry(NamedTuple):
    """How something is written, what it means, and the fields that it has."""

    written: str
    meaning: str
    fields: tuple[str, ...] = ()


class HelpSection(NamedTuple):
    """Entries of one kind."""

    title: str
    entries: tuple[HelpEntry, ...]


class ExpressionHelp(NamedTuple):
    """How expressions are written, and every name that they know."""

    text: str
    sections: tuple[HelpSection, ...]


def expression_help() -> ExpressionHelp:
    """All of the language: its notation is the module's docstring, up to what is only of use to whoever changes it."""
    text, _, _ = (getdoc(expressions) or "").partition("\n\nA `Problem`")
    structures = [HelpEntry(", ".join(names), meaning, fields) for names, meaning, fields in overview()]
    past = [HelpEntry(usage, meaning) for usage, meaning in HISTORY.values()]
    events = [
        HelpEntry(pattern.usage(name), pattern.meaning, tuple(pattern.record.fields))
        for name, pattern in PATTERNS.items()
    ]
    kinds = {"registers and flags": _quantities(), "structures": structures, "the past": past, "events": events}
    return ExpressionHelp(text, tuple(HelpSection(title, tuple(entries)) for title, entries in kinds.items()))


def _quantities() -> list[HelpEntry]:
    """Names of the same kind in one entry."""
    names: dict[str, list[str]] = {}
    for name, quantity in QUANTITIES.items():
        name = "$_" if name == "_" else name
        names.setdefault(quantity.meaning.partition(" of ")[0], []).append(name)
    return [HelpEntry(" ".join(named), meaning) for meaning, named in names.items()]
