"""The one expression language: of `p`, `set`, addresses, conditions of breakpoints, goals of lessons.

    eax $eax %eax           registers, whole or in parts; flags cf zf ...; $pc $sp
    0x1f 31 037 0b11111 'a' numbers
    page_fault              symbols; a register's name wins, `\\esi` is the symbol esi
    lecture::old_isr        the symbol of one of several modules
    $count                  a variable of the session; $_ and $ are the value that `p` gave last
    u8[a] u16[a] u32[a]     memory at a linear address, looked at without any effect; [a] is u32[a]
    phys[a]                 32 bits at a physical address
    *a &page_fault          as in C: u32[a], and a symbol's address, which is what its name alone means too
    *(char *)a {int}a       as in C and gdb: u8[a] and u32[a]
    pte(a).writable         a field of a structure; `p` shows a structure alone with all its fields
    &idt(14) &tss.esp0      where a structure lies, or a field that has bytes of its own: a linear address, of an entry
                            of page tables a physical one
    ever(fault(14))         whether an event has happened so far; count(..) is how often
    last(fault(14)).cr2     a field of the last one
    at(-5, eax)             a value at an earlier step, below 0 at so many steps ago
    - ~ ! * / % + - << >> < <= > >= == != & ^ | && || ?:
                            as in C, with C's precedence

An event may have conditions, which name its fields: count(fault(14, error & 4)); what else they name is as it is now,
$eip is always the register. A condition that asks for the last of what has not happened is false.

Values are whole numbers that do not overflow; `/` and `%` round towards zero as in C; comparisons give 0 or 1; `&&`,
`||` and `?:` do not look at what they do not need. Registers and memory are unsigned; what is stored is cut to their
width. A negative number equals (`==`) its 32-bit two's complement: `eax == -1` is true when EAX is 0xffffffff.

A `Problem` carries the column of what is wrong. Length, depth, the size of numbers, and how often the past is looked
into are bounded, so any expression is evaluated in a moment. Names are bound when it is parsed: to evaluate one again
and again, as a condition, is cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab.grammar import Parser, character, more_than_fits
from pagefault_lab.lab.nodes import BINARY, HISTORY, MEMORY, Binary, Found, Node
from pagefault_lab.lab.results import Examined, FieldValue, StructureValue, Value
from pagefault_lab.lab.scopes import Scope
from pagefault_lab.machine.effort import EFFORT, EVALUATED
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.symbols import Symbols

__all__ = [
    "Expression", "Scope", "character", "continuations", "is_name", "parse", "read", "read_assignment",
    "vocabulary",
]  # fmt: skip

LONGEST: Final = 2000  # characters


class Expression:
    """A parsed expression. `line` is the text that it was read from, `column` and `end` its place there."""

    __slots__ = ("column", "end", "line", "root")

    def __init__(self, line: str, column: int, end: int, root: Node) -> None:
        self.line = line
        self.column = column
        self.end = end
        self.root = root

    @property
    def text(self) -> str:
        return self.line[self.column : self.end].strip()

    def value(self, scope: Scope) -> int:
        """Its value now."""
        EFFORT.spend(EVALUATED + (self.end - self.column))
        try:
            return int(self.root.value(scope))
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None

    def holds(self, scope: Scope) -> bool:
        """Whether it is true as a condition: it is not if it asks about what does not exist or has not happened."""
        from pagefault_lab.lab.vocabulary import Absent

        EFFORT.spend(EVALUATED + (self.end - self.column))
        try:
            return bool(self.root.value(scope))
        except Absent:
            return False
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None

    def shown(self, scope: Scope, letter: str = "") -> Value | StructureValue | Examined:
        """What `p` shows: its value, or all the fields of a structure that it is; by the letter s the text there."""
        try:
            found = self.root.found(scope)
            if found is not None:
                return _all_fields(self.text, found, scope.symbols, letter)
            value = int(self.root.value(scope))
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None
        if letter == "s":
            from pagefault_lab.lab.examining import text_at

            return text_at(scope, value)
        symbol = scope.symbols.name(value) if letter == "a" and 0 <= value <= 0xFFFFFFFF else None
        return Value(self.text, value, letter, symbol or "")

    def assign(self, scope: Scope, value: int) -> None:
        """Store a value into what the expression names."""
        try:
            self.root.assign(scope, value)
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None

    def __repr__(self) -> str:
        return f"<Expression {self.text}>"


def _all_fields(text: str, found: Found, symbols: Symbols, letter: str) -> StructureValue:
    structure, owner = found
    fields = []
    problem: Problem | None = None
    for name, quantity in structure.fields.items():
        try:
            value = int(quantity.read(owner))
        except Problem as caught:
            problem = caught
            fields.append(FieldValue(name, None, caught.sentence, ""))
            continue
        fields.append(FieldValue(name, value, quantity.meaning, _symbol(name, value, symbols)))
    if problem is not None and all(field.value is None for field in fields):
        raise problem
    whole = int(structure.whole.read(owner)) if structure.whole is not None else None
    return StructureValue(text, structure.meaning, whole, tuple(fields), letter)


def _symbol(field: str, value: int, symbols: Symbols) -> str:
    """The name of the address that a field holds; of data only what stands exactly there."""
    near = symbols.nearest(value) if 0x1000 <= value <= 0xFFFFFFFF else None
    return str(near) if near is not None and (not near.offset or field in ("eip", "offset")) else ""


# --- parsing


def parse(text: str) -> Expression:
    """The whole text as an expression."""
    expression, end = read(text, 0)
    rest = text[end:].strip()
    if rest:
        column = end + len(text[end:]) - len(text[end:].lstrip())
        raise more_than_fits(rest).placed(text=text, column=column)
    return expression


def read(text: str, position: int) -> tuple[Expression, int]:
    """The expression that begins at `position`, and where it ends: at what cannot continue it."""
    if len(text) - position > LONGEST:
        raise Problem(f"an expression has at most {LONGEST} characters", text=text, column=position)
    parser = Parser(text, position)
    try:
        root = parser.expression(0, 0)
    except Problem as problem:
        raise problem.placed(text=text, column=parser.position) from None
    return Expression(text, position, parser.position, root), parser.position


_ASSIGNMENT = re.compile(r"[ \t]*(?:(<<|>>|[-+*/%&^|])?=)(?!=)")


def read_assignment(text: str, position: int) -> tuple[Expression, Expression, int]:
    """`target = source`, or `target += source` as C has it, whose source then is `target + source`; and the end."""
    target, end = read(text, position)
    sign = _ASSIGNMENT.match(text, end)
    if sign is None:
        place = end + len(text[end:]) - len(text[end:].lstrip())
        raise Problem("= and a value are missing", "set $eax = 5", text=text, column=place)
    source, end = read(text, sign.end())
    if sign[1]:
        source.root = Binary(BINARY[sign[1]], target.root, source.root, sign.start(1))
    return target, source, end


# --- names


def is_name(word: str) -> bool:
    """Whether the language gives this word a meaning of its own: a register, a structure. A symbol is none."""
    from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES

    return word in QUANTITIES or word in STRUCTURES


# --- completion


def vocabulary(scope: Any) -> Iterable[tuple[str, str]]:
    """(word, meaning) of the names that an expression can begin with, for completion."""
    from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES

    for name, quantity in QUANTITIES.items():
        yield name, quantity.meaning
        yield f"${name}", quantity.meaning
    for name in scope.variables:
        yield f"${name}", "variable"
    for name, structure in STRUCTURES.items():
        if structure.parameter:
            yield f"{name}(", structure.meaning
        elif name not in QUANTITIES:
            yield name, structure.meaning
    for name, function in HISTORY.items():
        yield f"{name}(", function.meaning
    for name in MEMORY:
        yield f"{name}[", "memory"
    for name, value in scope.symbols.items():
        yield name, f"{value:#010x}"


def continuations(text: str) -> tuple[str, Iterable[tuple[str, str]]] | None:
    """What can stand at the end of a text where no name of the vocabulary can: fields behind a dot, events.

    That is the beginning that is typed, and (word, meaning) of what it could become; None elsewhere.
    """
    from pagefault_lab.lab.patterns import PATTERNS
    from pagefault_lab.lab.vocabulary import STRUCTURES

    if event := re.search(r"\b(?:ever|count|last)\([ \t]*(\w*)\Z", text):
        return event[1], [(name, pattern.meaning) for name, pattern in PATTERNS.items()]
    field = re.search(r"\.(\w*)\Z", text)
    if field is None:
        return None
    owner = text[: field.start()]
    if owner.endswith(")"):
        opened = _opening(owner)
        function = re.search(r"\b(\w+)\Z", owner[:opened])
        name = function[1] if function else ""
        if name == "last":
            event = re.match(r"[ \t]*(\w+)", owner[opened + 1 :])
            pattern = PATTERNS.get(event[1]) if event else None
            structure = pattern.record if pattern else None
        else:
            structure = STRUCTURES.get(name)
    else:
        word = re.search(r"[\w.]+\Z", owner)
        structure = STRUCTURES.get(word[0]) if word else None
        if structure is not None and structure.parameter:
            return None
    if structure is None:
        return None
    return field[1], [(name, quantity.meaning) for name, quantity in structure.fields.items()]


def _opening(text: str) -> int:
    """The place of the parenthesis that the last character closes; -1 without one."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if not depth:
            return place
    return -1
