"""Macros: their definitions, how a call's arguments are split, and what `\\name` in a body becomes.

Blanks separate arguments as commas do, but only between characters that could belong to a name; `%`, `-`, `*`, `(`,
`[`, `{` and `}` count as such. `1 + 2` is one argument and `1 -2` two: so it is in as. Inside parentheses blanks do
not separate, commas do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pagefault_lab.assembler.source import CHARACTER, Statement
from pagefault_lab.problem import Problem

LONGEST_LINE: Final = 8192  # characters of a statement after replacement
_LONGEST_TRAIL: Final = 6
_WORD_CHARACTER = r"[\w.$*%\-(\[{}\x80-\U0010FFFF]"
_BLANK = re.compile(rf"""("(?:[^"\\]|\\.)*"|{CHARACTER})|(?<={_WORD_CHARACTER})[ \t]+(?={_WORD_CHARACTER})|([ \t]+)""")
_CHARACTER = re.compile(CHARACTER)
_KEYWORD = re.compile(r"([A-Za-z_.$][\w.$]*)=(?!=)")
_REPLACED = re.compile(r"\\(?:([A-Za-z_.$][\w.$]*)|(@)|(\(\)))")
_PARAMETER = re.compile(r"[ \t]*([A-Za-z_.$][\w.$]*)[ \t]*(?::[ \t]*(\w*)[ \t]*)?(=[ \t]*)?")


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    default: str = ""
    required: bool = False
    variable: bool = False  # takes all arguments that are left


@dataclass(frozen=True, slots=True, eq=False)
class Macro:
    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    defined_at: Statement


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """One call of a macro: where errors in its body came from."""

    macro: Macro
    called_at: Statement

    def trail(self) -> Iterator[str]:
        """The calls that led here, innermost first."""
        expansion = self
        for _ in range(_LONGEST_TRAIL):
            macro, call = expansion.macro, expansion.called_at
            yield f"in macro {macro.name}, defined at line {macro.defined_at.line}, called at line {call.line}"
            if call.expansion is None:
                return
            expansion = call.expansion
        yield "in more macros"

    @property
    def depth(self) -> int:
        """The number of calls within each other."""
        outer = self.called_at.expansion
        return 1 if outer is None else 1 + outer.depth


def squeeze(text: str) -> str:
    """`text` without the blanks that separate nothing, and single ones for the others."""
    return _BLANK.sub(lambda match: match[1] or ("" if match[2] else " "), text.strip())


def split_arguments(text: str) -> list[str]:
    """The arguments of a call or the values of .irp, quotes removed from those that are strings as a whole."""
    text = squeeze(text)
    found: list[str] = []
    position = 0
    while position < len(text):
        argument, position = _argument(text, position)
        found.append(argument)
        if text[position : position + 1] == " ":
            position += 1
        if text[position : position + 1] == ",":
            position += 1
            if position == len(text):
                found.append("")
    return found


def _argument(text: str, position: int) -> tuple[str, int]:
    """The argument that begins at `position` and the place behind it."""
    if text[position] == '"':
        return _string(text, position)
    start = position
    depth = 0
    while position < len(text):
        character = text[position]
        if character == "," or (character == " " and depth == 0):
            break
        if character == '"':
            position = _string(text, position)[1]
            continue
        if quoted := _CHARACTER.match(text, position):
            position = quoted.end()
            continue
        depth += (character in "([") - (character in ")]" and depth > 0)
        position += 1
    return text[start:position], min(position, len(text))


def _string(text: str, position: int) -> tuple[str, int]:
    end = position + 1
    found = []
    while end < len(text) and text[end] != '"':
        if text[end] == "\\" and text[end + 1 : end + 2] == '"':
            end += 1
        found.append(text[end])
        end += 1
    return "".join(found), end + 1


def read_parameters(text: str, column: int) -> tuple[Parameter, ...]:
    """`a, b=5, c:req, rest:vararg`, separated by commas or blanks. `column` is where `text` begins."""
    found: list[Parameter] = []
    position = 0
    while text[position:].strip():
        match = _PARAMETER.match(text, position)
        if match is None:
            raise Problem("the name of a parameter is missing here", column=column + position)
        name, qualifier, equals = match[1], (match[2] or "").lower(), match[3]
        if qualifier not in ("", "req", "vararg"):
            raise Problem(f"{qualifier} is no kind of parameter", "req or vararg", column=column + match.start(2))
        if any(parameter.name == name for parameter in found):
            raise Problem(f"there are two parameters {name}", column=column + match.start(1))
        if found and found[-1].variable:
            raise Problem("nothing can follow a parameter that takes the rest", column=column + match.start(1))
        position = match.end()
        default = ""
        if equals and position < len(text):
            default, position = _argument(text, position)
        found.append(Parameter(name, default, qualifier == "req", qualifier == "vararg"))
        separator = re.compile(r"[ \t]*,?").match(text, position)
        position = separator.end() if separator else position
    return tuple(found)


def bind_arguments(macro: Macro, text: str) -> dict[str, str]:
    """The value of each parameter of the macro for a call with these arguments."""
    parameters = macro.parameters
    given: dict[str, str] = {}
    text = squeeze(text)
    position = place = 0
    by_name = False
    while position < len(text):
        keyword = _KEYWORD.match(text, position)
        if keyword is not None:
            by_name = True
            name = keyword[1]
            if not any(parameter.name == name for parameter in parameters):
                names = ", ".join(parameter.name for parameter in parameters)
                hint = f"its parameters are {names}" if names else "it has no parameters"
                raise Problem(f"macro {macro.name} has no parameter {name}", hint)
            position = keyword.end()
        elif by_name:
            raise Problem("an argument without a name cannot follow one with a name", f"in the call of {macro.name}")
        elif place >= len(parameters):
            count = len(parameters)
            wanted = "no arguments" if count == 0 else "one argument" if count == 1 else f"{count} arguments"
            raise Problem(f"macro {macro.name} takes {wanted}", f"{text[position:]} is more")
        else:
            name = parameters[place].name
            if parameters[place].variable:
                given[name] = text[position:]
                break
            place += 1
        value, position = ("", position) if position >= len(text) else _argument(text, position)
        given[name] = value
        if text[position : position + 1] == " ":
            position += 1
        if text[position : position + 1] == ",":
            position += 1
    for parameter in parameters:
        if parameter.required and not given.get(parameter.name):
            raise Problem(f"macro {macro.name} needs a value for {parameter.name}")
        if not given.get(parameter.name):
            given[parameter.name] = parameter.default
    return given


def replace(
    body: Sequence[Statement], values: dict[str, str], count: int, expansion: Expansion | None
) -> list[Statement]:
    """`body` with the values of parameters in place of their names; `count` is what `\\@` stands for."""
    found: list[Statement] = []

    def value(match: re.Match[str]) -> str:
        if match[2]:
            return str(count)
        if match[3]:
            return ""
        return values.get(match[1], match[0])

    for statement in body:
        if "\\" not in statement.text:
            found.append(
                Statement(
                    statement.text,
                    statement.column,
                    statement.written,
                    statement.line,
                    statement.file,
                    expansion or statement.expansion,
                )
            )
            continue
        text = _REPLACED.sub(value, statement.text)
        if len(text) > LONGEST_LINE:
            raise Problem(f"this line of a macro grows beyond {LONGEST_LINE} characters").placed(
                text=statement.written, line=statement.line, file=statement.file
            )
        found.append(Statement(text, 0, text, statement.line, statement.file, expansion or statement.expansion))
    return found
