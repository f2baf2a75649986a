"""Typed code: assembled, placed by the host, and a program that grows.

Lines are placed one behind the other in a scratch region of the current privilege, never over earlier ones. The bytes
go straight into physical memory: no TLB entry, no A and no D bit changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab import language, peeking
from pagefault_lab.lab.assembled import Assembled, ProgramLine, SourceLine, leading_fill
from pagefault_lab.lab.results import Defined, Message, Symbol, Typed, Unfinished
from pagefault_lab.lab.symbols import is_local
from pagefault_lab.machine.registers import CS
from pagefault_lab.problem import Problem, Problems

if TYPE_CHECKING:
    from pathlib import Path

    from pagefault_lab.lab.session import Session
    from pagefault_lab.worlds import Region

# patterns that are seldom needed: `re` compiles and keeps them at their first use
_FIRST_ORG: Final = r"(?s)(?:\s*(?:#[^\n]*|/\*.*?\*/))*\s*\.org\b"
_MACRO: Final = r"(?m)^\s*\.macro\s+([\w.$]+)"
_FIRST_WORD: Final = r"\s*([\w.$]+)"


class TypedCode:
    """What was typed in one session.

    `program` holds its statements where they lie. `block` is where the last placed block begins. `macros` are those
    defined so far, by name, as text. `pending` are the lines of a block that is not finished: up to `end` if the first
    is the command that opens one, else until what is missing is there.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.taken: dict[int, int] = {}  # by a region's start: the first free address
        self.program: tuple[ProgramLine, ...] = ()
        self.block: int | None = None
        self.macros: dict[str, str] = {}
        self.pending: list[str] = []
        self.placing_only = False  # the pending block is one that `end` ends

    def save(self) -> tuple[Any, ...]:
        """The state that goes back in time, as a value."""
        return dict(self.taken), self.program, self.block, dict(self.macros)

    def restore(self, saved: tuple[Any, ...]) -> None:
        taken, self.program, self.block, macros = saved
        self.taken, self.macros = dict(taken), dict(macros)

    # --- where

    @property
    def region(self) -> Region | None:
        """Where lines typed now are placed."""
        return self.session.world.scratch(self.session.ring)

    def free(self, region: Region) -> int:
        """The first free address of a region."""
        return self.taken.get(region.start, region.start)

    def ends(self) -> set[int]:
        """Where typed code ends, at every ring."""
        world = self.session.world
        return {self.free(region) for region in (world.user_scratch, world.kernel_scratch) if region is not None}

    @property
    def contains_eip(self) -> bool:
        region = self.region
        return region is not None and self.session.here in region

    @property
    def ends_at_eip(self) -> bool:
        """Whether nothing was typed for where EIP stands."""
        region = self.region
        return region is not None and self.session.here == self.free(region)

    def stand_at_end(self) -> None:
        """Put EIP where the next line will be placed."""
        region = self.region
        if region is not None:
            self.session.machine.cpu.eip = self.session.eip_of(self.free(region))

    @property
    def start(self) -> int | None:
        """Where the program begins: its last block, else the first line typed at this ring; None without either."""
        if self.block is not None:
            return self.block
        region = self.region
        return next((line.address for line in self.program if region is not None and line.address in region), None)

    @property
    def source_lines(self) -> list[SourceLine]:
        """The lines of files that instructions were made of, those of the newest file last."""
        modules = self.session.symbols.modules.values()
        loaded = [
            SourceLine(line.file, line.line, line.address) for line in self.program if line.file and line.is_instruction
        ]
        return [*(line for module in modules for line in module.lines), *loaded]

    # --- statements and blocks

    def is_statement(self, line: str) -> bool:
        """Whether a line begins with what the assembler knows, or with the name of a macro that was typed."""
        from pagefault_lab.assembler import is_statement

        word = re.match(_FIRST_WORD, line)
        return is_statement(line) or (word is not None and word[1] in self.macros)

    def statement(self, text: str) -> Iterator[object]:
        """A typed line: assembled, placed and, if it is code, executed. It may turn out to be unfinished."""
        from pagefault_lab.assembler import Unfinished as NotYet

        try:
            found = self.assemble(text)
        except NotYet as unfinished:
            self.pending, self.placing_only = text.split("\n"), False
            self.session.note_line("")
            yield Unfinished(tuple(self.pending), ", ".join(unfinished.missing) or f"its end ({unfinished.hint})")
            return
        self.session.note_line(text)
        yield from self.place_and_execute(text, found)

    def open_block(self, line: str) -> None:
        """The lines that follow, up to `end`, are one block, placed and not executed."""
        self.pending, self.placing_only = [line], True
        self.session.note_line("")

    def continue_block(self, line: str) -> Iterator[object]:
        """One more line of the pending block. If it is wrong, the block waits for another one."""
        try:
            yield from self._go_on_with_block(line)
        except Problem as problem:
            raise self._with_way_out(problem, line) from None

    def _with_way_out(self, problem: Problem, line: str) -> Problem:
        """What is wrong with a line of the pending block; a line that is no statement may have been meant outside."""
        if self.is_statement(line):
            return problem
        way_out = "`end` finishes the block" if self.placing_only else f"`end` forgets `{self.pending[0].strip()}`"
        command = language.spoken().find(line, abbreviated=False)
        if command is not None:
            column = len(line) - len(line.lstrip())
            sentence = f"{command.spelling} is a command, and the code before it is not finished"
            return Problem(sentence, way_out, text=line, column=column)
        problems = problem.problems if isinstance(problem, Problems) else (problem,)
        problems[-1].hint = f"{problems[-1].hint}; {way_out}" if problems[-1].hint else way_out
        return Problems(problems)

    def _go_on_with_block(self, line: str) -> Iterator[object]:
        from pagefault_lab.assembler import Unfinished as NotYet

        ended = line.strip() == "end"
        if not self.placing_only:
            if ended:
                self.pending = []
                self.session.note_line("")
                yield Message("the unfinished lines are forgotten")
            else:
                yield from self.statement_of_block(line)
            return
        lines = ["", *self.pending[1:]]  # the block's own lines count from 2
        if not ended:
            with suppress(NotYet):  # a later line may define it
                self.assemble("\n".join((*lines, line)), more_follows=True)
            self.pending.append(line)
            self.session.note_line("")
            return
        found = self.assemble("\n".join(lines))
        opened = self.pending[0]
        self.session.note_line("\n".join((*self.pending, line)))
        self.pending = []
        yield from self.place(opened, found)

    def statement_of_block(self, line: str) -> Iterator[object]:
        """One more line of statements that wait for something."""
        before = self.pending
        self.pending = []
        try:
            yield from self.statement("\n".join((*before, line)))
        except Problem:
            self.pending = before
            raise

    def assemble(self, text: str, more_follows: bool = False) -> Assembled:
        """The text for the next free place of this ring. `more_follows`: later lines may define what is missing."""
        from pagefault_lab.assembler import assemble_line

        region = self._region()
        segment = self.session.machine.cpu.segments[CS]
        known = "".join(macro + "\n" for name, macro in self.macros.items())
        first = known + ("" if segment.big else ".code16;")
        try:
            at = self.session.eip_of(self.free(region))
            program = assemble_line(first + text, at, self.session.symbols, more_follows=more_follows)
        except Problem as problem:
            raise _as_typed(problem, first, "\n" in text) from None
        found = Assembled.of(program, segment.base)
        if found.free > region.end:
            size = (region.end - region.start) // 1024
            raise Problem(f"this does not fit: typed code has {size} KiB, and they are full", "`world` starts anew")
        return found

    def load(self, file: Path) -> Iterator[object]:
        """Assemble a file and place it: at its first `.org` if it begins with one, else as if it was typed."""
        from pagefault_lab.assembler import assemble

        files, name = self.session.files, str(file)
        text = files.text(file)
        region = self._region()
        elsewhere = re.match(_FIRST_ORG, text) is not None
        origin = 0 if elsewhere else self.session.eip_of(self.free(region))
        program = assemble(
            text, name=name, origin=origin, symbols=self.session.symbols, include=files.below(file.parent)
        )
        skip = leading_fill(program) if elsewhere else 0
        found = Assembled.of(program, self.session.machine.cpu.segments[CS].base, skip, name)
        if not elsewhere and found.free > region.end:
            raise Problem(f"{name} does not fit: typed code has {region.end - region.start} bytes", "begin with .org")
        yield from self.place(f"load {name}", found, found.symbols.get("_start"))

    def _region(self) -> Region:
        region = self.region
        if region is None:
            raise Problem(f"this world has no place for code typed at CPL {self.session.ring}")
        return region

    # --- placing

    def place_and_execute(self, text: str, found: Assembled) -> Iterator[object]:
        """Place a statement; if it is code, execute it there and then."""
        session = self.session
        cpu = session.machine.cpu
        if found.entry is None:
            yield from self.place(text, found)
            self.macros |= dict.fromkeys(re.findall(_MACRO, text), text)
            return
        session.check_runs()
        session.changing()
        back_to = None if self.contains_eip else (cpu.segments[CS].selector, cpu.eip)
        self._put(found)
        cpu.eip = session.eip_of(found.entry)
        session.typed_lines.begin(text, found.start, found.end, back_to)
        session.changed_by_host()
        yield self._typed(text, found, executes=True)
        yield from session.runner.drive()

    def place(self, text: str, found: Assembled, entry: int | None = None) -> Iterator[object]:
        """Place code or data without executing it.

        Where EIP stands in typed code, it goes to `entry`, or the first instruction; behind what was placed if there is
        none. Elsewhere (in a handler) it stays.
        """
        session = self.session
        session.changing()
        moves, at_end = self.contains_eip, self.ends_at_eip
        self._put(found, whole=True)
        entry = found.entry if entry is None else entry
        if entry is not None:
            self.block = entry
            if moves:
                session.machine.cpu.eip = session.eip_of(entry)
                session.typed_lines.forget()
        elif at_end:
            self.stand_at_end()
        session.changed_by_host()
        if found.parts:
            yield self._typed(text, found, executes=False)
        names = [name for name in found.symbols if not is_local(name)]
        if names:
            symbols = session.symbols
            yield Defined(tuple(Symbol(name, symbols[name], symbols.kind(name)) for name in names))

    def _put(self, found: Assembled, whole: bool = False) -> None:
        """Put it into memory, and its names into the symbols. They reach no further than it if it is a `whole`; a line
        that is executed may go on with the next one."""
        region = self._region()
        for address, data in found.parts:
            try:
                peeking.place(self.session.machine, address, data)
            except Problem as problem:
                problem.hint = f"typed code goes there; {problem.hint}"
                raise
        if found.start == self.free(region):
            self.taken[region.start] = found.free
        self.program += found.lines
        end = found.free if whole and found.parts else None
        for name, value in found.symbols.items():
            self.session.symbols.define(name, value, name in found.constants, end)

    def _typed(self, text: str, found: Assembled, executes: bool) -> Typed:
        from pagefault_lab.assembler.disassembler import disassemble

        address = found.parts[0][0]
        shown = ""
        if found.entry is not None:
            size = 4 if self.session.machine.cpu.segments[CS].big else 2
            code = next(line.bytes for line in found.lines if line.address == found.entry)
            shown = disassemble(code, found.entry, size, self.session.symbols.name).annotated
        return Typed(text, address, found.data, shown, executes)


def _as_typed(problem: Problem, before: str, many: bool) -> Problem:
    """A problem of the assembler, placed in what was typed; `before` was put in front of that."""
    lines = before.count("\n")
    added = len(before) - before.rfind("\n") - 1
    for each in (problem, *(problem.problems if isinstance(problem, Problems) else ())):
        if each.text is not None and each.line == lines + 1:
            each.text = each.text[added:]
            each.column = max(0, (each.column or 0) - added)
        each.file = None
        each.line = (each.line or 0) - lines if many else None
    return problem
