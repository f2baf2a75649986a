"""Where the statements of one assembly come from: files, macros' bodies, repetitions; and which of them count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Final, TypeAlias

from pagefault_lab.assembler.relaxation import LARGEST
from pagefault_lab.assembler.source import Statement, statements
from pagefault_lab.machine.effort import EFFORT, STATEMENT
from pagefault_lab.problem import Problem

Include: TypeAlias = "Callable[[str], str | bytes | None] | Iterable[str | Path] | None"

MOST_STATEMENTS: Final = 200_000  # executed, repetitions and macros included
MOST_CHARACTERS: Final = 2_000_000  # in them
DEEPEST: Final = 100  # macros, repetitions and files within each other
DEEPEST_CONDITION: Final = 1000
MOST_FILES: Final = 30  # within each other

DIRECTIVE_OF_BLOCK: Final = re.compile(r"[ \t]*(?:[\w.$]+[ \t]*:[ \t]*)*(\.\w+)")


class UnfinishedBlock(Problem):
    """The text ends inside a block: .macro, .rept, .if."""


class Hopeless(Problem):
    """A bound of the whole program is exceeded: nothing more of it is read."""


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


class Inputs:
    """The inputs that are open, each begun by a statement of the one before it, and the conditions open in them.
    `skipping`: what follows is in a part of an .if that does not count."""

    def __init__(self, include: Include) -> None:
        self.skipping = False
        self._include = include
        self._open: list[_Input] = []
        self._conditions: list[Condition] = []
        self._executed = 0
        self._characters = 0

    def __bool__(self) -> bool:
        """Whether there is more to read."""
        return bool(self._open)

    # --- statements

    def begin(self, source: str, file: str) -> None:
        """The statements of this text are all there is to read."""
        self._open = [_Input(statements(source, file), 0, is_file=True)]

    def next(self) -> Statement | None:
        """The next statement of the innermost input; None at its end."""
        return next(self._open[-1].statements, None)

    def count(self, statement: Statement) -> None:
        """A statement is about to be executed; Hopeless if they are too many."""
        self._executed += 1
        EFFORT.spend(STATEMENT)
        self._characters += len(statement.text)
        if self._executed > MOST_STATEMENTS or self._characters > MOST_CHARACTERS:
            limits = f"more than {MOST_STATEMENTS} lines or {MOST_CHARACTERS} characters"
            raise Hopeless("this program is too long with its repetitions and macros", limits)

    def end(self) -> None:
        """Close the innermost input; a Problem if a condition that was opened in it still is."""
        ended = self._open.pop()
        if len(self._conditions) <= ended.conditions:
            return
        condition = self._conditions[ended.conditions]
        del self._conditions[ended.conditions :]
        self.skipping = False  # what began it was not left out
        problem = Problem("this .if is not ended", "an .endif is missing")
        if not self._open:
            problem = UnfinishedBlock(problem.sentence, problem.hint)
        condition.opened_at.place(problem)
        raise problem

    def stop(self) -> None:
        """Nothing more is read."""
        self._conditions.clear()
        self._open.clear()

    # --- conditions

    def open_condition(self, at: Statement, *, taken: bool, active: bool) -> None:
        if len(self._conditions) >= DEEPEST_CONDITION:
            raise Problem(f"more than {DEEPEST_CONDITION} .if are within each other")
        self._conditions.append(Condition(taken, active, at))

    def condition(self, word: str) -> Condition:
        """The innermost open one, for .else and .elseif; its `active` may be changed until the next statement."""
        self._check_open(word)
        condition = self._conditions[-1]
        if condition.in_else:
            raise Problem(f"{word} behind the .else of this block", f"its .if is at line {condition.opened_at.line}")
        return condition

    def close_condition(self) -> None:
        self._check_open(".endif")
        self._conditions.pop()

    def _check_open(self, word: str) -> None:
        """A Problem if this input has opened no condition."""
        if len(self._conditions) <= (self._open[-1].conditions if self._open else 0):
            raise Problem(f"{word} without .if")

    def look_at_conditions(self) -> None:
        """Some were opened, changed or closed."""
        self.skipping = not all(condition.active for condition in self._conditions)

    # --- blocks and macros

    def collect(self, opening: Statement, openings: tuple[str, ...], closings: tuple[str, ...]) -> list[Statement]:
        """The statements up to the matching end of the block that this statement opens."""
        body: list[Statement] = []
        depth = 1
        while True:
            statement = self.next()
            if statement is None:
                word = openings[0]
                match = DIRECTIVE_OF_BLOCK.match(opening.text)
                if match is not None:
                    word = match[1].lower()
                problem = UnfinishedBlock(f"this {word} is not ended", f"an {closings[0]} is missing")
                opening.place(problem)
                if len(self._open) == 1:
                    raise problem
                raise Problem(problem.sentence, problem.hint)
            match = DIRECTIVE_OF_BLOCK.match(statement.text)
            if match is not None:
                word = match[1].lower()
                depth += (word in openings) - (word in closings)
                if depth == 0:
                    return body
            body.append(statement)
            if len(body) > MOST_STATEMENTS:
                raise Problem(f"this block has more than {MOST_STATEMENTS} lines")

    def insert(self, source: Iterable[Statement], *, is_macro: bool = False) -> None:
        """These statements, in which something was replaced, come next."""
        self._push(chain.from_iterable(_split(each) for each in source), is_macro=is_macro)

    def insert_repeated(self, body: list[Statement], count: int, column: int) -> None:
        """The body, `count` times, comes next."""
        if count * max(1, len(body)) > MOST_STATEMENTS:
            raise Problem(f"{count} repetitions are too many", f"at most {MOST_STATEMENTS} lines", column=column)
        self._push(chain.from_iterable(repeat(body, count)))

    def leave_macro(self) -> None:
        """Drop what is left of the innermost macro call."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place].is_macro:
                del self._conditions[self._open[place].conditions :]
                del self._open[place:]
                return
        raise Problem(".exitm outside of a macro")

    def _push(self, source: Iterator[Statement], *, is_macro: bool = False, is_file: bool = False) -> None:
        if len(self._open) >= DEEPEST:
            self._open = self._open[:1]  # what is behind the outermost call still counts
            raise Problem(f"more than {DEEPEST} macros, repetitions and files are within each other")
        self._open.append(_Input(source, len(self._conditions), is_macro, is_file))

    # --- files

    def include(self, name: str, at: Statement, column: int) -> None:
        """The statements of a file come next."""
        text = self.read_bytes(name, column).decode("utf-8", "replace")
        if sum(each.is_file for each in self._open) > MOST_FILES:
            self._open = self._open[:1]
            raise Problem(f"{name} is included within itself" if at.file == name else "too many files")
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


def _split(statement: Statement) -> Iterable[Statement]:
    """A replaced argument may have brought a ; or a comment."""
    if statement.column == 0 and statement.written == statement.text and re.search("[;#\n]|/[*]", statement.text):
        return statements(statement.text, statement.file, statement.line, statement.expansion)
    return (statement,)


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
