"""What `ever(..)`, `count(..)` and `last(..)` ask for: patterns of events, as the chronicle has them.

    fault                   any exception
    fault(14)               with this vector
    fault(14, error & 4)    for which that holds, too: a condition names fields of the event
    ring(3, 0)              into the kernel

    table(0x08049000)       a write to the PDE or PTE of this address
    write(user_data, after == 5)    a write to memory, for which the past is searched

A condition may name what else there is, too; that has its present value, and a register's name with a $ is always the
register. How many events one question looks at is bounded, by how long its conditions are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pagefault_lab.lab import peeking
from pagefault_lab.lab.vocabulary import ERROR_LETTERS, STRUCTURES, Quantity, Structure, error_bits
from pagefault_lab.machine.effort import EFFORT, EVENT
from pagefault_lab.machine.notices import What
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.chronicle import Event
    from pagefault_lab.lab.origins import Write
    from pagefault_lab.lab.scopes import Scope

Looked = TypeVar("Looked")  # what a question looks at
Matcher = Callable[["Event"], bool]
Parameter = Callable[["Scope", int], Matcher]  # makes a test of events from an argument


class Pattern(NamedTuple):
    """A kind of event. `parameters` name its first arguments, the first `required` of which cannot be left out.

    `search` finds the events up to the scope's time that its arguments fit, newest first; it looks at no more than
    it is told. `how_many` counts what no arguments restrict, where that is known at once.
    """

    meaning: str
    parameters: tuple[str, ...]
    record: Structure  # the event's fields
    search: Callable[[Scope, Sequence[int], int], Iterator[Any]]
    how_many: Callable[[Scope], int] | None = None
    required: int = 0
    what: What | None = None  # what the chronicle has of it,
    tests: tuple[Parameter, ...] = ()  # and how each argument is compared with that

    def usage(self, name: str) -> str:
        """`fault(vector)`."""
        return f"{name}({', '.join(self.parameters)})" if self.parameters else name


def _bounded(events: Iterator[Looked], most: int) -> Iterator[Looked]:
    """No more than so many; a Problem if there is another one."""
    for number, event in enumerate(events):
        EFFORT.spend(EVENT)
        if number >= most:
            hint = "a shorter condition allows for more"
            raise Problem(f"more than {most:,} events would have to be looked at", hint)
        yield event


def _indexed(
    meaning: str,
    what: What,
    names: Mapping[str, str],
    parameters: Mapping[str, Parameter],
    more: Mapping[str, Quantity] | None = None,
) -> Pattern:
    """Events of the chronicle. `names` are those of its numbers with what they mean, `more` are other fields."""

    def search(scope: Scope, arguments: Sequence[int], most: int) -> Iterator[Event]:
        tests = [make(scope, value) for make, value in zip(parameters.values(), arguments, strict=False)]
        for event in _bounded(scope.chronicle.backwards(what, end=scope.machine.steps), most):
            if all(test(event) for test in tests):
                yield event

    def how_many(scope: Scope) -> int:
        return scope.chronicle.count(what, end=scope.machine.steps)

    fields = {
        "step": Quantity("the step that did it", attrgetter("step")),
        "eip": Quantity("linear address of the instruction", attrgetter("address")),
        **{name: Quantity(told, _reader(place)) for place, (name, told) in enumerate(names.items())},
        **(more or {}),
    }
    record = Structure(meaning, fields, whole=fields["step"], letters=ERROR_LETTERS)
    return Pattern(meaning, tuple(parameters), record, search, how_many, what=what, tests=tuple(parameters.values()))


def _reader(place: int) -> Callable[[Event], int]:
    return lambda event: event.numbers[place]


def _number(place: int) -> Parameter:
    """A parameter that the event's number at a place must equal."""

    def parameter(scope: Scope, value: int) -> Matcher:
        wanted = value & 0xFFFFFFFF
        return lambda event: event.numbers[place] & 0xFFFFFFFF == wanted

    return parameter


