"""Operands as written in AT&T syntax: `%eax`, `$5`, `8(%ebp,%esi,4)`, `%fs:table`, `*%eax`.

Each has a `shape`, a short word that is all the encoder needs for finding the forms that could fit; shapes are listed
at `Written`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pagefault_lab.assembler.expressions import Expression, without_table
from pagefault_lab.machine.registers import EBP, ESP, NAMES, SEGMENT_NAMES
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.assembler.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Named:
    """A register that exists. `kind` is "r" (general), "sreg", "creg", "dreg" or "treg"."""

    name: str
    kind: str
    number: int
    size: int


def _registers() -> dict[str, Named]:
    found = [Named(name, "r", number, size) for size, names in NAMES.items() for number, name in enumerate(names)]
    found += [Named(name, "sreg", number, 2) for number, name in enumerate(SEGMENT_NAMES)]
    found += [Named(f"cr{number}", "creg", number, 4) for number in range(8)]
    for prefix in ("db", "dr"):  # the last one is found first when a number is turned into a name
        found += [Named(f"{prefix}{number}", "dreg", number, 4) for number in range(8)]
    found += [Named(f"tr{number}", "treg", number, 4) for number in range(8)]
    return {each.name: each for each in found}


REGISTERS: Final = _registers()
_FOREIGN: Final = re.compile(r"(st|mm\d|[xy]mm\d|zmm|bnd|k[0-7]$|r[0-9a-z]+|[a-d]il|[sd]il)")


@dataclass(slots=True)
class WrittenRegister:
    register: Named
    column: int
    star: bool = False

    @property
    def shape(self) -> str:
        return f"*%{self.register.name}" if self.star else f"%{self.register.name}"


@dataclass(slots=True)
class WrittenImmediate:
    value: Expression
    column: int

    shape = "$"


@dataclass(slots=True)
class WrittenMemory:
    """segment:displacement(base,index,scale). Registers by number; `address_size` is None if none is named."""

    segment: int | None
    base: int | None
    index: int | None
    scale: int
    displacement: Expression | None
    address_size: int | None
    column: int
    star: bool = False
    through_dx: bool = False  # (%dx), the port of in and out
    parenthesis: bool = False  # `label(,1)` has one, and is no bare address

    @property
    def shape(self) -> str:
        if self.through_dx:
            return "(%dx)"
        star = "*" if self.star else ""
        if self.address_size is None:
            return f"{star}m" if self.parenthesis else f"{star}a"
        if self.base is not None and self.index is None and self.displacement is None and not self.star:
            return f"({NAMES[self.address_size][self.base]})"
        return f"{star}m"


# Shapes: "%eax" "*%eax" a register; "$" an immediate; "a" "*a" an address without registers (or a jump's target);
# "(eax)" memory through one register; "m" "*m" other memory; "(%dx)" a port.
Written: TypeAlias = WrittenRegister | WrittenImmediate | WrittenMemory

_SIMPLE_REGISTER = re.compile(r"[ \t]*(\*?)[ \t]*%[ \t]*([A-Za-z]\w*)[ \t]*(?=[,]|\Z)")
_SEGMENT = re.compile(r"[ \t]*%[ \t]*([A-Za-z]\w*)[ \t]*:")
_REGISTER = re.compile(r"[ \t]*%[ \t]*([A-Za-z]\w*)(\(\d\))?")
_INDIRECT = re.compile(r"[ \t]*\([ \t]*[%,)]")
_BASE_INDEX = re.compile(
    r"[ \t]*\([ \t]*(?:%[ \t]*([A-Za-z]\w*)[ \t]*)?(?:(,)[ \t]*(?:%[ \t]*([A-Za-z]\w*)[ \t]*)?(,)?)?"
)
_PAIRS_16: Final = {("bx", "si"), ("bx", "di"), ("bp", "si"), ("bp", "di")}
_SINGLE_16: Final = ("bx", "bp", "si", "di")


def register_named(name: str, column: int) -> Named:
    """The register, or a problem that tells what such a name could mean."""
    found = REGISTERS.get(name) or REGISTERS.get(name.lower())
    if found is not None:
        return found
    if name.lower() in ("eip", "eflags", "ip"):
        raise Problem(
            f"%{name} cannot be an operand", "no instruction names it; jumps and popfl write it", column=column
        )
    if name.lower() in ("riz", "eiz"):
        raise Problem(f"%{name} is not a register", "leave the index out", column=column)
    hint = closest(f"%{name.lower()}", [f"%{known}" for known in REGISTERS])
    if _FOREIGN.match(name.lower()):
        raise Problem(f"%{name} is no register of this processor", hint, column=column)
    raise Problem(f"there is no register %{name}", hint, column=column)


def read_operands(cursor: Cursor) -> list[Written]:
    """All operands up to the end of the statement."""
    operands: list[Written] = []
    if cursor.at_end:
        return operands
    while True:
        operands.append(read_operand(cursor))
        if cursor.at_end:
            return operands
        if not cursor.take(","):
            raise _no_comma(cursor)
        if cursor.at_end:
            raise Problem("an operand is missing behind this comma", column=cursor.position - 1)


def read_operand(cursor: Cursor) -> Written:
    match = _SIMPLE_REGISTER.match(cursor.text, cursor.position)
    if match is not None:
        cursor.position = match.end()
        return WrittenRegister(register_named(match[2], match.start(2) - 1), match.start(2) - 1, bool(match[1]))
    column = cursor.skip_space()
    star = cursor.take("*")
    segment: int | None = None
    if cursor.peek() == "$":
        if star:
            raise Problem(
                "an immediate cannot be jumped through", "a star goes before a register or memory", column=column
            )
        cursor.position += 1
        if not cursor.peek() or cursor.peek() == ",":
            raise Problem("an immediate needs a value behind the $", column=column)
        if cursor.peek() == "%":
            raise Problem("a register is written without a $", "the $ is for numbers", column=column)
        value = cursor.expression()
        if cursor.peek() == "(":
            hint = "memory is written without it, as in 4(%ebx)"
            raise Problem("a $ does not go before an address in memory", hint, column=column)
        return WrittenImmediate(value, column)
    match = _SEGMENT.match(cursor.text, cursor.position)
    if match is not None:
        register = register_named(match[1], match.start(1) - 1)
        if register.kind != "sreg":
            hint = "one of %es %cs %ss %ds %fs %gs goes before a colon"
            raise Problem(f"%{register.name} is no segment register", hint, column=match.start(1) - 1)
        segment = register.number
        cursor.position = match.end()
        if cursor.peek() == "*":  # as takes %cs:*4(%eax), too
            cursor.position += 1
            star = True
    elif cursor.peek() == "%":
        match = _REGISTER.match(cursor.text, cursor.position)
        if match is None:
            doubled = "%% is for asm in C; here it is %eax" if cursor.text[column : column + 2] == "%%" else None
            raise Problem("a register's name is missing behind the %", doubled, column=cursor.position)
        register = register_named(match[1], match.start(1) - 1)
        cursor.position = match.end(1)
        return WrittenRegister(register, column, star)
    return _memory(cursor, segment, star, column)


def _memory(cursor: Cursor, segment: int | None, star: bool, column: int) -> WrittenMemory:
    displacement: Expression | None = None
    if _INDIRECT.match(cursor.text, cursor.position) is None:
        displacement = cursor.expression()
        if cursor.peek() != "(":
            direct = without_table(displacement)
            return WrittenMemory(
                segment, None, None, 1, direct, None, column, star, parenthesis=direct is not displacement
            )
    opening = cursor.skip_space()
    match = _BASE_INDEX.match(cursor.text, cursor.position)
    assert match is not None
    cursor.position = match.end()
    scale = 1
    if match[4] or (match[2] and match[3] is None):
        scale = _scale(cursor)
    if cursor.peek() != ")":
        raise _bad_parenthesis(cursor, opening)
    cursor.position += 1
    if cursor.peek() not in ("", ","):
        raise _no_comma(cursor)
    base = register_named(match[1], match.start(1) - 1) if match[1] else None
    index = register_named(match[3], match.start(3) - 1) if match[3] else None
    if base is None and index is None:
        if displacement is None or match[2] is None:
            raise Problem(
                "an address is missing in these parentheses", "write (%ebx) or table(,%esi,4)", column=opening
            )
        return WrittenMemory(segment, None, None, 1, displacement, None, column, star, parenthesis=True)
    if base is not None and base.name == "dx" and index is None and displacement is None and segment is None:
        return WrittenMemory(None, None, None, 1, None, 2, column, star, through_dx=True)
    for register, place in ((base, match.start(1)), (index, match.start(3))):
        if register is not None and (register.kind != "r" or register.size == 1):
            raise Problem(
                f"%{register.name} cannot hold an address",
                "a 32-bit register, or %bx %bp %si %di, can",
                column=place - 1,
            )
    sizes = {register.size for register in (base, index) if register}
    if len(sizes) > 1:
        raise Problem("an address has either 32-bit or 16-bit registers, not both", column=opening)
    size = sizes.pop()
    if size == 2:
        _check_16(base, index, scale, opening)
    elif index is not None and index.number == ESP:
        raise Problem("%esp cannot be an index", "it can be a base: (%esp,%eax)", column=match.start(3) - 1)
    return WrittenMemory(
        segment, base.number if base else None, index.number if index else None, scale, displacement, size, column, star
    )


def _scale(cursor: Cursor) -> int:
    column = cursor.skip_space()
    if cursor.peek() == ")":
        return 1
    if cursor.peek() == "%":
        raise Problem("a scale is a number, no register", "1, 2, 4 or 8", column=column)
    scale = cursor.number("a scale")
    if scale not in (1, 2, 4, 8):
        raise Problem(f"an index cannot be scaled by {scale}", "the scale is 1, 2, 4 or 8", column=column)
    return scale


def _check_16(base: Named | None, index: Named | None, scale: int, column: int) -> None:
    names = tuple(register.name for register in (base, index) if register)
    good = names in _PAIRS_16 or (base is not None and index is None and names[0] in _SINGLE_16)
    if not good or scale != 1:
        written = "(" + ",".join(f"%{name}" for name in names) + ")"
        hint = "16-bit addresses are (%bx) (%bp) (%si) (%di) (%bx,%si) (%bx,%di) (%bp,%si) (%bp,%di)"
        raise Problem(f"{written} is no 16-bit address", hint, column=column)


def default_segment(memory: WrittenMemory) -> int:
    """SS for an address with base ESP, EBP or BP, else DS."""
    return 2 if memory.base in (ESP, EBP) else 3


def _bad_parenthesis(cursor: Cursor, opening: int) -> Problem:
    if ")" not in cursor.text[opening:]:
        return Problem("this parenthesis is not closed", "a ) is missing", column=opening)
    hint = "an address is written displacement(base,index,scale), as in 8(%ebp,%esi,4)"
    return Problem("this address cannot be read", hint, column=cursor.skip_space())


def _no_comma(cursor: Cursor) -> Problem:
    column = cursor.skip_space()
    if cursor.peek() == ")":
        return Problem("this ) closes nothing", column=column)
    return Problem("a comma is missing between the operands", column=column)
