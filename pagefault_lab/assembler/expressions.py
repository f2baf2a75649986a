"""Expressions: reading them as GNU as does, and folding what is already known.

A value that is known while the text is read is a plain `int`, wrapped to 64 bits as in as. What depends on an address
is a `Reference` (symbol plus number) or, rarely, an `Operation` on such. How much is known at which moment decides
between encodings of different lengths, so folding goes exactly as far as in as: the difference of two labels counts
as known only if nothing of variable size can come between them.

Precedence, tightest first: unary - + ~ !, then * / % << >>, then | & ^ and ! (or-not), then + -, then comparisons
(-1 when true), then &&, then ||.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pagefault_lab.problem import Problem, as_hexadecimal

if TYPE_CHECKING:
    from pagefault_lab.assembler.cursor import Cursor
    from pagefault_lab.assembler.symbols import SymbolEntry

OFFSET_TABLE: Final = "_GLOBAL_OFFSET_TABLE_"  # position-independent code finds its data through it
SLOT: Final = "@GOT"  # in the names of its slots
DEEPEST: Final = 120  # nesting of parentheses, and of operations that cannot be folded


@dataclass(frozen=True, slots=True)
class Reference:
    """The address, or value, of a symbol plus a number. `plt`: written `name@PLT`."""

    symbol: SymbolEntry
    addend: int = 0
    plt: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """What cannot be known yet. A unary operation has no `right`."""

    operator: str
    left: Expression
    right: Expression | None
    depth: int


Expression: TypeAlias = int | Reference | Operation


def wrap(value: int) -> int:
    """`value` as a signed 64-bit number, which is what as calculates with."""
    if -0x8000_0000_0000_0000 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
        return value
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return value - (1 << 64) if value >> 63 else value


def _divide(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_UNARY: Final[dict[str, Callable[[int], int]]] = {
    "-": lambda value: -value,
    "~": lambda value: ~value,
    "!": lambda value: int(not value),
}
_COMPARISONS: Final[dict[str, Callable[[int, int], int]]] = {
    "==": lambda left, right: -(left == right),
    "<>": lambda left, right: -(left != right),
    "!=": lambda left, right: -(left != right),
    "<": lambda left, right: -(left < right),
    ">": lambda left, right: -(left > right),
    "<=": lambda left, right: -(left <= right),
    ">=": lambda left, right: -(left >= right),
}
_BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    "*": lambda left, right: left * right,
    "/": _divide,
    "%": lambda left, right: left - _divide(left, right) * right,
    "<<": lambda left, right: left << right if 0 <= right < 64 else 0,
    ">>": lambda left, right: (left & 0xFFFF_FFFF_FFFF_FFFF) >> right if 0 <= right < 64 else 0,
    "|": lambda left, right: left | right,
    "&": lambda left, right: left & right,
    "^": lambda left, right: left ^ right,
    "!": lambda left, right: left | ~right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "&&": lambda left, right: int(bool(left and right)),
    "||": lambda left, right: int(bool(left or right)),
} | _COMPARISONS
_RANKS: Final = (
    dict.fromkeys(("*", "/", "%", "<<", ">>"), 6)
    | dict.fromkeys(("|", "&", "^", "!"), 5)
    | {"+": 4, "-": 4, "&&": 2, "||": 1}
    | dict.fromkeys(_COMPARISONS, 3)
)


def calculate(operator: str, left: int, right: int | None = None) -> int:
    """The operation on known numbers."""
    if right is None:
        return wrap(_UNARY[operator](left))
    if operator in "/%" and right == 0:
        raise Problem("division by zero")
    return wrap(_BINARY[operator](left, right))


def combine(operator: str, left: Expression, right: Expression | None = None) -> Expression:
    """The operation on two expressions (one, if `right` is None), folded as far as is known now."""
    if type(left) is int and (right is None or type(right) is int):
        return calculate(operator, left, right)
    if operator == "+":
        if type(left) is Reference and type(right) is int:
            return Reference(left.symbol, wrap(left.addend + right))
        if type(left) is int and type(right) is Reference:
            return Reference(right.symbol, wrap(left + right.addend))
    elif operator == "-" and type(left) is Reference and type(right) is int:
        return Reference(left.symbol, wrap(left.addend - right))
    if type(left) is Reference and type(right) is Reference and (operator == "-" or operator in _COMPARISONS):
        distance = left.symbol.distance(right.symbol)
        if distance is not None:
            return calculate(operator, wrap(distance + left.addend), right.addend)
    depth = 1 + max(part.depth if type(part) is Operation else 0 for part in (left, right))
    if depth > DEEPEST:
        raise Problem("this expression is too long to be kept until its symbols are known")
    return Operation(operator, left, right, depth)


_SPACE = re.compile(r"[ \t]*")
_OPERATOR = re.compile(r"[ \t]*(<<|>>|<=|>=|==|<>|!=|&&|\|\||[-+*/%|&^!<>])")
_NAME = r"[A-Za-z_.\x80-\U0010FFFF][\w.$]*"
_TOKEN = re.compile(
    rf"""[ \t]*(?:
    (?P<label>[0-9]{{1,9}})(?P<way>[bf])(?![\w.$])
    | (?P<number>0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+)(?![\w.$])
    | (?P<name>{_NAME})
    | (?P<unary>[-+~!])
    | (?P<open>\()
    | '(?P<character>\\(?:[0-9]{{1,3}}|x[0-9A-Fa-f]+|.)|.)'?
    | "(?P<quoted>(?:[^"\\]|\\.)+)"
    )""",
    re.VERBOSE,
)


def read(cursor: Cursor, limit: int = DEEPEST) -> Expression:
    """The expression at the cursor, which is left behind it. Raises `Problem` if there is none."""
    return _read(cursor, 0, limit)


def _read(cursor: Cursor, floor: int, limit: int) -> Expression:
    left = _operand(cursor, limit)
    while True:
        match = _OPERATOR.match(cursor.text, cursor.position)
        if match is None:
            return left
        operator = match[1]
        rank = _RANKS[operator]
        if rank <= floor:
            return left
        start = match.start(1)
        cursor.position = match.end()
        right = _read(cursor, rank, limit - 1)
        try:
            left = combine(operator, left, right)
        except Problem as problem:
            problem.column = start if problem.column is None else problem.column
            raise


def _operand(cursor: Cursor, limit: int) -> Expression:
    signs: list[str] = []
    while True:
        match = _TOKEN.match(cursor.text, cursor.position)
        if match is None:
            raise _nothing(cursor)
        kind = match.lastgroup
        if kind != "unary":
            break
        signs.append(match["unary"])
        cursor.position = match.end()
    start = match.start("label" if kind == "way" else kind or 0)
    cursor.position = match.end()
    value: Expression
    if kind == "number":
        value = _number(match["number"], start)
    elif kind == "name":
        name = match["name"]
        if cursor.text[cursor.position : cursor.position + 1] == "@":
            value = _linked(cursor, name, start)
        else:
            value = cursor.scope.here() if name == "." else cursor.scope.symbol(name, start).reference()
    elif kind == "way":
        value = cursor.scope.local_label(int(match["label"]), match["way"], start).reference()
    elif kind == "character":
        value = character(match["character"])
    elif kind == "quoted":
        value = cursor.scope.symbol(match["quoted"], start).reference()
    else:
        if limit <= 0:
            raise Problem("these parentheses are nested too deeply", column=start)
        value = _read(cursor, 0, limit - 1)
        cursor.position = _SPACE.match(cursor.text, cursor.position).end()  # type: ignore[union-attr]
        if cursor.text[cursor.position : cursor.position + 1] != ")":
            raise Problem("this parenthesis is not closed", "a ) is missing", column=start)
        cursor.position += 1
    for sign in reversed(signs):
        if sign != "+":
            value = combine(sign, value)
    return value


def _number(digits: str, column: int) -> int:
    if len(digits) > 66:
        raise Problem("this number has more than 64 bits", column=column)
    try:
        if digits[0] == "0" and digits.isdigit():
            value = int(digits, 8)
        else:
            value = int(digits, 0)
    except ValueError:
        raise Problem(f"{digits} is not an octal number", "a leading 0 means octal", column=column) from None
    if value >> 64:
        raise Problem("this number has more than 64 bits", column=column)
    return wrap(value)


_ESCAPES: Final = {"b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def character(spelling: str) -> int:
    """The value of a character constant or of one character of a string, its backslash included."""
    if spelling[0] != "\\" or len(spelling) == 1:
        return ord(spelling)
    if spelling[1] in "0123456789":  # octal, though as lets 8 and 9 pass
        value = 0
        for digit in spelling[1:]:
            value = 8 * value + int(digit)
        return value & 0xFF
    if spelling[1] == "x":  # of many digits the last two count, of none as makes 0
        return int(spelling[2:][-2:] or "0", 16)
    return _ESCAPES.get(spelling[1], ord(spelling[1]))


def _nothing(cursor: Cursor) -> Problem:
    rest = cursor.text[cursor.position :]
    column = cursor.position + len(rest) - len(rest.lstrip())
    found = rest.strip()
    if not found:
        return Problem("a value is missing here", "a number, a symbol or an expression was expected", column=column)
    if found[0].isdigit():
        word = re.match(r"[\w.$]+", found)
        spelled = word[0] if word else found
        hint = as_hexadecimal(spelled) or "write 123, 0x7b, 0173 or 0b1111011"
        return Problem(f"{spelled} is not a number", hint, column=column)
    if found[0] == "$":
        return Problem("a $ marks an immediate operand and stands before the whole expression", column=column)
    if found[0] == "%":
        hint = "memory that a register points to is written (%eax)"
        return Problem("a register cannot be part of an expression", hint, column=column)
    if found[0] == "[":
        return Problem(
            "memory is not written with brackets", "AT&T syntax: 4(%eax) is what others write [eax+4]", column=column
        )
    return Problem(f"no value can begin with {found[0]}", "a number, a symbol or ( was expected", column=column)


_WAY = re.compile(r"@(\w*)")


def _linked(cursor: Cursor, name: str, column: int) -> Expression:
    """`name@PLT` and its kin, of position-independent code; the cursor is at the @."""
    match = _WAY.match(cursor.text, cursor.position)
    assert match is not None
    way = match[1].upper()
    if way not in ("PLT", "GOT", "GOTOFF"):
        raise Problem(
            f"{name}{match[0]} needs a dynamic linker, and here is none",
            "only @PLT, @GOT and @GOTOFF are known here",
            column=cursor.position,
        )
    cursor.position = match.end()
    symbol = cursor.scope.symbol(name, column)
    if way == "PLT":
        value = symbol.reference()
        return replace(value, plt=True) if type(value) is Reference else value
    place = symbol if way == "GOTOFF" else cursor.scope.offset_slot(symbol, column)
    return Operation("-", place.reference(), Reference(cursor.scope.offset_table(column)), 1)  # as waits for a linker


def without_table(expression: Expression) -> Expression:
    """`name@GOT` where no register holds the table's address: the slot's own address."""
    if type(expression) is Operation and expression.operator == "-" and type(expression.left) is Reference:
        right = expression.right
        if type(right) is Reference and right.symbol.name == OFFSET_TABLE and not right.addend:
            return expression.left if expression.left.symbol.name.endswith(SLOT) else expression
    return expression


def as_signed(value: int, size: int) -> int:
    """`value` cut to `size` bytes and read as two's complement."""
    bits = 8 * size
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def fits(value: int, size: int) -> bool:
    """Whether `size` bytes can hold `value` or, if it is negative, its two's complement cut to them.

    So `$~0x80` fits in a byte, as in as.
    """
    return -1 << 8 * size < value < 1 << 8 * size
