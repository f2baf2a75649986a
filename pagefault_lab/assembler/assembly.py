"""One assembly: statements are executed one after the other, and leave fragments, symbols and problems behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Final, TypeAlias

from pagefault_lab.assembler import complaints
from pagefault_lab.assembler.cursor import Cursor
from pagefault_lab.assembler.directives import directives
from pagefault_lab.assembler.encoder import PREFIXES, WISHES, Jump, Prefixes, encode
from pagefault_lab.assembler.expressions import OFFSET_TABLE, SLOT, Expression, Reference, fits
from pagefault_lab.assembler.forms import is_mnemonic
from pagefault_lab.assembler.fragments import ABSOLUTE, Alignment, Branch, Fixup, Fragment, Origin, Section, Tail
from pagefault_lab.assembler.macros import Expansion, Macro, bind_arguments, replace
from pagefault_lab.assembler.operands import read_operands
from pagefault_lab.assembler.relaxation import LARGEST
from pagefault_lab.assembler.source import Statement, statements
from pagefault_lab.assembler.symbols import SymbolEntry, SymbolTable
from pagefault_lab.assembler.values import known_now
from pagefault_lab.machine.effort import EFFORT, STATEMENT
from pagefault_lab.problem import Problem

Include: TypeAlias = "Callable[[str], str | bytes | None] | Iterable[str | Path] | None"

MOST_STATEMENTS: Final = 200_000  # executed, repetitions and macros included
MOST_CHARACTERS: Final = 2_000_000  # in them
DEEPEST: Final = 100  # macros, repetitions and files within each other
MOST_PROBLEMS: Final = 50

_START: Final = re.compile(
    r'[ \t]*(?:([A-Za-z_.$\x80-\U0010FFFF][\w.$]*)|([0-9]+)(?=[ \t]*:)|"((?:[^"\\]|\\.)+)"(?=[ \t]*[:=]))'
    r"(?:[ \t]*(:)|[ \t]*(==?)(?!=))?"
)
_PSEUDO_PREFIX: Final = re.compile(r"[ \t]*\{[ \t]*(\w+)[ \t]*\}")
_DIRECTIVE_OF_BLOCK: Final = re.compile(r"[ \t]*(?:[\w.$]+[ \t]*:[ \t]*)*(\.\w+)")
# Debugging information of compilers would need the line tables that .loc asks for; it is left out.
_FOR_SECTIONS: Final = re.compile(
    r"\.(text|data|bss|\w*section|previous|file|ident|if\w*|else\w*|endif)$", re.IGNORECASE
)
_DEFAULTS: Final = (
    (".text", "ax", "progbits"), (".rodata", "a", "progbits"), (".data", "wa", "progbits"), (".bss", "wa", "nobits"),
    (".init_array", "wa", "init_array"), (".fini_array", "wa", "fini_array"), (".init", "ax", "progbits"),
    (".fini", "ax", "progbits"), (".note", "", "note"), (".got", "wa", "progbits"), (".tdata", "waT", "progbits"),
    (".tbss", "waT", "nobits"),
)  # fmt: skip


class UnfinishedBlock(Problem):
    """The text ends inside a block: .macro, .rept, .if. `opened_by` is the line that began it."""


@dataclass(slots=True)
class Condition:
    """An .if block. `taken`: one of its parts counted already; `active`: this part does."""

    taken: bool
    active: bool
    opened_at: Statement
    in_else: bool = False


@dataclass(slots=True)
class _Input:
    """Where statements come from: a file, a macro's body, a repetition."""

    statements: Iterator[Statement]
    conditions: int  # open when it began
    is_macro: bool = False
    is_file: bool = False


@dataclass(slots=True, eq=False)
class Record:
    """From where to where a statement put bytes; for the listing."""

    statement: Statement
    first: Fragment
    start: int
    last: Fragment
    end: int
    depth: int


