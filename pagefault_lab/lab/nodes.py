"""The parts of an expression, as the grammar makes them: each knows its value, and how to be assigned to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab.scopes import Scope, Then
from pagefault_lab.machine.effort import EFFORT
from pagefault_lab.problem import Problem, as_hexadecimal, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.patterns import Pattern
    from pagefault_lab.lab.vocabulary import Quantity, Structure

WIDEST: Final = 128  # bits of a number
MOST_WORK: Final = 2_000_000  # events that a question looks at, times its length


class Found(NamedTuple):
    """A structure, and what its fields are read from."""

    structure: Structure
    owner: Any


class Node:
    """A part of an expression; `column` is where its problems are shown."""

    __slots__ = ()

    column: int

    def value(self, scope: Scope) -> int:
        raise NotImplementedError

    def found(self, scope: Scope) -> Found | None:
        """The structure that this is, if it is a whole one: what `p` shows with all its fields."""
        return None

    def assign(self, scope: Scope, value: int) -> None:
        raise Problem("this cannot be assigned to", "a register, memory or a field can", column=self.column)


@dataclass(slots=True, eq=False)
class Literal(Node):
    number: int
    column: int

    def value(self, scope: Scope) -> int:
        return self.number


UNARY: Final[dict[str, Callable[[int], int]]] = {
    "-": operator.neg, "~": operator.invert, "!": operator.not_, "+": operator.pos,
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Unary(Node):
    function: Callable[[int], int]
    operand: Node
    column: int

    def value(self, scope: Scope) -> int:
        return self.function(int(self.operand.value(scope)))  # a comparison is a bool, whose ~ is none of C


def _multiply(left: int, right: int) -> int:
    return _bounded(left * right)


def _divide(left: int, right: int) -> int:
    if not right:
        raise Problem("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - _divide(left, right) * right


def _shift_left(left: int, right: int) -> int:
    if not 0 <= right < WIDEST:
        raise Problem(f"{right} is no distance to shift by", f"0 to {WIDEST - 1}")
    return _bounded(left << right)


def _shift_right(left: int, right: int) -> int:
    if right < 0:
        raise Problem(f"{right} is no distance to shift by")
    return left >> min(right, WIDEST)


def _bounded(number: int) -> int:
    if number.bit_length() > WIDEST:
        raise Problem(f"this number has more than {WIDEST} bits")
    return number


def _equal(left: int, right: int) -> bool:
    return left == right or (abs(left - right) == 1 << 32 and -0x80000000 <= min(left, right) < 0)


BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    "*": _multiply,
    "/": _divide,
    "%": _remainder,
    "+": operator.add,
    "-": operator.sub,
    "<<": _shift_left,
    ">>": _shift_right,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "&": operator.and_,
    "^": operator.xor,
    "|": operator.or_,
}


@dataclass(slots=True, eq=False)
class Binary(Node):
    function: Callable[[int, int], int]
    left: Node
    right: Node
    column: int

    def value(self, scope: Scope) -> int:
        left, right = self.left.value(scope), self.right.value(scope)
        try:
            return self.function(left, right)
        except Problem as problem:
            raise problem.placed(column=self.column) from None


@dataclass(slots=True, eq=False)
class Logical(Node):
    """`&&` or `||`; `decisive` is the left side's truth that decides."""

    decisive: bool
    left: Node
    right: Node
    column: int

    def value(self, scope: Scope) -> int:
        if bool(self.left.value(scope)) is self.decisive:
            return self.decisive
        return bool(self.right.value(scope))


@dataclass(slots=True, eq=False)
class Conditional(Node):
    condition: Node
    then: Node
    otherwise: Node
    column: int

    def value(self, scope: Scope) -> int:
        chosen = self.then if self.condition.value(scope) else self.otherwise
        return chosen.value(scope)


@dataclass(slots=True, eq=False)
class Plain(Node):
    """A name that the vocabulary knows: `eax`."""

    mark: str
    name: str
    quantity: Quantity
    column: int

    def value(self, scope: Scope) -> int:
        try:
            return self.quantity.read(scope)
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def assign(self, scope: Scope, value: int) -> None:
        _write(self.quantity, self.name, scope, value, self.column)


def _write(quantity: Quantity, name: str, owner: Any, value: int, column: int) -> None:
    """Set a quantity, if it can be set."""
    if quantity.write is None:
        raise Problem(f"{name} cannot be set", quantity.instead or "it can only be read", column=column)
    try:
        quantity.write(owner, value)
    except Problem as problem:
        raise problem.placed(column=column) from None


