"""The doors to the assembler: whole programs, single typed lines, and what the prompt asks about words."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from pagefault_lab.assembler.assembly import Assembly
from pagefault_lab.assembler.directives import directives
from pagefault_lab.assembler.encoder import PREFIXES
from pagefault_lab.assembler.expressions import Reference
from pagefault_lab.assembler.forms import is_mnemonic
from pagefault_lab.assembler.fragments import Branch
from pagefault_lab.assembler.inputs import Include, UnfinishedBlock
from pagefault_lab.assembler.linking import Options, link
from pagefault_lab.assembler.macros import Macro
from pagefault_lab.assembler.program import Program, Symbol
from pagefault_lab.assembler.symbols import REGISTER_WORDS, shown_name
from pagefault_lab.machine.instructions import by_mnemonic
from pagefault_lab.problem import Problem, Problems, closest


class Unfinished(Problem):
    """The line is right as far as it goes: lines that define `missing`, or that end the block, must follow.

    `missing` holds the names that jumps wait for ("done", "1f"); it is empty if a block (.macro, .rept, .if) is open.
    """

    def __init__(self, sentence: str, hint: str | None = None, missing: tuple[str, ...] = ()) -> None:
        super().__init__(sentence, hint)
        self.missing = missing


def assemble(
    source: str,
    *,
    name: str = "<input>",
    origin: int = 0,
    symbols: Mapping[str, int] | None = None,
    include: Include = None,
    layout: Mapping[str, int] | None = None,
    allow_undefined: bool = False,
    relocatable: bool = False,
) -> Program:
    """The program that the text describes, at its addresses.

    .text begins at `origin`; program.py tells where the other sections go, `layout` (section name to address) asks for
    something else. `symbols` are absolute and known from outside; the text may define them anew. `include` says where
    .include finds files: directories, or a function from the name to the text (None: no such file); without it no file
    is read. With `allow_undefined`, what stays undefined is listed in `undefined` and `relocations`. With
    `relocatable`, it is for a linker: no section has an address yet, and `relocations` lists what waits for one.

    Raises `Problems`.
    """
    assembly = Assembly(_known(source, symbols or {}), include)
    try:
        assembly.run(source, name)
    except UnfinishedBlock as problem:
        raise Problems([*assembly.problems, problem]) from None
    return link(assembly, Options(name, origin, layout, allow_undefined or relocatable, relocatable))


def assemble_line(
    text: str,
    address: int,
    symbols: Mapping[str, int | Symbol] | None = None,
    *,
    name: str = "<line>",
    include: Include = None,
    macros: dict[str, Macro] | None = None,
    more_follows: bool = False,
) -> Program:
    """One typed line, or several, for `address`. The bytes are the program's `data`.

    `symbols` are the session's; pass the `symbols` of earlier lines back to keep their labels (numeric ones go by
    their digits). A label typed here may have the name of an earlier one and then replaces it. Jumps to known
    addresses are as short as they can be, as if all lines were one program. `macros` are the session's: the ones that
    may be used here; those defined here are added.

    Raises `Unfinished` if a jump goes to a label that is not yet there or a block is open, else `Problems`. Where
    `more_follows`, a label may be missing in any other place too; but a register without its % is told at once.
    """
    values = {name: each if isinstance(each, int) else each.value for name, each in (symbols or {}).items()}
    assembly = Assembly(_known(text, values), include, macros)
    try:
        assembly.run(text, name)
    except UnfinishedBlock as problem:
        if assembly.problems:
            raise Problems(assembly.problems) from None
        raise Unfinished(problem.sentence, problem.hint) from None
    if assembly.problems:  # a label that is missing too may only be not yet there
        raise Problems(assembly.problems)
    _check_finished(assembly, more_follows)
    return link(assembly, Options(name, address, placed=True, keep_all=True))


_LABEL = re.compile(r"(?:^|[;:\n])[ \t]*([A-Za-z_.$][\w.$]*)[ \t]*:", re.MULTILINE)


def _known(source: str, symbols: Mapping[str, int]) -> Mapping[str, int]:
    """`symbols` without those that the text itself has a label for, also where it refers to them before."""
    labels = set(_LABEL.findall(source)) & symbols.keys() if symbols else ()
    return {name: value for name, value in symbols.items() if name not in labels} if labels else symbols


def _check_finished(assembly: Assembly, more_follows: bool) -> None:
    """Raise `Unfinished` if all that is missing are the targets of jumps, or what else may follow."""
    missing = assembly.symbols.undefined()
    if not missing:
        return
    targets = _targets(assembly)
    later = (entry for entry in missing if entry.name not in targets)
    if all(more_follows and entry.name.lower() not in REGISTER_WORDS for entry in later):
        names = tuple(shown_name(entry.name) for entry in missing)
        similar = closest(names[0], [word for word in assembly.symbols.external if not word.startswith(".L")])
        raise Unfinished(f"{names[0]} is not defined yet", similar, names)


def _targets(assembly: Assembly) -> set[str]:
    """The names that jumps and calls go to."""
    found: set[str] = set()
    for section in assembly.sections.values():
        for fragment in section.fragments():
            values = [fixup.value for fixup in fragment.fixups if fixup.relative]
            if isinstance(fragment.tail, Branch):
                values.append(fragment.tail.target)
            found.update(value.symbol.name for value in values if isinstance(value, Reference))
    return found


_FIRST_WORD = re.compile(
    r"(?:\s|;|/\*.*?\*/)*"  # nothing, or empty statements and comments
    r'(?:([A-Za-z_.$][\w.$]*|[0-9]+|"[^"]+")\s*(:(?!:)|==?(?!=))|\{\w+\}|([A-Za-z_.][\w.]*))'
)


def is_statement(text: str, macros: Container[str] = ()) -> bool:
    """Whether the first word makes this the assembler's: a label, an assignment, a mnemonic, prefix or directive.

    `macros` are the session's, see `assemble_line`.
    """
    match = _FIRST_WORD.match(text)
    if match is None:
        return False
    if match[3] is None:
        return True
    word = match[3].lower()
    return word in directives() or word in PREFIXES or is_mnemonic(word) or word in macros


def statement_words() -> dict[str, str]:
    """Every word a statement can begin with, and a few words about it; for completion."""
    found = {name: each.help.splitlines()[0] if each.help else "" for name, each in directives().items()}
    found |= dict.fromkeys(PREFIXES, "prefix")
    for mnemonic, forms in by_mnemonic().items():
        if not is_mnemonic(mnemonic):
            continue
        found[mnemonic] = (forms[0].function.__doc__ or "").strip().split("\n")[0]
    return found


def directive_help(name: str) -> str | None:
    """What the directive does, or None if there is none of that name."""
    found = directives().get(name.lower())
    return found.help if found else None
