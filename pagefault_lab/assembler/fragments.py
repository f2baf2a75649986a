"""What a section consists of while its size is not yet known: fragments, each fixed bytes and perhaps a variable tail.

The tails are what relaxation works on (relaxation.py). A new fragment begins behind every tail, so two labels of one
fragment have a distance that is known at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pagefault_lab.assembler.expressions import Expression

if TYPE_CHECKING:
    from pagefault_lab.assembler.source import Statement


ABSOLUTE: Final = "*ABS*"  # the section that .struct describes: it has labels and no bytes


@dataclass(slots=True, eq=False)
class Fixup:
    """A field whose value is known only when all addresses are."""

    offset: int  # in the fragment
    size: int
    value: Expression
    relative: bool  # to the address behind the field
    statement: Statement
    column: int | None


@dataclass(slots=True, eq=False)
class Branch:
    """A jump that is short if its target is near enough, long if not. Opcodes include prefixes."""

    short: bytes  # opcode; followed by one byte of displacement
    long: bytes
    long_size: int  # bytes of the long form's displacement
    target: Expression
    statement: Statement
    column: int | None
    is_long: bool = False

    @property
    def length(self) -> int:
        return len(self.long) + self.long_size if self.is_long else len(self.short) + 1


@dataclass(slots=True, eq=False)
class Alignment:
    """Filling up to a multiple of `boundary` bytes, unless that takes more than `limit` (0: no limit).

    `fill` is repeated; None stands for instructions that do nothing.
    """

    boundary: int
    fill: bytes | None
    limit: int
    statement: Statement
    length: int = 0


@dataclass(slots=True, eq=False)
class Origin:
    """Filling up to an offset in the section."""

    target: Expression
    fill: int
    statement: Statement
    column: int | None = None
    length: int = 0


@dataclass(slots=True, eq=False)
class Space:
    """As many bytes as `count` will turn out to be."""

    count: Expression
    fill: int
    statement: Statement
    column: int | None = None
    length: int = 0


@dataclass(slots=True, eq=False)
class Leb128:
    """A number in seven-bit groups."""

    value: Expression
    signed: bool
    statement: Statement
    column: int | None = None
    length: int = 1


Tail: TypeAlias = Branch | Alignment | Origin | Space | Leb128


class Fragment:
    """Bytes, then a tail of variable length (None in the last fragment of a section)."""

    __slots__ = ("address", "bits", "data", "fixups", "region", "section", "tail", "visited")

    def __init__(self, section: Section, bits: int = 32) -> None:
        self.section = section
        self.data = bytearray()
        self.tail: Tail | None = None
        self.fixups: list[Fixup] = []
        self.address = 0  # from the section's beginning
        self.region = 0  # fragments of one region have no alignment or origin between them
        self.visited = False  # in this pass of relaxation
        self.bits = bits  # 16 or 32: of the code, for the nops of an alignment


class Section:
    """A section of the program; subsections are put together in the order of their numbers."""

    def __init__(self, name: str, flags: str, kind: str) -> None:
        self.name = name
        self.flags = flags  # letters of .section: a w x M S ...
        self.kind = kind  # "progbits", "nobits", "note", ...
        self.alignment = 1
        self.subsections: dict[int, list[Fragment]] = {}
        self.address = 0
        self.size = 0
        self.data = b""

    @property
    def is_code(self) -> bool:
        return "x" in self.flags

    def fragments(self) -> list[Fragment]:
        """All fragments in the order of their addresses."""
        return [fragment for number in sorted(self.subsections) for fragment in self.subsections[number]]

    def __repr__(self) -> str:
        return f"<Section {self.name}>"
