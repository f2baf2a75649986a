"""The one expression language: of `p`, `set`, addresses, conditions of breakpoints, goals of lessons.

    eax $eax %eax           registers, whole or in parts; flags cf zf ...; $pc $sp
    0x1f 31 037 0b11111 'a' numbers
    page_fault              symbols; a register's name wins, `\\esi` is the symbol esi
    $count                  a variable of the session
    u8[a] u16[a] u32[a]     memory at a linear address, looked at without any effect; [a] is u32[a]
    phys[a]                 32 bits at a physical address
    *a &page_fault          as in C: u32[a], and a symbol's address, which is what its name alone means too
    pte(a).writable         structures (vocabulary.py lists them)
    - ~ ! * / % + - << >> < <= > >= == != & ^ | && || ?:      as in C, with C's precedence

Values are whole numbers that do not overflow; `/` and `%` round towards zero as in C; comparisons give 0 or 1; `&&`,
`||` and `?:` do not look at what they do not need. Registers and memory are unsigned; what is stored is cut to their
width. A negative number equals (`==`) its 32-bit two's complement: `eax == -1` is true when EAX is 0xffffffff.

A `Problem` carries the column of what is wrong. Length, depth and the size of numbers are bounded, so any expression is
evaluated in a moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.symbols import Symbols
    from pagefault_lab.machine.machine import Machine

LONGEST: Final = 2000  # characters
DEEPEST: Final = 60
WIDEST: Final = 128  # bits of a number


class Context(Protocol):
    """What an expression is evaluated in. A Session is one."""

    machine: Machine
    symbols: Symbols
    variables: dict[str, int]


class Node:
    """A part of an expression; `column` is where its problems are shown."""

    __slots__ = ("column",)

    def __init__(self, column: int) -> None:
        self.column = column

    def value(self, context: Context) -> int:
        raise NotImplementedError

    def assign(self, context: Context, value: int) -> None:
        raise Problem("this cannot be assigned to", "a register, memory or a field can", column=self.column)


class Literal(Node):
    __slots__ = ("number",)

    def __init__(self, number: int, column: int) -> None:
        self.column = column
        self.number = number

    def value(self, context: Context) -> int:
        return self.number


class Unary(Node):
    __slots__ = ("operand", "operator")

    def __init__(self, operator: str, operand: Node, column: int) -> None:
        self.column = column
        self.operator = operator
        self.operand = operand

    def value(self, context: Context) -> int:
        number = self.operand.value(context)
        if self.operator == "-":
            return -number
        if self.operator == "~":
            return ~number
        return number if self.operator == "+" else int(not number)


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
    return left << right


def _shift_right(left: int, right: int) -> int:
    if right < 0:
        raise Problem(f"{right} is no distance to shift by")
    return left >> min(right, WIDEST)


def _equal(left: int, right: int) -> bool:
    if (left < 0) != (right < 0) and -0x80000000 <= left <= 0xFFFFFFFF and -0x80000000 <= right <= 0xFFFFFFFF:
        return not (left ^ right) & 0xFFFFFFFF
    return left == right


# operator: (rank, function); a higher rank binds tighter
BINARY: Final[dict[str, tuple[int, Callable[[int, int], int]]]] = {
    "*": (11, lambda left, right: left * right),
    "/": (11, _divide),
    "%": (11, _remainder),
    "+": (10, lambda left, right: left + right),
    "-": (10, lambda left, right: left - right),
    "<<": (9, _shift_left),
    ">>": (9, _shift_right),
    "<": (8, lambda left, right: left < right),
    "<=": (8, lambda left, right: left <= right),
    ">": (8, lambda left, right: left > right),
    ">=": (8, lambda left, right: left >= right),
    "==": (7, _equal),
    "!=": (7, lambda left, right: not _equal(left, right)),
    "&": (6, lambda left, right: left & right),
    "^": (5, lambda left, right: left ^ right),
    "|": (4, lambda left, right: left | right),
    "&&": (3, lambda left, right: bool(left and right)),
    "||": (2, lambda left, right: bool(left or right)),
}
_CONDITIONAL: Final = 1


class Binary(Node):
    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: Node, right: Node, column: int) -> None:
        self.column = column
        self.operator = operator
        self.left = left
        self.right = right

    def value(self, context: Context) -> int:
        left = self.left.value(context)
        if self.operator == "&&" and not left:
            return 0
        if self.operator == "||" and left:
            return 1
        try:
            number = int(BINARY[self.operator][1](left, self.right.value(context)))
        except Problem as problem:
            raise problem.placed(column=self.column) from None
        if number.bit_length() > WIDEST:
            raise Problem(f"this number has more than {WIDEST} bits", column=self.column)
        return number


class Conditional(Node):
    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Node, then: Node, otherwise: Node, column: int) -> None:
        self.column = column
        self.condition = condition
        self.then = then
        self.otherwise = otherwise

    def value(self, context: Context) -> int:
        chosen = self.then if self.condition.value(context) else self.otherwise
        return chosen.value(context)


class Name(Node):
    """A name without arguments or field. `mark` is what was written before it: "", "$", "%" or "\\"."""

    __slots__ = ("mark", "name")

    def __init__(self, mark: str, name: str, column: int) -> None:
        self.column = column
        self.mark = mark
        self.name = name

    def value(self, context: Context) -> int:
        from pagefault_lab.lab.vocabulary import QUANTITIES

        if self.mark != "\\" and self.name in QUANTITIES:
            return QUANTITIES[self.name].read(context)
        if self.mark == "$" and self.name in context.variables:
            return context.variables[self.name]
        if self.mark in ("", "\\") and self.name in context.symbols:
            return context.symbols[self.name]
        raise self.unknown(context)

    def assign(self, context: Context, value: int) -> None:
        from pagefault_lab.lab.vocabulary import QUANTITIES

        if self.mark != "\\" and self.name in QUANTITIES:
            write = QUANTITIES[self.name].write
            if write is None:
                raise Problem(f"{self.name} cannot be set", column=self.column)
            write(context, value)
        elif self.mark == "$":
            context.variables[self.name] = value
        elif self.name in context.symbols:
            hint = f"u32[{self.name}] is the memory there"
            raise Problem(f"{self.name} is an address and cannot be set", hint, column=self.column)
        else:
            raise self.unknown(context)

    def unknown(self, context: Context) -> Problem:
        """The problem of a name that means nothing."""
        from pagefault_lab.lab.vocabulary import FUNCTIONS, QUANTITIES, RECORDS

        if self.name in RECORDS:
            fields = ", ".join(f"{self.name}.{field}" for field in RECORDS[self.name])
            return Problem(f"{self.name} has several values", fields, column=self.column)
        if self.name in FUNCTIONS:
            hint = f"{self.name}({FUNCTIONS[self.name].parameter})"
            return Problem(f"{self.name} wants to know of what", hint, column=self.column)
        if self.mark == "%":
            return Problem(f"there is no register {self.name}", closest(self.name, QUANTITIES), column=self.column)
        if self.mark == "$":
            similar = closest(self.name, [*QUANTITIES, *context.variables])
            return Problem(f"${self.name} has no value yet", similar or f"set ${self.name} = ...", column=self.column)
        if self.name.lower() in QUANTITIES:
            return Problem(f"{self.name} is not defined", f"did you mean {self.name.lower()}?", column=self.column)
        similar = closest(self.name, [*QUANTITIES, *RECORDS, *FUNCTIONS, *MEMORY, *context.symbols])
        return Problem(f"{self.name} is not defined", similar or "`symbols` lists the names", column=self.column)


# name before the bracket: (size in bytes, whether the address is physical)
MEMORY: Final = {"u8": (1, False), "u16": (2, False), "u32": (4, False), "phys": (4, True)}


class MemoryAt(Node):
    __slots__ = ("address", "physical", "size")

    def __init__(self, name: str, address: Node, column: int) -> None:
        self.column = column
        self.size, self.physical = MEMORY[name]
        self.address = address

    def value(self, context: Context) -> int:
        from pagefault_lab.lab import peeking

        try:
            return peeking.read(context.machine, self.address.value(context) & 0xFFFFFFFF, self.size, self.physical)
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def assign(self, context: Context, value: int) -> None:
        from pagefault_lab.lab import peeking

        address = self.address.value(context) & 0xFFFFFFFF
        data = (value & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")
        try:
            peeking.place(context.machine, address, data, self.physical)
        except Problem as problem:
            raise problem.placed(column=self.column) from None


class Field(Node):
    """`record.field`, `function(argument)` or `function(argument).field`."""

    __slots__ = ("argument", "field", "field_column", "name")

    def __init__(self, name: str, argument: Node | None, field: str, column: int, field_column: int) -> None:
        self.column = column
        self.name = name
        self.argument = argument
        self.field = field
        self.field_column = field_column

    def value(self, context: Context) -> int:
        from pagefault_lab.lab.vocabulary import FUNCTIONS, RECORDS

        try:
            if self.argument is None:
                return RECORDS[self.name][self.field].read(context)
            return FUNCTIONS[self.name].read(context, self.argument.value(context), self.field)
        except Problem as problem:
            raise problem.placed(column=self.column) from None

    def assign(self, context: Context, value: int) -> None:
        from pagefault_lab.lab.vocabulary import FUNCTIONS, RECORDS

        try:
            if self.argument is not None:
                FUNCTIONS[self.name].write(context, self.argument.value(context), self.field, value)
                return
            write = RECORDS[self.name][self.field].write
            if write is None:
                raise Problem(f"{self.name}.{self.field} cannot be set", column=self.field_column)
            write(context, value)
        except Problem as problem:
            raise problem.placed(column=self.column) from None


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

    def value(self, context: Context) -> int:
        """Its value now."""
        try:
            return self.root.value(context)
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None

    def assign(self, context: Context, value: int) -> None:
        """Store a value into what the expression names."""
        try:
            self.root.assign(context, value)
        except Problem as problem:
            raise problem.placed(text=self.line, column=self.column) from None

    def __repr__(self) -> str:
        return f"<Expression {self.text}>"


def parse(text: str) -> Expression:
    """The whole text as an expression."""
    expression, end = read(text, 0)
    rest = text[end:].strip()
    if rest:
        column = end + len(text[end:]) - len(text[end:].lstrip())
        raise _unexpected(rest).placed(text=text, column=column)
    return expression


def read(text: str, position: int) -> tuple[Expression, int]:
    """The expression that begins at `position`, and where it ends: at what cannot continue it."""
    if len(text) - position > LONGEST:
        raise Problem(f"an expression has at most {LONGEST} characters", text=text, column=position)
    parser = _Parser(text, position)
    try:
        root = parser.expression(0, 0)
    except Problem as problem:
        raise problem.placed(text=text, column=parser.position) from None
    return Expression(text, position, parser.position, root), parser.position


_TOKEN = re.compile(
    r"""[ \t]*(?:
      (?P<number>0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+)(?![\w.])
    | (?P<bad>[0-9][\w.]*)
    | '(?P<character>\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)|[^'\\])'
    | (?P<name>(?P<mark>[$%\\]?)(?P<word>[A-Za-z_.\x80-\U0010FFFF][\w.$]*))
    | (?P<open>[(\[])
    | (?P<unary>[-+~!*&])
    )""",
    re.VERBOSE,
)
_OPERATOR = re.compile(r"[ \t]*(<<|>>|<=|>=|==|!=|&&|\|\||\?|[-+*/%<>&^|])(?!=)")
_ESCAPES: Final = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34}


class _Parser:
    """Precedence climbing over the text."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position

    def expression(self, floor: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise Problem("this expression is nested too deeply", column=self.position)
        left = self.operand(depth)
        links = 0
        while True:
            match = _OPERATOR.match(self.text, self.position)
            if match is None:
                return left
            operator = match[1]
            column = match.start(1)
            links += 1
            if links > 4 * DEEPEST:
                raise Problem("this expression is too long", column=column)
            if operator == "?":
                if floor >= _CONDITIONAL:
                    return left
                self.position = match.end()
                then = self.expression(0, depth + 1)
                self.expect(":", "between the two values of ?:")
                left = Conditional(left, then, self.expression(0, depth + 1), column)
                continue
            rank = BINARY[operator][0]
            if rank <= floor:
                return left
            self.position = match.end()
            left = Binary(operator, left, self.expression(rank, depth + 1), column)

    def operand(self, depth: int) -> Node:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise self.nothing()
        column = match.start(match.lastgroup or 0)
        if match["bad"]:
            raise Problem(f"{match['bad']} is not a number", "write 123, 0x7b, 0173 or 0b1111011", column=column)
        self.position = match.end()
        if match["number"]:
            return Literal(_number(match["number"], column), column)
        if match["character"]:
            return Literal(character(match["character"]), column)
        if match["unary"]:
            if depth > DEEPEST:
                raise Problem("this expression is nested too deeply", column=column)
            operand = self.operand(depth + 1)
            if match["unary"] == "*":
                return MemoryAt("u32", operand, column)
            if match["unary"] == "&":
                return _address_of(operand, column)
            return Unary(match["unary"], operand, column)
        if match["open"] == "(":
            inner = self.expression(0, depth + 1)
            self.expect(")", "to close this parenthesis", column)
            return inner
        if match["open"] == "[":
            return self.memory("u32", match.start("open"), depth)
        return self.named(match, depth)

    def memory(self, name: str, column: int, depth: int) -> Node:
        """Behind the opening bracket."""
        opened = self.position - 1
        address = self.expression(0, depth + 1)
        self.expect("]", "to close this bracket", opened)
        return MemoryAt(name, address, column)

    def named(self, match: re.Match[str], depth: int) -> Node:
        from pagefault_lab.lab.vocabulary import FUNCTIONS, RECORDS

        mark, word = match["mark"], match["word"]
        column = match.start("name")
        follows = self.text[self.position : self.position + 1]
        if follows == "[" and not mark:
            if word not in MEMORY:
                hint = closest(word, MEMORY) or "u8[..], u16[..], u32[..] or phys[..]"
                raise Problem(f"{word}[..] is not a kind of memory", hint, column=column)
            self.position += 1
            return self.memory(word, column, depth)
        if follows == "(" and not mark:
            if word not in FUNCTIONS:
                hint = closest(word, FUNCTIONS) or ", ".join(f"{name}(..)" for name in FUNCTIONS)
                raise Problem(f"there is no {word}(..)", hint, column=column)
            opened = self.position
            self.position += 1
            argument = self.expression(0, depth + 1)
            self.expect(")", "to close this parenthesis", opened)
            field = re.compile(r"\.([A-Za-z_]\w*)").match(self.text, self.position)
            if field is None:
                return Field(word, argument, "", column, column)
            self.position = field.end()
            self.check(word, field[1], FUNCTIONS[word].fields, field.start(1))
            return Field(word, argument, field[1], column, field.start(1))
        record, dot, field_name = word.partition(".")
        if dot and mark in ("", "$") and record in RECORDS:
            field_column = match.end() - len(field_name)
            self.check(record, field_name, RECORDS[record], field_column)
            return Field(record, None, field_name, column, field_column)
        return Name(mark, word, column)

    def check(self, record: str, field: str, fields: Iterable[str], column: int) -> None:
        fields = list(fields)
        if field not in fields:
            raise Problem(
                f"{record} has no {field}", closest(field, fields) or "it has " + ", ".join(fields), column=column
            )

    def expect(self, character: str, why: str, column: int | None = None) -> None:
        place = self.skip()
        if self.text[place : place + 1] == character:
            self.position = place + 1
            return
        rest = self.text[place:].strip()
        if rest and column is not None and rest[0] not in ")],:":
            raise _unexpected(rest).placed(column=place)
        raise Problem(f"a {character} is missing {why}", column=place if column is None else column)

    def skip(self) -> int:
        position = self.position
        while self.text[position : position + 1] in (" ", "\t"):
            position += 1
        return position

    def nothing(self) -> Problem:
        column = self.skip()
        rest = self.text[column:].strip()
        if not rest:
            return Problem("a value is missing here", "a number, a register, a symbol or ( ...", column=column)
        if rest[0] == "'":
            return Problem("this is not a character", "'a' or '\\n'", column=column)
        return Problem(
            f"no value can begin with {rest[0]}", "a number, a register, a symbol or ( was expected", column=column
        )


def _address_of(operand: Node, column: int) -> Node:
    """What `&` gives: the address of a symbol, or of memory."""
    if isinstance(operand, MemoryAt):
        return operand.address
    if isinstance(operand, Name) and operand.mark in ("", "\\"):
        return Name("\\", operand.name, operand.column)
    raise Problem("only a symbol or memory has an address", "&page_fault", column=column)


def _unexpected(rest: str) -> Problem:
    word = rest.split()[0]
    if rest[0] == "=":
        return Problem("= assigns, and that is for `set`", "== compares")
    return Problem(f"{word} is more than can stand here", "an operator was expected")


def _number(digits: str, column: int) -> int:
    if len(digits) > 66:
        raise Problem("this number has more than 64 bits", column=column)
    if digits[0] == "0" and digits.isdigit():
        if digits.strip("01234567"):
            raise Problem(f"{digits} is not an octal number", "a leading 0 means octal", column=column)
        number = int(digits, 8)
    else:
        number = int(digits, 0)
    if number >> 64:
        raise Problem("this number has more than 64 bits", column=column)
    return number


def character(spelling: str) -> int:
    """The code of a character as C writes it, without quotes: `a`, `\\n`, `\\x41`, `\\101`."""
    if spelling[0] != "\\":
        return ord(spelling)
    if spelling[1] == "x" and len(spelling) > 2:
        return int(spelling[2:], 16)
    if spelling[1] in "01234567":
        return int(spelling[1:], 8) & 0xFF
    return _ESCAPES.get(spelling[1], ord(spelling[1]))


def vocabulary(context: Any) -> Iterable[tuple[str, str]]:
    """(word, meaning) of the names that an expression can begin with, for completion."""
    from pagefault_lab.lab.vocabulary import FUNCTIONS, QUANTITIES, RECORDS

    for name, quantity in QUANTITIES.items():
        yield f"${name}", quantity.meaning
    for record, fields in RECORDS.items():
        for field, quantity in fields.items():
            yield f"{record}.{field}", quantity.meaning
    for name, function in FUNCTIONS.items():
        yield f"{name}(", function.meaning
    for name in MEMORY:
        yield f"{name}[", "memory"
    for name, value in context.symbols.items():
        yield name, f"{value:#010x}"


def fields(function: str, beginning: str) -> Iterable[tuple[str, str]]:
    """(field, meaning) of what can follow `function(...).`, for completion."""
    from pagefault_lab.lab.vocabulary import FUNCTIONS

    if function in FUNCTIONS:
        for name, bits in FUNCTIONS[function].fields.items():
            if name.startswith(beginning):
                yield name, bits.meaning
