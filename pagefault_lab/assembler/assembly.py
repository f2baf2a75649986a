"""One assembly: statements are executed one after the other, and leave fragments, symbols and problems behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pagefault_lab.assembler import complaints
from pagefault_lab.assembler.cursor import Cursor
from pagefault_lab.assembler.directives import directives
from pagefault_lab.assembler.encoder import PREFIXES, WISHES, Jump, Prefixes, encode
from pagefault_lab.assembler.expressions import OFFSET_TABLE, SLOT, Expression, Reference
from pagefault_lab.assembler.forms import is_mnemonic
from pagefault_lab.assembler.fragments import Branch, Fixup, Fragment, Origin
from pagefault_lab.assembler.inputs import DIRECTIVE_OF_BLOCK, Hopeless, Include, Inputs, UnfinishedBlock
from pagefault_lab.assembler.macros import Expansion, Macro, bind_arguments, replace
from pagefault_lab.assembler.operands import read_operands
from pagefault_lab.assembler.output import Output
from pagefault_lab.assembler.source import Statement
from pagefault_lab.assembler.symbols import SymbolEntry, SymbolTable
from pagefault_lab.assembler.values import known_now
from pagefault_lab.problem import Problem

MOST_PROBLEMS: Final = 50

_START: Final = re.compile(
    r'[ \t]*(?:([A-Za-z_.$\x80-\U0010FFFF][\w.$]*)|([0-9]+)(?=[ \t]*:)|"((?:[^"\\]|\\.)+)"(?=[ \t]*[:=]))'
    r"(?:[ \t]*(:)|[ \t]*(==?)(?!=))?"
)
_PSEUDO_PREFIX: Final = re.compile(r"[ \t]*\{[ \t]*(\w+)[ \t]*\}")
# Debugging information of compilers would need the line tables that .loc asks for; it is left out.
_FOR_SECTIONS: Final = re.compile(
    r"\.(text|data|bss|\w*section|previous|file|ident|if\w*|else\w*|endif)$", re.IGNORECASE
)


@dataclass(slots=True, eq=False)
class Record:
    """From where to where a statement put bytes; for the listing."""

    statement: Statement
    first: Fragment
    start: int
    last: Fragment
    end: int
    word: str  # as in Line
    depth: int


class Assembly(Output):
    """The state between two statements, and what directives may do to it: an output, whose names have values, and the
    `inputs` that it is made of."""

    def __init__(
        self, external: Mapping[str, int], include: Include = None, macros: dict[str, Macro] | None = None
    ) -> None:
        super().__init__()
        self.inputs = Inputs(include)
        self.symbols = SymbolTable(external)
        self.macros = {} if macros is None else macros  # by name in lower case
        self.macro_calls = 0
        self.declared_local: set[str] = set()
        self.problems: list[Problem] = []
        self.failed: list[Statement] = []
        self.spoiled: set[str] = set()  # names whose definitions were wrong
        self.records: list[Record] = []
        self._labelled = False  # the current statement has a label
        self.word = ""  # the mnemonic or directive that the current statement begins with, in lower case
        self._slots: dict[SymbolEntry, SymbolEntry] = {}  # of the offset table
        self._directives = directives()

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, source: str, file: str) -> None:
        """Execute all statements of the text; what is wrong with them is collected in `problems`."""
        self.inputs.begin(source, file)
        while self.inputs:
            try:
                statement = self.inputs.next()
                if statement is None:
                    self.inputs.end()
                    continue
                self.statement = statement
                self.inputs.count(statement)
                self._execute(statement)
            except UnfinishedBlock:
                raise
            except Problem as problem:
                self.problems.append(self.statement.place(problem))
                self.failed.append(self.statement)
                if isinstance(problem, Hopeless):
                    self.inputs.stop()
                if len(self.problems) >= MOST_PROBLEMS:
                    return

    def _execute(self, statement: Statement) -> None:
        text = statement.text
        if self.inputs.skipping:
            match = DIRECTIVE_OF_BLOCK.match(text)
            known = self._directives.get(match[1].lower()) if match else None
            if match is not None and known is not None and known.conditional:
                self._direct(statement, match[1], match.end())
            return
        place, first, start = self.place, self.fragment, len(self.fragment.data)
        self._labelled, self.word = False, ""
        self._statement(statement, text)
        last = self.fragment
        if self.place != place or self.absolute_place is not None:
            return
        if self._labelled or last is not first or len(last.data) != start:
            depth = statement.expansion.depth if statement.expansion else 0
            self.records.append(Record(statement, first, start, last, len(last.data), self.word, depth))

    def _statement(self, statement: Statement, text: str) -> None:
        position = 0
        while True:
            match = _START.match(text, position)
            if match is None:
                return self._odd_start(statement, position)
            name, number, quoted, colon, equals = match.groups()
            if colon:
                column = match.start(match.lastindex or 0) if name is None else match.start(1)
                self.define_label(name or quoted or self.symbols.numeric_name(int(number[:9])), column)
                position = match.end()
                if not text[position:].strip():
                    return None
                continue
            if equals:
                cursor = Cursor(text, match.end(), self)
                self.spoiled.add(name or quoted)
                self.assign(name or quoted, cursor.expression(), match.start(), once=equals == "==")
                cursor.end()
                return self.spoiled.discard(name or quoted)
            if name is None:
                return self._odd_start(statement, position)
            word, end = name, match.end(1)
            if word[0] == "." and word.lower() in self._directives:
                return self._direct(statement, word, end)
            macro = self.macros.get(word.lower())
            if macro is not None:
                return self._expand(macro, text[end:], statement)
            if word[0] == ".":
                known = [*self._directives, *self.macros]
                raise complaints.unknown_mnemonic(word, match.start(1), known)
            return self._instruction(text, match.start(1))

    def _odd_start(self, statement: Statement, position: int) -> None:
        text = statement.text
        if _PSEUDO_PREFIX.match(text, position):
            return self._instruction(text, position)
        rest = text[position:].lstrip()
        column = len(text) - len(rest)
        raise Problem(
            f"no statement can begin with {rest[:1]}", "a label, an instruction or a directive", column=column
        )

    def _direct(self, statement: Statement, word: str, end: int) -> None:
        if self.section.name.startswith(".debug_") and not _FOR_SECTIONS.match(word):
            return
        self.word = word.lower()
        cursor = Cursor(statement.text, end, self)
        found = self._directives[self.word]
        found.function(self, cursor)
        if found.conditional:
            self.inputs.look_at_conditions()
        if cursor.position < len(cursor.text):
            cursor.end()

    def _instruction(self, text: str, position: int) -> None:
        prefixes = Prefixes()
        while True:
            match = _PSEUDO_PREFIX.match(text, position)
            if match is not None:
                if match[1].lower() not in WISHES:
                    raise Problem(
                        f"{{{match[1]}}} is not known", "{load} {store} {disp8} {disp32} are", column=position
                    )
                prefixes.wishes.append(match[1].lower())
                position = match.end()
                continue
            match = _START.match(text, position)
            if match is None or match[1] is None:
                raise Problem("an instruction is missing here", column=position)
            word = match[1]
            mnemonic = word.lower()
            self.word = self.word or mnemonic
            column, position = match.start(1), match.end(1)
            if mnemonic not in PREFIXES:
                if is_mnemonic(mnemonic):
                    break
                raise complaints.unknown_mnemonic(word, column, [*PREFIXES, *self.macros])
            if not text[position:].strip():  # a prefix as a statement of its own, perhaps with others before it
                self.emit(prefixes.encoded() + bytes([PREFIXES[mnemonic][1]]))
                return
            prefixes.add(mnemonic, column)
        operands = read_operands(Cursor(text, position, self))
        found = encode(mnemonic, operands, prefixes, self.bits, column)
        if isinstance(found, Jump):
            self.close_fragment(
                Branch(found.short, found.long, found.long_size, found.target, self.statement, found.column)
            )
            return
        fragment = self.fragment
        if fragment.section.kind == "nobits":
            raise self.no_contents()
        start = len(fragment.data)
        fragment.data += found.code
        for each in found.fields:
            fragment.fixups.append(
                Fixup(start + each.offset, each.size, each.value, each.relative, self.statement, each.column)
            )

    def _expand(self, macro: Macro, arguments: str, statement: Statement) -> None:
        values = bind_arguments(macro, arguments)
        expansion = Expansion(macro, statement)
        self.macro_calls += 1
        found = replace(macro.body, values, self.macro_calls - 1, expansion)
        self.inputs.insert(found, is_macro=True)

    # --- Scope: where expressions find names --------------------------------------------------------------------------

    def symbol(self, name: str, column: int) -> SymbolEntry:
        if name == OFFSET_TABLE:
            return self.offset_table(column)
        return self.symbols.use(name, self.statement, column)

    def local_label(self, number: int, way: str, column: int) -> SymbolEntry:
        return self.symbols.numeric_use(number, way, self.statement, column)

    def here(self) -> Expression:
        if (place := self.absolute_place) is not None:
            return place
        entry = SymbolEntry(".")
        entry.section, entry.fragment, entry.offset = self.fragment.section, self.fragment, len(self.fragment.data)
        return Reference(entry)

    def offset_table(self, column: int) -> SymbolEntry:
        """The table of position-independent code. Nothing is linked later, so it is a section like others, .got."""
        entry = self.symbols.use(OFFSET_TABLE, self.statement, column)
        if not entry.defined:
            with self.in_section(".got", 0):
                self.section.alignment = 4
                self.symbols.define_label(OFFSET_TABLE, self.fragment, self.statement, column)
        return entry

    def offset_slot(self, symbol: SymbolEntry, column: int) -> SymbolEntry:
        """The place in the table that holds the symbol's address."""
        self.offset_table(column)
        slot = self._slots.get(symbol)
        if slot is None:
            slot = self._slots[symbol] = SymbolEntry(symbol.name + SLOT)
            with self.in_section(".got", 0):
                slot.section, slot.fragment, slot.offset = self.section, self.fragment, len(self.fragment.data)
                self.emit_value(symbol.reference(), 4, column)
        return slot

    def known(self, value: Expression) -> int | None:
        return known_now(value)

    def is_defined(self, name: str) -> bool:
        """Whether the symbol has a value or a place before this line."""
        entry = self.symbols.entries.get(name)
        return entry.defined if entry is not None else name in self.symbols.external

    # --- names --------------------------------------------------------------------------------------------------------

    def define_label(self, name: str, column: int) -> None:
        """`name` is the place where the next byte goes."""
        if (place := self.absolute_place) is not None:
            self.symbols.set(name, place, self.statement, column, once=True)
            return
        self.symbols.define_label(name, self.fragment, self.statement, column)
        self._labelled = True

    def assign(self, name: str, value: Expression, column: int, *, once: bool = False) -> None:
        """`name` stands for `value`; the name `.` moves the location."""
        if name == ".":
            self.close_fragment(Origin(value, 0, self.statement, column))
            return
        self.symbols.set(name, value, self.statement, column, once=once)