@dataclass(slots=True, eq=False)
class Name(Node):
    """A symbol, or a variable of the session. `mark` is what was written before it: "", "$", "%" or "\\"."""

    mark: str
    name: str
    column: int

    def value(self, scope: Scope) -> int:
        if self.mark == "$" and self.name in scope.variables:
            return scope.variables[self.name]
        if self.mark in ("", "\\"):
            if self.name in scope.symbols:
                return scope.symbols[self.name]
            if "::" in self.name:
                return self.of_module(scope)
        raise self.unknown(scope)

    def of_module(self, scope: Scope) -> int:
        """`module::symbol`."""
        module, _, name = self.name.partition("::")
        loaded = scope.symbols.modules.get(module)
        if loaded is None:
            hint = ", ".join(scope.symbols.modules) or "none is loaded"
            raise Problem(f"no module {module} is loaded", hint, column=self.column)
        if name not in loaded.symbols:
            hint = closest(name, loaded.symbols) or "`lsmod`, `symbols`"
            raise Problem(f"{module} defines no {name}", hint, column=self.column + len(module) + 2)
        return loaded.symbols[name]

    def assign(self, scope: Scope, value: int) -> None:
        if self.mark == "$":
            scope.variables[self.name] = value
            return
        self.value(scope)  # says what it is if it is nothing
        hint = f"u32[{self.name}] is the memory there"
        raise Problem(f"{self.name} is an address and cannot be set", hint, column=self.column)

    def unknown(self, scope: Scope) -> Problem:
        """The problem of a name that means nothing."""
        from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES, usage

        name, column = self.name, self.column
        structure = STRUCTURES.get(name)
        if structure is not None and structure.parameter and not self.mark:
            return Problem(f"{name} wants to know of what", usage(name, structure), column=column)
        if name in HISTORY and not self.mark:
            return Problem(f"{name} wants to know of what", HISTORY[name].usage, column=column)
        if self.mark == "%":
            return Problem(f"there is no register {name}", closest(name, QUANTITIES), column=column)
        if self.mark == "$":
            similar = closest(name, [*QUANTITIES, *scope.variables])
            return Problem(f"${name} has no value yet", similar or f"set ${name} = ...", column=column)
        if name.lower() in QUANTITIES:
            return Problem(f"{name} is not defined", f"did you mean {name.lower()}?", column=column)
        similar = closest(name, [*QUANTITIES, *STRUCTURES, *HISTORY, *MEMORY, *scope.symbols])
        hint = similar or as_hexadecimal(name) or "`symbols` lists the names"
        return Problem(f"{name} is not defined", hint, column=column)


# name before the bracket: (size in bytes, whether the address is physical)
MEMORY: Final = {"u8": (1, False), "u16": (2, False), "u32": (4, False), "phys": (4, True)}