class Assembly:
    """The state between two statements, and what directives may do to it."""

    def __init__(
        self, external: Mapping[str, int], include: Include = None, macros: dict[str, Macro] | None = None
    ) -> None:
        self.symbols = SymbolTable(external)
        self.sections: dict[str, Section] = {}
        self.macros = {} if macros is None else macros  # by name in lower case
        self.macro_calls = 0
        self.declared_local: set[str] = set()
        self.problems: list[Problem] = []
        self.failed: list[Statement] = []
        self.spoiled: set[str] = set()  # names whose definitions were wrong
        self.records: list[Record] = []
        self.statement = Statement("", 0, "", 1, "")
        self.skipping = False
        self._labelled = False  # the current statement has a label
        self._bits = 32
        self._include = include
        self._inputs: list[_Input] = []
        self._conditions: list[Condition] = []
        self._executed = 0
        self._characters = 0
        self._room = LARGEST  # bytes that may still be emitted
        self._starts: dict[Fragment, int] = {}  # of what .struct describes
        self._slots: dict[SymbolEntry, SymbolEntry] = {}  # of the offset table
        self._section_stack: list[tuple[tuple[str, int], tuple[str, int]]] = []
        self._directives = directives()
        for name in (".text", ".data", ".bss"):
            self._section(name, None, None)
        self._place = self._previous = (".text", 0)
        self.fragment = self._last_fragment()

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, source: str, file: str) -> None:
        """Execute all statements of the text; what is wrong with them is collected in `problems`."""
        self._inputs.append(_Input(statements(source, file), 0, is_file=True))
        while self._inputs:
            try:
                statement = self._next()
                if statement is None:
                    self._end_input()
                    continue
                self.statement = statement
                self._executed += 1
                EFFORT.spend(STATEMENT)
                self._characters += len(statement.text)
                if self._executed > MOST_STATEMENTS or self._characters > MOST_CHARACTERS:
                    self._inputs.clear()
                    limits = f"more than {MOST_STATEMENTS} lines or {MOST_CHARACTERS} characters"
                    raise Problem("this program is too long with its repetitions and macros", limits)
                self._execute(statement)
            except UnfinishedBlock:
                raise
            except Problem as problem:
                self.problems.append(self.statement.place(problem))
                self.failed.append(self.statement)
                if len(self.problems) >= MOST_PROBLEMS:
                    return

    def _next(self) -> Statement | None:
        return next(self._inputs[-1].statements, None)

    def _end_input(self) -> None:
        ended = self._inputs.pop()
        if len(self._conditions) <= ended.conditions:
            return
        condition = self._conditions[ended.conditions]
        del self._conditions[ended.conditions :]
        self.skipping = False  # what began it was not left out
        problem = Problem("this .if is not ended", "an .endif is missing")
        if not self._inputs:
            problem = UnfinishedBlock(problem.sentence, problem.hint)
        condition.opened_at.place(problem)
        raise problem

    def _execute(self, statement: Statement) -> None:
        text = statement.text
        if self.skipping:
            match = _DIRECTIVE_OF_BLOCK.match(text)
            known = self._directives.get(match[1].lower()) if match else None
            if match is not None and known is not None and known.conditional:
                self._direct(statement, match[1], match.end())
            return
        place, first, start = self._place, self.fragment, len(self.fragment.data)
        self._labelled = False
        self._statement(statement, text)
        last = self.fragment
        if self._place != place or self.absolute_place is not None:
            return
        if self._labelled or last is not first or len(last.data) != start:
            depth = statement.expansion.depth if statement.expansion else 0
            self.records.append(Record(statement, first, start, last, len(last.data), depth))

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
        cursor = Cursor(statement.text, end, self)
        found = self._directives[word.lower()]
        found.function(self, cursor)
        if found.conditional:
            self.skipping = not all(condition.active for condition in self._conditions)
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
            column, position = match.start(1), match.end(1)
            if mnemonic not in PREFIXES:
                if is_mnemonic(mnemonic):
                    break
                raise complaints.unknown_mnemonic(word, column, [*PREFIXES, *self.macros])
            prefixes.add(mnemonic, column)
            if not text[position:].strip():
                self.emit(prefixes.encoded())
                return
        operands = read_operands(Cursor(text, position, self))
        found = encode(mnemonic, operands, prefixes, self._bits, column)
        if isinstance(found, Jump):
            self.close_fragment(
                Branch(found.short, found.long, found.long_size, found.target, self.statement, found.column)
            )
            return
        fragment = self.fragment
        if fragment.section.kind == "nobits":
            raise self._no_contents()
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
        self._push(chain.from_iterable(self._split(each) for each in found), is_macro=True)

    def _split(self, statement: Statement) -> Iterable[Statement]:
        """A replaced argument may have brought a ; or a comment."""
        if statement.column == 0 and statement.written == statement.text and re.search("[;#\n]|/[*]", statement.text):
            return statements(statement.text, statement.file, statement.line, statement.expansion)
        return (statement,)

    def _push(self, source: Iterator[Statement], *, is_macro: bool = False, is_file: bool = False) -> None:
        if len(self._inputs) >= DEEPEST:
            self._inputs = self._inputs[:1]  # what is behind the outermost call still counts
            raise Problem(f"more than {DEEPEST} macros, repetitions and files are within each other")
        self._inputs.append(_Input(source, len(self._conditions), is_macro, is_file))

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

    # --- bytes --------------------------------------------------------------------------------------------------------

    @property
    def section(self) -> Section:
        """The one that bytes go to."""
        return self.fragment.section

    def emit(self, data: bytes) -> None:
        fragment = self.fragment
        if fragment.section.kind == "nobits" and any(data):
            raise self._no_contents()
        self._room -= len(data)
        if self._room < 0:
            self._inputs.clear()
            raise Problem(f"the program grows beyond {LARGEST >> 20} MiB")
        fragment.data += data

    def emit_value(self, value: Expression, size: int, column: int) -> None:
        """A number of `size` bytes, now or when it is known."""
        if type(value) is int:
            if not (fits(value, size) or size == 8):
                low, high = -(1 << 8 * size - 1), (1 << 8 * size) - 1
                shown = str(value) if abs(value) < 100_000 else hex(value)
                plural = "s" if size > 1 else ""
                raise Problem(f"{shown} does not fit in {size} byte{plural}", f"{low} to {high} does", column=column)
            self.emit((value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))
            return
        fragment = self.fragment
        if fragment.section.kind == "nobits":
            raise self._no_contents()
        fragment.fixups.append(Fixup(len(fragment.data), size, value, False, self.statement, column))
        fragment.data += bytes(size)

    def emit_repeated(self, pattern: bytes, count: int, column: int) -> None:
        """`pattern`, `count` times; neither negative nor beyond all bounds."""
        if count < 0:
            raise Problem("the number of bytes is negative", f"it is {count}", column=column)
        if count * len(pattern) > LARGEST:
            raise Problem(f"{count * len(pattern)} bytes are too many", f"at most {LARGEST >> 20} MiB", column=column)
        self.emit(pattern * count)

    def close_fragment(self, tail: Tail) -> None:
        """End the fragment with a part of variable length and begin the next."""
        if isinstance(tail, Branch) and self.fragment.section.kind == "nobits":
            raise self._no_contents()
        if (place := self.absolute_place) is not None:
            self.emit_repeated(b"\0", _length_at(place, tail), 0)
            return
        fragments = self._fragments()
        self.fragment.tail = tail
        self.fragment = Fragment(self.fragment.section, self._bits)
        fragments.append(self.fragment)

    def set_bits(self, bits: int) -> None:
        """What follows is code for a segment of this size."""
        self._bits = bits
        self.fragment.bits = bits

    def _no_contents(self) -> Problem:
        if self.absolute_place is not None:
            return Problem("a .struct has labels and room, but no contents", ".text or .data ends it")
        return Problem(f"section {self.section.name} has no contents", "room is made by .skip; bytes belong to .data")

    # --- sections -----------------------------------------------------------------------------------------------------

    def enter_section(self, name: str, subsection: int, flags: str | None = None, kind: str | None = None) -> None:
        """What follows belongs to that section; flags and kind count when it is mentioned first."""
        self._section(name, flags, kind)
        self._previous, self._place = self._place, (name, subsection)
        self.fragment = self._last_fragment()
        if not self.fragment.data:
            self.fragment.bits = self._bits

    def enter_struct(self, start: int) -> None:
        """What follows lies nowhere: its labels are plain numbers, counted from `start`."""
        self.enter_section(ABSOLUTE, len(self._starts), "", "nobits")
        self._starts[self.fragment] = start

    @property
    def absolute_place(self) -> int | None:
        """The number that a label has here, if this is a .struct."""
        start = self._starts.get(self.fragment)
        return None if start is None else start + len(self.fragment.data)

    def push_section(self) -> None:
        """Remember the current section for `pop_section`."""
        self._section_stack.append((self._place, self._previous))

    def pop_section(self) -> None:
        if not self._section_stack:
            raise Problem("there is no section to go back to", "a .pushsection is missing")
        self._place, self._previous = self._section_stack.pop()
        self.fragment = self._last_fragment()

    def previous_section(self) -> None:
        self._place, self._previous = self._previous, self._place
        self.fragment = self._last_fragment()

    @contextmanager
    def in_section(self, name: str, subsection: int) -> Iterator[None]:
        """For the duration, that section is the current one."""
        before = self._place, self._previous
        self.enter_section(name, subsection)
        try:
            yield
        finally:
            self._place, self._previous = before
            self.fragment = self._last_fragment()

    def _section(self, name: str, flags: str | None, kind: str | None) -> Section:
        section = self.sections.get(name)
        if section is None:
            default_flags, default_kind = "", "progbits"
            for prefix, usual_flags, usual_kind in _DEFAULTS:
                if name == prefix or name.startswith(prefix + "."):
                    default_flags, default_kind = usual_flags, usual_kind
                    break
            section = Section(name, default_flags if flags is None else flags, default_kind if kind is None else kind)
            self.sections[name] = section
        return section

    def _fragments(self) -> list[Fragment]:
        name, number = self._place
        section = self.sections[name]
        fragments = section.subsections.get(number)
        if fragments is None:
            fragments = section.subsections[number] = [Fragment(section, self._bits)]
        return fragments

    def _last_fragment(self) -> Fragment:
        return self._fragments()[-1]

    # --- conditions ---------------------------------------------------------------------------------------------------

    def open_condition(self, *, taken: bool, active: bool) -> None:
        if len(self._conditions) >= 1000:
            raise Problem("more than 1000 .if are within each other")
        self._conditions.append(Condition(taken, active, self.statement))

    def condition(self, word: str) -> Condition:
        """The innermost open one, for .else and .elseif; its `active` may be changed until the next statement."""
        opened = self._inputs[-1].conditions if self._inputs else 0
        if len(self._conditions) <= opened:
            raise Problem(f"{word} without .if")
        condition = self._conditions[-1]
        if condition.in_else:
            raise Problem(f"{word} behind the .else of this block", f"its .if is at line {condition.opened_at.line}")
        return condition

    def close_condition(self) -> None:
        opened = self._inputs[-1].conditions if self._inputs else 0
        if len(self._conditions) <= opened:
            raise Problem(".endif without .if")
        self._conditions.pop()

    # --- blocks, repetitions, files -----------------------------------------------------------------------------------

    def collect(self, openings: tuple[str, ...], closings: tuple[str, ...]) -> list[Statement]:
        """The statements up to the matching end of the block that the current statement opens."""
        body: list[Statement] = []
        depth = 1
        while True:
            statement = self._next()
            if statement is None:
                word = openings[0]
                match = _DIRECTIVE_OF_BLOCK.match(self.statement.text)
                if match is not None:
                    word = match[1].lower()
                problem = UnfinishedBlock(f"this {word} is not ended", f"an {closings[0]} is missing")
                self.statement.place(problem)
                if len(self._inputs) == 1:
                    raise problem
                raise Problem(problem.sentence, problem.hint)
            match = _DIRECTIVE_OF_BLOCK.match(statement.text)
            if match is not None:
                word = match[1].lower()
                depth += (word in openings) - (word in closings)
                if depth == 0:
                    return body
            body.append(statement)
            if len(body) > MOST_STATEMENTS:
                raise Problem(f"this block has more than {MOST_STATEMENTS} lines")

    def insert(self, source: Iterable[Statement]) -> None:
        """These statements come next."""
        self._push(chain.from_iterable(self._split(each) for each in source))

    def insert_repeated(self, body: list[Statement], count: int, column: int) -> None:
        """The body, `count` times, comes next."""
        if count * max(1, len(body)) > MOST_STATEMENTS:
            raise Problem(f"{count} repetitions are too many", f"at most {MOST_STATEMENTS} lines", column=column)
        self._push(chain.from_iterable(repeat(body, count)))

    def leave_macro(self) -> None:
        """Drop what is left of the innermost macro call."""
        for place in range(len(self._inputs) - 1, -1, -1):
            if self._inputs[place].is_macro:
                del self._conditions[self._inputs[place].conditions :]
                del self._inputs[place:]
                return
        raise Problem(".exitm outside of a macro")

    def stop(self) -> None:
        """Nothing more is read."""
        self._conditions.clear()
        self._inputs.clear()

    def include(self, name: str, column: int) -> None:
        """The statements of a file come next."""
        text = self.read_bytes(name, column).decode("utf-8", "replace")
        if sum(each.is_file for each in self._inputs) > 30:
            self._inputs = self._inputs[:1]
            raise Problem(f"{name} is included within itself" if self.statement.file == name else "too many files")
        self._push(statements(text, name), is_file=True)

    def read_bytes(self, name: str, column: int) -> bytes:
        """The contents of a file that the program asks for, from where the caller of the assembler allows it."""
        if self._include is None:
            raise Problem("files cannot be included here", column=column)
        found: str | bytes | None = None
        if callable(self._include):
            found = self._include(name)
        else:
            found = read_below(self._include, name)
        if found is None:
            raise Problem(f"there is no file {name} to include", column=column)
        return found.encode() if isinstance(found, str) else found


def _length_at(place: int, tail: Tail) -> int:
    """How far an alignment or an origin goes in a .struct."""
    if isinstance(tail, Alignment):
        padding = -place % tail.boundary
        return 0 if tail.limit and padding > tail.limit else padding
    if isinstance(tail, Origin) and type(tail.target) is int:
        return tail.target - place
    raise Problem("a size must be known here, in a .struct", "it depends on an address or an undefined symbol")


def read_below(directories: Iterable[str | Path], name: str) -> bytes | None:
    """The file of that name in the first directory that has it; never one outside of them."""
    for directory in directories:
        root = Path(directory).resolve()
        try:
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file() and path.stat().st_size <= LARGEST:
                return path.read_bytes()
        except (OSError, ValueError):
            continue
    return None
