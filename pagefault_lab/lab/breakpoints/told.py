"""What is told of breakpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.chronicle import Event
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints.points import Breakpoint
    from pagefault_lab.lab.session import Session


class BreakpointLine(NamedTuple):
    """One breakpoint. `title`: "breakpoint", "watchpoint", "read watchpoint", "access watchpoint" or "catchpoint".

    `what` is what it waits for, as one would type it. `address` is where that lies in memory, if it does, physical if
    `physical`, and of the linear one `symbol` the name. `condition` is as it was typed, "" without one. `ignoring` hits
    more will not stop. `remark` is what else there is to know of it, "" for nothing.
    """

    number: int
    title: str
    what: str
    address: int | None
    physical: bool
    symbol: str
    temporary: bool
    enabled: bool
    condition: str
    hits: int
    ignoring: int
    commands: tuple[str, ...]
    remark: str


class BreakpointSet(NamedTuple):
    """A breakpoint was made, or is another now."""

    breakpoint: BreakpointLine

    @property
    def number(self) -> int:
        return self.breakpoint.number


class BreakpointList(NamedTuple):
    """`info break`: all breakpoints, by number."""

    breakpoints: tuple[BreakpointLine, ...]


class BreakpointsDeleted(NamedTuple):
    """Breakpoints are gone."""

    numbers: tuple[int, ...]


class By(NamedTuple):
    """The step that did it: its number, where its instruction stands and what it is; `text` is "" if it took an
    interrupt instead of executing one."""

    step: int
    address: int
    text: str
    symbol: str


class Watched(NamedTuple):
    """What is watched was changed, written or read (`access`). `number` and `what` are those of the watchpoint.

    `address` is where that lies, None for a value that is no memory; `before` and `after` its value, None where there
    was, or is, none. Of a longer range it is the place of the change.
    """

    number: int
    title: str
    what: str
    access: str
    address: int | None
    physical: bool
    before: int | None
    after: int | None
    by: By


class Caught(NamedTuple):
    """The processor did what was to be caught; `number` is that of the catchpoint, None if none asked for it."""

    number: int | None
    event: Event
    by: By


class Reached(NamedTuple):
    """Going back has come to a breakpoint."""

    breakpoint: BreakpointLine


def line_of(session: Session, point: Breakpoint) -> BreakpointLine:
    """A breakpoint as it is told."""
    address = point.address
    symbol = session.symbols.name(address) or "" if address is not None and not point.is_physical else ""
    remark = point.remark
    if point.module and point.module not in session.symbols.modules:
        remark = f"the module {point.module} is gone"
    return BreakpointLine(
        point.number, point.title, point.what, address, point.is_physical, symbol, point.temporary, point.enabled,
        point.condition.text if point.condition is not None else "", point.hits, point.ignoring, point.commands, remark,
    )  # fmt: skip


def given(session: Session, point: Breakpoint) -> BreakpointSet:
    """A breakpoint that has a new condition, or none: told also if that has no value now, as when a name is unknown."""
    from pagefault_lab.lab.vocabulary import Absent

    line = line_of(session, point)
    try:
        if point.condition is not None:
            point.condition.value(session)
    except Absent:
        pass  # what has not happened yet
    except Problem as problem:
        doubt = f"its condition cannot be evaluated now: {problem.sentence}"
        line = line._replace(remark=", ".join(filter(None, (line.remark, doubt))))
    return BreakpointSet(line)


def by(session: Session, number: int) -> By:
    """Who did it: a step, -1 for the last one."""
    from pagefault_lab.assembler.disassembler import text_of

    step = session.last if number < 0 else session.history.story(number)
    assert step is not None
    name = session.symbols.name
    text = text_of(step.instruction, step.eip, name) if step.instruction is not None else ""
    return By(step.number, step.linear, text, name(step.linear) or "")
