"""What a line yields besides steps: values for views and for JSON, never text made for a screen."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Place(NamedTuple):
    """Where the processor stands. `symbol` is the nearest one at or below EIP, in typed code one that was typed; "" if
    none is near, or EIP is where the next line will be typed. `typed` tells whether it is in typed code."""

    ring: int
    address: int  # linear
    symbol: str
    offset: int
    typed: bool

    @property
    def name(self) -> str:
        """`page_fault+3`, or "" without a symbol."""
        return f"{self.symbol}+{self.offset}" if self.offset else self.symbol


class Message(NamedTuple):
    """One sentence. `style` is "info", "good" or "warning"."""

    text: str
    style: str = "info"


class Value(NamedTuple):
    """What an expression gave; `letter` is how to show it (as in x/FMT), "" for the usual way. `symbol` names it, if
    it is to be shown as an address."""

    expression: str
    value: int
    letter: str = ""
    symbol: str = ""


class FieldValue(NamedTuple):
    """A field of a structure. `value` is None if there is none now, and `meaning` then says why; `symbol` names the
    address that it is."""

    name: str
    value: int | None
    meaning: str
    symbol: str


class StructureValue(NamedTuple):
    """A structure that an expression named, with all its fields. `value` is what it is as a number, None if it is none;
    `letter` as for a Value."""

    expression: str
    meaning: str
    value: int | None
    fields: tuple[FieldValue, ...]
    letter: str = ""


class Typed(NamedTuple):
    """A line that was assembled and placed: its linear address and bytes. `executes` is False for data and blocks."""

    line: str
    address: int
    bytes: bytes
    text: str  # its first instruction as the disassembler writes it; "" without one
    executes: bool = True


class Symbol(NamedTuple):
    """A name and its value. `kind`: "code", "data", "constant", "module" if a kernel module that was loaded defines it,
    or "typed" if it was defined in this session."""

    name: str
    value: int
    kind: str = ""


class Defined(NamedTuple):
    """Names that a line has given values to."""

    symbols: tuple[Symbol, ...]


class Unfinished(NamedTuple):
    """The line was kept: it goes on with the next one. `waits_for` says what would finish it."""

    lines: tuple[str, ...]
    waits_for: str


class Stopped(Enum):
    """Why a run came back."""

    BREAKPOINT = "a breakpoint"
    ARRIVED = "the place to run to"
    RETIRED = "the typed line has been executed"
    WORLD = "the world stops here"
    NEXT_FAULT = "the restarted line has faulted again"
    SAME_FAULT = "the restarted line has faulted in the same way again"
    END_OF_TYPED = "the end of the typed code"
    WAITING = "the processor is halted and waits for an interrupt"
    SHUTDOWN = "the processor is shut down"
    UNSUPPORTED = "something that is not simulated"
    BUDGET = "the budget of instructions is spent"
    INTERRUPTED = "stopped by the user"
    PRESENT = "the present: what follows has not happened yet"
    WATCHED = "a watchpoint"
    CAUGHT = "a catchpoint"


class Ran(NamedTuple):
    """A run without telling each step. `exceptions` were delivered on the way. `breakpoint` is the number of one that
    has stopped it. `detail` says more about the stop: the world's sentence, what is not simulated."""

    steps: int
    exceptions: int
    stopped: Stopped
    place: Place
    breakpoint: int | None = None
    detail: str = ""


class RestartedLine(NamedTuple):
    """A typed line that had been left (by a fault, a call or an interrupt) has now been executed to its end.

    `came_back` is where EIP was put afterwards, None if it stayed behind the line.
    """

    line: str
    address: int
    came_back: int | None


class BranchedAway(NamedTuple):
    """A typed line has branched out of the typed code; nothing was fetched at `place` yet."""

    place: Place


class Halted(NamedTuple):
    """The processor executes nothing until an interrupt comes; `interruptible` (IF = 1) tells whether one can."""

    interruptible: bool


class NotTold(NamedTuple):
    """Steps that were made here and are not told: there are too many."""

    steps: int


class Printed(NamedTuple):
    """What the guest kernel has printed while a line was executed."""

    text: str


class NewFuture(NamedTuple):
    """A line has changed the past: so many steps and lines that lay ahead of it are no longer in the history."""

    steps: int
    lines: int


class Travelled(NamedTuple):
    """The session stands elsewhere in time: `steps` back, or forward.

    `lines` are those undone, newest first, or redone, oldest first; () where single steps were meant. `step` is how
    many steps had been made there, `present` how many were made in all.
    """

    forward: bool
    steps: int
    lines: tuple[str, ...]
    place: Place
    step: int
    present: int


class Assigned(NamedTuple):
    """`set`: what was changed, from what to what. `before` is None where there was nothing."""

    expression: str
    before: int | None
    after: int


class Listed(NamedTuple):
    """One line of the typed program, with the marks that `list` shows."""

    address: int
    bytes: bytes
    text: str
    here: bool


class Listing(NamedTuple):
    """The typed program, oldest line first."""

    lines: tuple[Listed, ...]


class CodeLine(NamedTuple):
    """One disassembled instruction. `label` is the symbol that stands exactly here."""

    address: int
    bytes: bytes
    text: str
    symbol: str  # the symbol of the address that the operands name
    label: str
    here: bool
    breakpoint: bool


class Disassembly(NamedTuple):
    """Instructions in order; `unmapped` is the address where memory ended, None if it did not."""

    lines: tuple[CodeLine, ...]
    unmapped: int | None = None


class Examined(NamedTuple):
    """What lies in memory: `x` (linear) or `xp` (physical). `missing` tells why it ends early.

    `values` are unsigned numbers of `size` bytes, or texts for the letters s; `letter` is how to show them.
    """

    address: int
    physical: bool
    letter: str
    size: int
    values: tuple[int | str, ...]
    symbol: str  # name of the first address
    missing: Missing | None = None


class Missing(NamedTuple):
    """The address from which nothing can be read, and the rule that says so: `level` and `bit` of the table entry."""

    address: int
    rule: str
    level: str = ""
    bit: str = ""


class SymbolList(NamedTuple):
    """Symbols by value."""

    symbols: tuple[Symbol, ...]


class InterruptRequested(NamedTuple):
    """`irq`: the vector, and whether it will be taken before the next instruction; if not, what holds it back."""

    irq: int
    vector: int
    ready: bool
    reason: str


class KernelLog(NamedTuple):
    """What the guest kernel has printed, its oldest bytes perhaps lost."""

    text: str
    lost: int


class WorldEntered(NamedTuple):
    """A world was started; `place` is where the processor stands."""

    name: str
    description: str
    place: Place


class Worlds(NamedTuple):
    """The worlds there are: (name, description), and the present one's name."""

    worlds: tuple[tuple[str, str], ...]
    present: str


class Saved(NamedTuple):
    """`save`: how many lines went to which file."""

    path: str
    lines: int


class Quit(NamedTuple):
    """The session is to end."""
