"""Symbols while a text is being assembled: labels, equates, and names that are used before they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pagefault_lab.assembler.expressions import Expression, Reference
from pagefault_lab.machine.registers import NAMES, SEGMENT_NAMES
from pagefault_lab.problem import Problem, as_hexadecimal, closest

if TYPE_CHECKING:
    from pagefault_lab.assembler.fragments import Fragment, Section
    from pagefault_lab.assembler.source import Statement

REGISTER_WORDS: Final = frozenset(name for names in NAMES.values() for name in names) | frozenset(SEGMENT_NAMES)


class SymbolEntry:
    """A name and what is known of it so far: a place (label), a value (equate), a common block, or nothing yet.

    A name that is set again gets a new entry, so that what was written before keeps the old value, as in as.
    """

    __slots__ = (
        "binding",
        "common",
        "defined_at",
        "fragment",
        "kind",
        "name",
        "offset",
        "section",
        "size",
        "used_at",
        "used_column",
        "value",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.section: Section | None = None
        self.fragment: Fragment | None = None
        self.offset = 0  # in the fragment
        self.value: Expression | None = None
        self.defined_at: Statement | None = None
        self.used_at: Statement | None = None
        self.used_column: int | None = None
        self.binding = "local"  # or "global", "weak"
        self.kind = ""  # "function", "object", ... as .type says
        self.size: Expression | None = None
        self.common: tuple[int, int] | None = None  # size and alignment in bytes

    @property
    def defined(self) -> bool:
        return self.fragment is not None or self.value is not None or self.common is not None

    def reference(self) -> Expression:
        """What an expression that names this symbol stands for now."""
        value = self.value
        if value is None:
            return Reference(self)
        if type(value) is int:
            return value
        if type(value) is Reference and value.symbol.fragment is not None:
            return value
        return Reference(self)

    def distance(self, other: SymbolEntry) -> int | None:
        """This minus the other, if both are labels and nothing of variable size can come between them."""
        if self is other:
            return 0
        if self.fragment is not None and self.fragment is other.fragment:
            return self.offset - other.offset
        return None


class SymbolTable:
    """The names of one assembly. `external` are absolute symbols that were known before it began."""

    def __init__(self, external: Mapping[str, int]) -> None:
        self.entries: dict[str, SymbolEntry] = {}
        self.external = external
        self._numeric: dict[int, int] = {}  # how often each numeric label was defined

    def find(self, name: str) -> SymbolEntry:
        """The entry of `name`, made if there is none."""
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = SymbolEntry(name)
            if name in self.external:
                entry.value = self.external[name]
        return entry

    def use(self, name: str, statement: Statement | None, column: int) -> SymbolEntry:
        """The entry of a name that is used in an expression; remembers the first use, for errors."""
        entry = self.find(name)
        if entry.used_at is None:
            entry.used_at, entry.used_column = statement, column
        return entry

    def define_label(self, name: str, fragment: Fragment, statement: Statement, column: int) -> SymbolEntry:
        """`name` is the place at the end of `fragment`."""
        entry = self.find(name)
        if entry.defined and name in self.external and entry.defined_at is None:
            self._replace(entry)
            entry = self.entries[name]
        if entry.defined:
            raise self._already(entry, column)
        entry.fragment, entry.offset, entry.section = fragment, len(fragment.data), fragment.section
        entry.defined_at = statement
        return entry

    def set(self, name: str, value: Expression, statement: Statement, column: int, *, once: bool = False) -> None:
        """`name` stands for `value` from now on; and for what used it before, if this is its first value."""
        entry = self.find(name)
        if entry.defined:
            if entry.fragment is not None or entry.common is not None or (once and entry.defined_at is not None):
                raise self._already(entry, column)
            entry = self._replace(entry)
        entry.value, entry.defined_at = value, statement

    def numeric_name(self, number: int) -> str:
        """The hidden name for the next definition of the numeric label."""
        count = self._numeric[number] = self._numeric.get(number, 0) + 1
        return f"{number}\x02{count}"

    def numeric_use(self, number: int, way: str, statement: Statement | None, column: int) -> SymbolEntry:
        """The numeric label before here (way "b") or behind (way "f")."""
        count = self._numeric.get(number, 0)
        if way == "f":
            return self.use(f"{number}\x02{count + 1}", statement, column)
        if count:
            return self.use(f"{number}\x02{count}", statement, column)
        if str(number) in self.external:
            return self.use(str(number), statement, column)
        raise Problem(f"there is no label {number}: before this line", f"{number}f looks forward", column=column)

    def numeric_entries(self) -> dict[str, SymbolEntry]:
        """The last definition of each numeric label, by its digits."""
        return {str(number): self.entries[f"{number}\x02{count}"] for number, count in self._numeric.items()}

    def undefined(self) -> list[SymbolEntry]:
        """Names that were used and never defined, in the order of their use."""
        return [entry for entry in self.entries.values() if not entry.defined and entry.used_at is not None]

    def _replace(self, old: SymbolEntry) -> SymbolEntry:
        entry = SymbolEntry(old.name)
        entry.binding, entry.kind, entry.size = old.binding, old.kind, old.size
        entry.used_at, entry.used_column = old.used_at, old.used_column
        self.entries[old.name] = entry
        return entry

    def _already(self, entry: SymbolEntry, column: int) -> Problem:
        where = f"it was defined at line {entry.defined_at.line}" if entry.defined_at else None
        return Problem(f"{entry.name} is already defined", where, column=column)


def shown_name(name: str) -> str:
    """The name as it was written: numeric labels have hidden ones."""
    number, mark, _ = name.partition("\x02")
    return f"{number}f" if mark else name


def undefined_symbol(entry: SymbolEntry, known: Mapping[str, object]) -> Problem:
    """The problem of a name that nothing defines, placed at its first use."""
    name = shown_name(entry.name)
    if "\x02" in entry.name:
        problem = Problem(f"there is no label {name[:-1]}: after this line", f"{name[:-1]}b looks back")
    elif name.lower() in REGISTER_WORDS:
        problem = Problem(f"{name} is not defined", f"a register is written with a %: %{name.lower()}")
    else:
        candidates = [word for word in known if "\x02" not in word and word != name and not word.startswith(".L")]
        defining = f"`{name}:` or `.comm {name},BYTES` would define it"
        hint = closest(name, candidates) or as_hexadecimal(name) or defining
        problem = Problem(f"{name} is not defined", hint)
    if entry.used_at is not None:
        entry.used_at.place(problem, entry.used_column)
    return problem
