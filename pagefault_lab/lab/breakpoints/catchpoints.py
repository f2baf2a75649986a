"""Catchpoints: they stop behind the step in which the processor did something that it also tells the chronicle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from pagefault_lab.lab.breakpoints.points import Asked, Breakpoint
from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.patterns import PATTERNS, Matcher
from pagefault_lab.lab.results import Stopped
from pagefault_lab.machine.faults import VECTORS
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine


class Kind(NamedTuple):
    """A kind of event that can be caught; `parameters` name what may follow it."""

    what: What
    meaning: str
    parameters: tuple[str, ...]


KINDS: Final = {
    name: Kind(pattern.what, pattern.meaning, pattern.parameters)
    for name, pattern in PATTERNS.items()
    if pattern.what is not None
} | {"irq": Kind(What.INTERRUPT, "an external interrupt was taken", ("number",))}


class Catch(Breakpoint):
    """Stops when the processor has done what a pattern of the expression language describes.

    `arguments` are evaluated where it happens; `words` are what they were typed as.
    """

    title: ClassVar = "catchpoint"
    stopped: ClassVar = Stopped.CAUGHT
    goes_before: ClassVar = 1

    def __init__(self, name: str, arguments: Sequence[Expression | int] = (), words: str = "") -> None:
        super().__init__()
        self.name = name
        self.arguments = tuple(arguments)
        self.words = words
        self.kind = KINDS[name]
        self._asked = Asked(catch=frozenset((self.kind.what,)))

    @property
    def what(self) -> str:
        return f"{self.name} {self.words}".rstrip()

    def asks(self, machine: Machine) -> Asked:
        return self._asked

    def happened(self, scope: Scope, known: None) -> Event | None:
        machine = scope.machine
        for notice in machine.caught:
            if isinstance(notice, Notice) and notice.what is self.kind.what:
                address = notice.base + machine.cpu.start & 0xFFFFFFFF
                event = Event(machine.steps - 1, notice.what, address, notice.numbers)
                if self._fits(scope, event):
                    return event
        return None

    def _fits(self, scope: Scope, event: Event) -> bool:
        values = [each if isinstance(each, int) else each.value(scope) for each in self.arguments]
        if self.name == "irq":
            base = scope.history.session.world.irq_base
            return bool(event.numbers[1]) and all(value + base == event.numbers[0] for value in values)
        makers = PATTERNS[self.name].tests
        tests: list[Matcher] = [make(scope, value) for make, value in zip(makers, values, strict=False)]
        return all(test(event) for test in tests)

    def tell(self, session: Session, evidence: Event, step: int = -1) -> Iterator[object]:
        from pagefault_lab.lab.breakpoints.told import Caught, by

        yield Caught(self.number, evidence, by(session, step))


def vector_of(name: str) -> int | None:
    """The vector of an exception by its mnemonic, `#PF` or `pf`; None if there is none of that name."""
    wanted = "#" + name.removeprefix("#").upper()
    return next((number for number, row in VECTORS.items() if row.mnemonic == wanted), None)


def unknown_kind(name: str) -> Problem:
    """The problem of a kind of event that there is not."""
    hint = closest(name, KINDS) or ", ".join(KINDS)
    if name == "write":
        hint = "`watch ADDRESS` sees writes to memory"
    return Problem(f"{name or 'nothing'} cannot be caught" if name else "catch what?", hint)