@dataclass(slots=True, eq=False)
class MemoryAt(Node):
    size: int
    physical: bool
    address: Node
    column: int

    def value(self, scope: Scope) -> int:
        from pagefault_lab.lab import peeking

        try:
            return peeking.read(scope.machine, self.address.value(scope) & 0xFFFFFFFF, self.size, self.physical)
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def assign(self, scope: Scope, value: int) -> None:
        from pagefault_lab.lab import peeking

        address = self.address.value(scope) & 0xFFFFFFFF
        data = (value & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")
        try:
            peeking.place(scope.machine, address, data, self.physical)
        except Problem as problem:
            raise problem.placed(column=self.column) from None


@dataclass(slots=True, eq=False)
class Whole(Node):
    """A structure: `tss`, `pte(argument)`."""

    name: str
    structure: Structure
    argument: Node | None
    column: int

    def owner(self, scope: Scope) -> Any:
        """What its fields are read from."""
        try:
            if self.argument is None:
                return self.structure.find(scope)
            return self.structure.find(scope, self.argument.value(scope))
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def found(self, scope: Scope) -> Found:
        return Found(self.structure, self.owner(scope))

    def value(self, scope: Scope) -> int:
        return self.number().read(self.owner(scope))

    def assign(self, scope: Scope, value: int) -> None:
        _write(self.number(), self.name, self.owner(scope), value, self.column)

    def number(self) -> Quantity:
        """What it is as a number."""
        if self.structure.whole is None:
            names = list(self.structure.fields)
            hint = "; ".join([f"one is {self.name}.{names[0]}", f"`p {self.name}` shows all"])
            raise Problem(f"{self.name} has several values", hint, column=self.column)
        return self.structure.whole


@dataclass(slots=True, eq=False)
class Field(Node):
    """A field of a structure: `tss.esp0`, `pte(argument).writable`."""

    of: Whole
    name: str
    quantity: Quantity
    column: int

    def value(self, scope: Scope) -> int:
        try:
            return self.quantity.read(self.of.owner(scope))
        except Problem as problem:
            raise problem.placed(column=self.of.column) from None

    def place(self, scope: Scope) -> tuple[int, int]:
        """The linear address and the size of the bytes that it is all of."""
        assert self.quantity.place is not None
        try:
            return self.quantity.place(self.of.owner(scope))
        except Problem as problem:
            raise problem.placed(column=self.of.column) from None

    def assign(self, scope: Scope, value: int) -> None:
        _write(self.quantity, f"{self.of.name}.{self.name}", self.of.owner(scope), value, self.column)


@dataclass(slots=True, eq=False)
class AddressOf(Node):
    """`&` of a structure in memory, or of a field of one: its linear address, of an entry of page tables its physical
    one."""

    of: Whole | Field
    column: int

    def value(self, scope: Scope) -> int:
        if isinstance(self.of, Field):
            return self.of.place(scope)[0]
        place = self.of.structure.place
        assert place is not None
        try:
            return place.read(self.of.owner(scope))
        except Problem as problem:
            raise problem.placed(column=self.of.column) from None


# --- the past


@dataclass(slots=True, eq=False)
class EventField(Node):
    """What a pattern's condition knows of each event: `error` in `fault(14, error & 4)`."""

    quantity: Quantity
    column: int

    def value(self, scope: Scope) -> int:
        assert isinstance(scope, Then)  # the parser makes it inside of patterns only
        return self.quantity.read(scope.event)


class Events:
    """A pattern as it was written: the kind of event, what its arguments must be, what must hold of each."""

    def __init__(self, name: str, pattern: Pattern, column: int) -> None:
        self.name = name
        self.pattern = pattern
        self.column = column
        self.arguments: list[Node] = []
        self.conditions: list[Node] = []
        self.text = name

    def happened(self, scope: Scope) -> Iterator[Any]:
        """The events that fit it, newest first."""
        arguments = [argument.value(scope) for argument in self.arguments]
        then = Then.of(scope, scope.machine)
        try:
            for event in self.pattern.search(scope, arguments, MOST_WORK // len(self.text)):
                EFFORT.spend(len(self.text))
                then.event = event
                if all(condition.value(then) for condition in self.conditions):
                    yield event
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def count(self, scope: Scope) -> int:
        """How often it has happened."""
        if self.pattern.how_many is not None and not self.arguments and not self.conditions:
            return self.pattern.how_many(scope)
        return sum(1 for _ in self.happened(scope))


@dataclass(slots=True, eq=False)
class Ever(Node):
    """`ever(events)` and `count(events)`."""

    events: Events
    only_whether: bool
    column: int

    def value(self, scope: Scope) -> int:
        if self.only_whether:
            return next(self.events.happened(scope), None) is not None
        return self.events.count(scope)


class Last(Whole):
    """`last(events)`: the newest one. As a number it is its step."""

    __slots__ = ("events",)

    def __init__(self, events: Events, column: int) -> None:
        super().__init__("last(..)", events.pattern.record, None, column)
        self.events = events

    def owner(self, scope: Scope) -> Any:
        from pagefault_lab.lab.vocabulary import Absent

        event = next(self.events.happened(scope), None)
        if event is None:
            hint = f"ever({self.events.text}) is 0"
            raise Absent(f"no {self.events.text} has happened so far", hint, column=self.events.column)
        return event


@dataclass(slots=True, eq=False)
class At(Node):
    """`at(step, expression)`: its value when the machine had made so many steps, or, below 0, so many ago."""

    step: Node
    asked: Node
    column: int

    def then(self, scope: Scope) -> Scope:
        """The machine as it was."""
        now = scope.machine.steps
        step = self.step.value(scope)
        step = now + step if step < 0 else step
        if step == now:
            return scope
        first = scope.history.first_step
        if not first <= step < now:
            hint = f"the history begins at step {first}, and {now} were made"
            raise Problem(f"step {step} is not in the past", hint, column=self.step.column)
        return Then.of(scope, scope.history.machine_at(step))

    def value(self, scope: Scope) -> int:
        return self.asked.value(self.then(scope))

    def found(self, scope: Scope) -> Found | None:
        return self.asked.found(self.then(scope))


class HistoryFunction(NamedTuple):
    """A question about the past, for people."""

    usage: str
    meaning: str


HISTORY: Final = {
    "ever": HistoryFunction("ever(EVENT)", "1 if it has happened"),
    "count": HistoryFunction("count(EVENT)", "how often"),
    "last": HistoryFunction("last(EVENT)", "the last one: its fields, or alone its step"),
    "at": HistoryFunction("at(STEP, EXPRESSION)", "a value at an earlier step; below 0: so many steps ago"),
}
