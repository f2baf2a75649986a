"""The grammar of expressions: from text to nodes, and what is said where it does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.nodes import (
    BINARY,
    HISTORY,
    MEMORY,
    UNARY,
    AddressOf,
    At,
    Binary,
    Conditional,
    EventField,
    Events,
    Ever,
    Field,
    Last,
    Literal,
    Logical,
    MemoryAt,
    Name,
    Node,
    Plain,
    Unary,
    Whole,
)
from pagefault_lab.problem import Problem, as_hexadecimal, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.vocabulary import Structure

DEEPEST: Final = 60  # levels
MOST_LOOKS: Final = 8  # into the past
RANKS: Final = {
    "*": 11, "/": 11, "%": 11, "+": 10, "-": 10, "<<": 9, ">>": 9, "<": 8, "<=": 8, ">": 8, ">=": 8, "==": 7, "!=": 7,
    "&": 6, "^": 5, "|": 4, "&&": 3, "||": 2, "?": 1,
}  # fmt: skip


_TOKEN = re.compile(
    r"""[ \t]*(?:
      (?P<number>0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+)(?![\w.])
    | (?P<bad>[0-9][\w.]*)
    | '(?P<character>\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)|[^'\\])'
    | (?P<name>(?P<mark>[$%\\]?)(?P<word>[A-Za-z_.\x80-\U0010FFFF][\w.$]*(?:::[A-Za-z_.\x80-\U0010FFFF][\w.$]*)?))
    | (?P<last>\$)
    | (?P<open>[(\[])
    | (?P<unary>[-+~!*&])
    )""",
    re.VERBOSE,
)
# C's names of types, for gdb users: memory is unsigned here, whatever they say
_KINDS: Final = {
    "char": "u8", "int8_t": "u8", "uint8_t": "u8", "short": "u16", "int16_t": "u16", "uint16_t": "u16",
    "int": "u32", "unsigned": "u32", "long": "u32", "int32_t": "u32", "uint32_t": "u32",
}  # fmt: skip
_TYPE: Final = rf"(?:(?:const|volatile|signed|unsigned(?=\s+\w))\s+)*(?P<kind>{'|'.join(_KINDS)})(?:\s+int)?\s*"
_POINTER = re.compile(rf"\s*\(\s*{_TYPE}\*\s*\)")
_CAST = re.compile(rf"\(\s*{_TYPE}\)")
_BRACED = re.compile(rf"\s*(?P<opened>\{{)\s*{_TYPE}\}}")
_ASSIGNS: Final = r"(?:<<|>>|[-+*/%&^|])=(?!=)"
_OPERATOR = re.compile(rf"[ \t]*(?!{_ASSIGNS})(<<|>>|<=|>=|==|!=|&&|\|\||\?|[-+*/%<>&^|])(?!=)")
_NUMBERED = re.compile(r"[\w$]+")  # behind a $: gdb's value history, or an operand of an instruction
_FIELD = re.compile(r"\.([A-Za-z_]\w*)")
_ESCAPES: Final = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34}


class Parser:
    """Precedence climbing over the text; a higher rank binds tighter. It stops where nothing can continue."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position
        self.looks = 0  # into the past
        self.inside_at = False
        self.event_fields: Structure | None = None  # inside of a pattern: what its conditions can name
        self.names_event = False

    def expression(self, floor: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise Problem("this expression is nested too deeply", column=self.position)
        left = self.operand(depth)
        links = 0
        while True:
            match = _OPERATOR.match(self.text, self.position)
            if match is None:
                return left
            sign = match[1]
            column = match.start(1)
            links += 1
            if links > 4 * DEEPEST:
                raise Problem("this expression is too long", column=column)
            if RANKS[sign] <= floor:
                return left
            self.position = match.end()
            if sign == "?":
                then = self.expression(0, depth + 1)
                self.expect(":", "between the two values of ?:")
                left = Conditional(left, then, self.expression(0, depth + 1), column)
                continue
            right = self.expression(RANKS[sign], depth + 1)
            if sign in ("&&", "||"):
                left = Logical(sign == "||", left, right, column)
            else:
                left = Binary(BINARY[sign], left, right, column)

    def operand(self, depth: int) -> Node:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            return self.braced(depth)
        column = match.start(match.lastgroup or 0)
        if match["bad"]:
            hint = as_hexadecimal(match["bad"]) or "write 123, 0x7b, 0173 or 0b1111011"
            raise Problem(f"{match['bad']} is not a number", hint, column=column)
        self.position = match.end()
        if match["number"]:
            return Literal(_number(match["number"], column), column)
        if match["character"]:
            return Literal(character(match["character"]), column)
        if match["unary"]:
            if depth > DEEPEST:
                raise Problem("this expression is nested too deeply", column=column)
            kind = self.pointed_to() if match["unary"] == "*" else ""
            operand = self.operand(depth + 1)
            if match["unary"] == "*":
                return MemoryAt(*MEMORY[kind], operand, column)
            if match["unary"] == "&":
                return _address_of(operand, column)
            return Unary(UNARY[match["unary"]], operand, column)
        if match["open"] == "(":
            if _CAST.match(self.text, match.start("open")):
                hint = "$eax & 0xff cuts a value, *(char *)ADDRESS reads a byte, `p/d` shows a sign"
                raise Problem("a value has no type", hint, column=column)
            inner = self.expression(0, depth + 1)
            self.expect(")", "to close this parenthesis", column)
            return inner
        if match["open"] == "[":
            return self.memory("u32", match.start("open"), depth)
        if match["last"]:
            if further := _NUMBERED.match(self.text, self.position):
                hint = "a number has no $ here; $ is the value that `p` showed last, `set $name = ...` keeps one"
                raise Problem(f"${further[0]} is not known", hint, column=column)
            return self.plain("$", "_", column)
        return self.named(match, depth)

    def pointed_to(self) -> str:
        """Behind `*`: the kind of memory that C's `(TYPE *)` there says; that of 32 bits without one."""
        match = _POINTER.match(self.text, self.position)
        if match is None:
            return "u32"
        self.position = match.end()
        return _KINDS[match["kind"]]

    def braced(self, depth: int) -> Node:
        """Where no token is: gdb's `{TYPE} ADDRESS`, or nothing."""
        match = _BRACED.match(self.text, self.position)
        if match is None or depth > DEEPEST:
            raise self.nothing()
        self.position = match.end()
        return MemoryAt(*MEMORY[_KINDS[match["kind"]]], self.operand(depth + 1), match.start("opened"))

    def memory(self, name: str, column: int, depth: int) -> Node:
        """Behind the opening bracket."""
        opened = self.position - 1
        address = self.expression(0, depth + 1)
        self.expect("]", "to close this bracket", opened)
        return MemoryAt(*MEMORY[name], address, column)

    def named(self, match: re.Match[str], depth: int) -> Node:
        mark, word = match["mark"], match["word"]
        column = match.start("name")
        follows = self.text[self.position : self.position + 1]
        if follows == "[" and not mark:
            if word not in MEMORY:
                raise Problem(f"{word}[..] is not a kind of memory", _indexed(word), column=column)
            self.position += 1
            return self.memory(word, column, depth)
        if follows == "(" and not mark:
            return self.function(word, column, depth)
        if self.event_fields is not None and not mark:
            quantity = self.event_fields.field(word)
            if quantity is not None:
                self.names_event = True
                return EventField(quantity, column)
        return self.dotted(mark, word, column) or self.plain(mark, word, column)

    def plain(self, mark: str, word: str, column: int) -> Node:
        """A name without a field."""
        from pagefault_lab.lab.vocabulary import QUANTITIES

        if mark != "\\" and word in QUANTITIES:
            return Plain(mark, word, QUANTITIES[word], column)
        return Name(mark, word, column)

    def dotted(self, mark: str, word: str, column: int) -> Node | None:
        """A structure that needs no argument, or a field of it; None if the name is not of that kind."""
        from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES, unknown_field

        if mark not in ("", "$"):
            return None
        if re.match(r"seg\b(?!\.(?:[c-gs]s|ldtr|tr)\b)", word):
            known = ", ".join(name for name in STRUCTURES if name.startswith("seg."))
            sentence = "seg has several values" if word == "seg" else f"there is no {word}"
            raise Problem(sentence, f"{known}; `sreg` shows all", column=column)
        structure = STRUCTURES.get(word)
        if structure is not None and not structure.parameter and not mark and word not in QUANTITIES:
            self.look(structure.slow, word, column)
            return Whole(word, structure, None, column)
        name, dot, field = word.rpartition(".")
        structure = STRUCTURES.get(name)
        if not dot or structure is None or structure.parameter:
            return None
        field_column = column + len(mark) + len(name) + 1
        quantity = structure.field(field)
        if quantity is None:
            raise unknown_field(name, field, structure.fields).placed(column=field_column)
        self.look(structure.slow or quantity.slow, name, column)
        return Field(Whole(name, structure, None, column), field, quantity, field_column)

    def function(self, word: str, column: int, depth: int) -> Node:
        """A structure with its argument, or a question about the past; the parenthesis is next."""
        from pagefault_lab.lab.vocabulary import STRUCTURES

        if word in HISTORY:
            self.look(True, word, column)
            return self.at(column, depth) if word == "at" else self.history(word, column, depth)
        structure = STRUCTURES.get(word)
        if structure is None or not structure.parameter:
            from pagefault_lab.lab.patterns import PATTERNS

            known = [name for name, each in STRUCTURES.items() if each.parameter] + [*HISTORY]
            hint = closest(word, known) or ", ".join(f"{name}(..)" for name in known)
            if word in PATTERNS:
                hint = f"it is an event: ever({word}(..)), count({word}(..)), last({word}(..))"
            elif structure is not None:
                hint = f"`{word}` is written without parentheses"
            raise Problem(f"there is no {word}(..)", hint, column=column)
        opened = self.position
        self.position += 1
        argument = self.expression(0, depth + 1)
        self.expect(")", "to close this parenthesis", opened)
        return self.field_of(Whole(word, structure, argument, column))

    def field_of(self, whole: Whole) -> Node:
        """What stands behind a structure with its argument: a field of it, or nothing."""
        from pagefault_lab.lab.vocabulary import unknown_field

        match = _FIELD.match(self.text, self.position)
        if match is None:
            return whole
        self.position = match.end()
        quantity = whole.structure.field(match[1])
        if quantity is None:
            raise unknown_field(whole.name, match[1], whole.structure.fields).placed(column=match.start(1))
        return Field(whole, match[1], quantity, match.start(1))

    # --- the past

    def look(self, slow: bool, name: str, column: int) -> None:
        """Count what looks into the past: it takes time."""
        if not slow:
            return
        if self.event_fields is not None:
            hint = f"fields of the event are {', '.join(self.event_fields.fields)}"
            raise Problem(f"the condition of an event cannot ask for {name}", hint, column=column)
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise Problem(f"an expression looks into the past at most {MOST_LOOKS} times", column=column)

    def at(self, column: int, depth: int) -> Node:
        if self.inside_at:
            raise Problem("at(..) cannot stand inside of at(..)", "add the steps", column=column)
        opened = self.position
        self.position += 1
        step = self.expression(0, depth + 1)
        self.expect(",", "behind the step: at(STEP, EXPRESSION)")
        self.inside_at = True
        asked = self.expression(0, depth + 1)
        self.inside_at = False
        self.expect(")", "to close this parenthesis", opened)
        return At(step, asked, column)

    def history(self, word: str, column: int, depth: int) -> Node:
        opened = self.position
        self.position += 1
        events = self.pattern(depth)
        self.expect(")", "to close this parenthesis", opened)
        if word == "last":
            return self.field_of(Last(events, column))
        return Ever(events, word == "ever", column)

    def pattern(self, depth: int) -> Events:
        """An event: its name, and what must be true of it. An argument that names a field of it is a condition."""
        from pagefault_lab.lab.patterns import PATTERNS

        start = self.skip()
        match = re.compile(r"[A-Za-z_]\w*").match(self.text, start)
        if match is None or match[0] not in PATTERNS:
            word = match[0] if match is not None else "this"
            hint = (closest(word, PATTERNS) if match else None) or ", ".join(PATTERNS)
            raise Problem(f"{word} is no event", hint, column=start)
        self.position = match.end()
        pattern = PATTERNS[match[0]]
        events = Events(match[0], pattern, start)
        opened = self.skip()
        if self.text[opened : opened + 1] == "(":
            self.position = opened + 1
            self.event_fields = pattern.record
            while True:
                self.argument(events, depth)
                place = self.skip()
                if self.text[place : place + 1] != ",":
                    break
                self.position = place + 1
            self.event_fields = None
            self.expect(")", "to close this parenthesis", opened)
        events.text = self.text[start : self.position]
        if len(events.arguments) < pattern.required:
            raise Problem(f"{events.name} wants to know of what", pattern.usage(events.name), column=start)
        return events

    def argument(self, events: Events, depth: int) -> None:
        self.names_event = False
        place = self.skip()
        argument = self.expression(0, depth + 1)
        if self.names_event:
            events.conditions.append(argument)
            return
        parameters = events.pattern.parameters
        if events.conditions or len(events.arguments) == len(parameters):
            known = ", ".join(events.pattern.record.fields)
            hint = f"it takes {events.pattern.usage(events.name)}, and conditions that name one of {known}"
            raise Problem(f"{events.name} takes no such argument", hint, column=place)
        events.arguments.append(argument)

    # --- what is expected

    def expect(self, character: str, why: str, column: int | None = None) -> None:
        place = self.skip()
        if self.text[place : place + 1] == character:
            self.position = place + 1
            return
        rest = self.text[place:].strip()
        if rest and column is not None and rest[0] not in ")],:":
            raise more_than_fits(rest).placed(column=place)
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


def _indexed(word: str) -> str:
    """What to write instead of `word[..]`."""
    from pagefault_lab.lab.vocabulary import STRUCTURES

    if word in STRUCTURES:
        return f"`{word}(..)`, in parentheses" if STRUCTURES[word].parameter else f"`p {word}` shows all of it"
    return closest(word, MEMORY) or f"u32[{word} + 4*N], or with u8, u16 or phys"


def _address_of(operand: Node, column: int) -> Node:
    """What `&` gives: the address of a symbol, of memory, or of a structure in memory."""
    if isinstance(operand, MemoryAt):
        return operand.address
    if isinstance(operand, Name | Plain) and operand.mark in ("", "\\"):
        return Name("\\", operand.name, operand.column)
    if isinstance(operand, Whole) and operand.structure.place is not None:
        return AddressOf(operand, column)
    if isinstance(operand, Field) and operand.quantity.place is not None:
        return AddressOf(operand, column)
    raise Problem("only a symbol, memory or a structure there has an address", "&page_fault", column=column)


def more_than_fits(rest: str) -> Problem:
    word = rest.split()[0]
    if rest[0] == "=":
        return Problem("= assigns, and that is for `set`", "== compares")
    return Problem(f"{word} is more than can stand here", no_operator(rest) or "an operator was expected")


def no_operator(rest: str) -> str | None:
    """What to type instead where a text goes on with an operator of C or gdb that there is not here; None elsewhere."""
    if rest[0] == "=":
        return "`set` assigns, == compares"
    several = re.match(r"@[ \t]*(\d*)", rest)
    if several is not None:
        return f"`x/{several[1] or 4}xw ADDRESS` shows values that lie one behind the other"
    return None


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
