"""What `help` tells: of the commands, and of the instructions, whose pages are their declarations."""

from __future__ import annotations

from inspect import getdoc
from typing import NamedTuple

from pagefault_lab.machine.instructions import Form, by_mnemonic


class CommandHelp(NamedTuple):
    """One command: all its names, how to write it, what it does."""

    names: tuple[str, ...]
    usage: str
    group: str
    text: str

    @property
    def summary(self) -> str:
        return self.text.partition("\n")[0]


class HelpIndex(NamedTuple):
    """All commands, in the order in which they are shown; the stems of the mnemonics. `part` names what was asked for,
    "" for everything."""

    part: str
    commands: tuple[CommandHelp, ...]
    mnemonics: tuple[str, ...]


class InstructionRow(NamedTuple):
    """One way to write and to encode an instruction."""

    pattern: str
    encoding: str


class Example(NamedTuple):
    """State before, the line, its bytes, and what comes out."""

    before: str
    line: str
    bytes: str
    after: str


class InstructionHelp(NamedTuple):
    """One instruction: its summary, what more there is to say, its rows, examples that are tests."""

    name: str
    summary: str
    text: str
    rows: tuple[InstructionRow, ...]
    examples: tuple[Example, ...]


def instruction_help(mnemonic: str) -> tuple[InstructionHelp, ...]:
    """The instructions that a mnemonic, with or without its suffix, may stand for; () if it is none."""
    forms = by_mnemonic().get(mnemonic, ())
    names = dict.fromkeys(form.name for form in forms)
    return tuple(_page(name, tuple(form for form in forms if form.name == name)) for name in names)


def _page(name: str, forms: tuple[Form, ...]) -> InstructionHelp:
    lines = (getdoc(forms[0].function) or "").splitlines()
    examples = tuple(_example(line) for line in lines if line.count("|") == 2)
    text = "\n".join(line for line in lines[1:] if line.count("|") != 2).strip()
    rows = tuple(InstructionRow(_pattern(form), encoding(form)) for form in forms)
    return InstructionHelp(name, lines[0] if lines else "", text, tuple(dict.fromkeys(rows)), examples)


def _pattern(form: Form) -> str:
    return f"{form.mnemonic} {', '.join(form.operands)}".rstrip()


def encoding(form: Form) -> str:
    """As the manual prints it: `66 FF /6`, `50 +r`, `68 id`."""
    parts = [f"{byte:02X}" for byte in form.opcode]
    if form.operand_size == 2:
        parts.insert(0, "66")
    if form.digit is not None:
        parts.append(f"/{form.digit}")
    elif form.modrm:
        parts.append("/r")
    if form.plus_register:
        parts.append("+r")
    return " ".join((*parts, *form.immediates))


def _example(line: str) -> Example:
    before, middle, after = (part.strip() for part in line.split("|"))
    text, _, data = middle.rpartition("=")
    return Example(before, text.strip(), data.strip(), after)


def mnemonics() -> tuple[str, ...]:
    """The stems of all mnemonics, in alphabetical order."""
    return tuple(sorted({form.stem for forms in by_mnemonic().values() for form in forms}))
