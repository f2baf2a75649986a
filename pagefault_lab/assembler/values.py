"""The value of an expression in the end: a number, an address in a section, or an undefined symbol plus a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pagefault_lab.assembler.expressions import (
    Expression,
    Operation,
    Reference,
    calculate,
    wrap,
)
from pagefault_lab.assembler.fragments import Fragment, Section
from pagefault_lab.assembler.symbols import SymbolEntry, shown_name
from pagefault_lab.problem import Problem

Base: TypeAlias = Section | Fragment | SymbolEntry
_LONGEST_CHAIN: Final = 60  # of symbols defined by symbols
_DEEPEST: Final = 250  # of operations and symbols within each other
_COMPARISONS: Final = ("==", "<>", "!=", "<", ">", "<=", ">=")


@dataclass(frozen=True, slots=True)
class Value:
    """`constant` plus each base times its factor: beginnings of sections or fragments, undefined symbols."""

    constant: int
    terms: dict[Base, int] = field(default_factory=dict)

    @property
    def base(self) -> Base | None:
        """The one base, if there is exactly one and it counts once."""
        if len(self.terms) == 1:
            base, factor = next(iter(self.terms.items()))
            return base if factor == 1 else None
        return None


def label_in_fragment(entry: SymbolEntry) -> tuple[Base, int]:
    """The place of a label while sizes are not known."""
    assert entry.fragment is not None
    return entry.fragment, entry.offset


def label_in_section(entry: SymbolEntry) -> tuple[Base, int]:
    """The place of a label when the fragments of its section have addresses."""
    assert entry.fragment is not None
    return entry.fragment.section, entry.fragment.address + entry.offset


class Resolver:
    """Evaluates expressions; `place` tells where a label is. What it has found of a symbol, it remembers."""

    def __init__(self, place: Callable[[SymbolEntry], tuple[Base, int]]) -> None:
        self._place = place
        self._found: dict[SymbolEntry, Value] = {}
        self._chain: list[SymbolEntry] = []
        self._depth = 0

    def value(self, expression: Expression) -> Value:
        """The value; raises `Problem` for what no program file could express."""
        if type(expression) is int:
            return Value(expression)
        if type(expression) is Reference:
            value = self.symbol(expression.symbol)
            return Value(wrap(value.constant + expression.addend), value.terms) if expression.addend else value
        assert type(expression) is Operation
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Problem("this expression is too long with the symbols that it stands for")
        try:
            return self._operation(expression)
        finally:
            self._depth -= 1

    def _operation(self, expression: Operation) -> Value:
        left = self.value(expression.left)
        if expression.right is None:
            if not left.terms:
                return Value(calculate(expression.operator, left.constant))
            if expression.operator == "-":
                return Value(wrap(-left.constant), {base: -factor for base, factor in left.terms.items()})
            raise _not_of_addresses(expression.operator)
        right = self.value(expression.right)
        if not left.terms and not right.terms:
            return Value(calculate(expression.operator, left.constant, right.constant))
        if expression.operator in "+-":
            sign = 1 if expression.operator == "+" else -1
            terms = dict(left.terms)
            for base, factor in right.terms.items():
                terms[base] = terms.get(base, 0) + sign * factor
                if not terms[base]:
                    del terms[base]
            return Value(calculate(expression.operator, left.constant, right.constant), terms)
        if expression.operator in _COMPARISONS and left.terms == right.terms:
            return Value(calculate(expression.operator, left.constant, right.constant))
        raise _not_of_addresses(expression.operator)

    def symbol(self, entry: SymbolEntry) -> Value:
        found = self._found.get(entry)
        if found is not None:
            return found
        if entry.fragment is not None:
            base, offset = self._place(entry)
            found = Value(offset, {base: 1})
        elif entry.value is None:
            found = Value(0, {entry: 1})
        else:
            if entry in self._chain:
                names = " -> ".join(shown_name(each.name) for each in [*self._chain[-3:], entry])
                raise Problem(f"{shown_name(entry.name)} is defined by itself", names)
            if len(self._chain) >= _LONGEST_CHAIN:
                raise Problem("too many symbols are defined by each other", f"more than {_LONGEST_CHAIN} in a row")
            self._chain.append(entry)
            try:
                found = self.value(entry.value)
            finally:
                self._chain.pop()
        self._found[entry] = found
        return found


def known_now(expression: Expression) -> int | None:
    """The number that the expression is already known to be, or None."""
    if type(expression) is int:
        return expression
    value = Resolver(label_in_fragment).value(expression)
    return None if value.terms else value.constant


def _not_of_addresses(operator: str) -> Problem:
    return Problem(
        f"{operator} cannot be applied to an address or an undefined symbol",
        "addresses can be added to numbers and subtracted from each other",
    )