def _entry_of(scope: Scope, linear: int) -> Matcher:
    """A write to the PDE or the PTE through which the present tables lead to an address."""
    entries = []
    for level in ("pde", "pte"):
        with suppress(Problem):  # in a 4 MiB page there is no PTE
            entries.append(STRUCTURES[level].find(scope, linear).address)
    return lambda event: event.numbers[0] in entries


def _page_of(scope: Scope, linear: int) -> Matcher:
    return lambda event: event.numbers[0] >> 12 == (linear & 0xFFFFFFFF) >> 12


def _control(register: str, what: What) -> Pattern:
    names = {"before": "its old value", "after": "its new value"}
    return _indexed(f"{register.upper()} was loaded", what, names, {"value": _number(1)})


def _table_register(register: str, what: What) -> Pattern:
    names = {"base": "its new base", "limit": "its new limit"}
    return _indexed(f"{register.upper()} was loaded", what, names, {"base": _number(0)})


def _system_register(register: str, what: What) -> Pattern:
    return _indexed(f"{register.upper()} was loaded", what, {"selector": "the new one"}, {"selector": _number(0)})


def _writes(scope: Scope, arguments: Sequence[int], most: int) -> Iterator[Write]:
    """Who wrote the bytes that lie at a linear address now. No index has that: the past is searched for it."""
    from pagefault_lab.lab.origins import writes_to_bytes

    address, size = (*arguments, 4)[:2]
    if size not in (1, 2, 4):
        raise Problem(f"{size} is no number of bytes", "write(address, size): 1, 2 or 4")
    (physical, length), *rest = peeking.pieces(scope.machine, address & 0xFFFFFFFF, size)
    if rest:
        raise Problem("these bytes lie in two pages", f"write(address, {length})")
    writes = writes_to_bytes(scope.history.session, physical, size, scope.machine.steps)
    yield from _bounded(takewhile(lambda write: write.step >= scope.chronicle.first, writes), most)


_WRITE: Final = {
    "step": Quantity("the step that did it", attrgetter("step")),
    "eip": Quantity("linear address of the instruction; 0: the host did it", attrgetter("address")),
    "before": Quantity("the old value", attrgetter("before")),
    "after": Quantity("the new value", attrgetter("after")),
}
_PORT: Final = {"port": "its number", "value": "the value", "size": "bytes", "write": "1: written, 0: read"}
_FAULT: Final = {"vector": "of the exception", "error": "its error code; -1: it has none", "cr2": "0: no page fault"}

PATTERNS: Final[dict[str, Pattern]] = {
    "fault": _indexed(
        "an exception was delivered, or tried to be", What.FAULT, _FAULT, {"vector": _number(0)},
        error_bits(lambda event: event.numbers[:2]),
    ),
    "interrupt": _indexed(
        "an interrupt: INT n, or from outside", What.INTERRUPT,
        {"vector": "of the interrupt", "external": "1: from outside"}, {"vector": _number(0)},
    ),
    "ring": _indexed(
        "CPL changed", What.RING, {"from": "CPL before", "to": "CPL after"}, {"from": _number(0), "to": _number(1)},
    ),
    "cr0": _control("cr0", What.CR0),
    "cr3": _control("cr3", What.CR3),
    "cr4": _control("cr4", What.CR4),
    "idt": _table_register("idtr", What.IDT),
    "gdt": _table_register("gdtr", What.GDT),
    "ldt": _system_register("ldtr", What.LDT),
    "tr": _system_register("tr", What.TASK),
    "table": _indexed(
        "an entry of the page tables was written; of an address: its PDE or PTE", What.TABLE,
        {"entry": "its physical address", "before": "the old entry", "after": "the new one"}, {"address": _entry_of},
    ),
    "port": _indexed("IN or OUT", What.PORT, _PORT, {"port": _number(0)}),
    "flush": _indexed("INVLPG", What.FLUSH, {"linear": "the address"}, {"address": _page_of}),
    "shutdown": _indexed("the processor gave up", What.SHUTDOWN, {}, {}),
    "write": Pattern(
        "memory was written", ("address", "size"),
        Structure("a write to memory", _WRITE, whole=_WRITE["step"]), _writes, required=1,
    ),
}  # fmt: skip
