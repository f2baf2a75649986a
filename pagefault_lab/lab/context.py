"""Where the session stands, at a glance: code, registers, the last translation, both stacks, what happened last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import tables
from pagefault_lab.lab.code import around
from pagefault_lab.lab.results import Disassembly, Place
from pagefault_lab.lab.stacks import Stack, stacks
from pagefault_lab.lab.travel import WORTH_A_ROW, Timeline, timeline
from pagefault_lab.lab.walks import is_refused
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.paging import PageWalk

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.step import Step

BEFORE: Final = 8  # instructions before the next one
AFTER: Final = 32  # with the next one
EVENTS: Final = 32


class Context(NamedTuple):
    """What surrounds the next instruction. A view takes as much of each part as it has room for.

    `translation` is the last one of the last step: what refused it if it faulted, else that of its last access, of its
    fetch if it made none; None without paging.
    """

    place: Place
    code: Disassembly
    registers: tables.Registers
    translation: PageWalk | TlbHit | None
    stacks: tuple[Stack, ...]
    timeline: Timeline


class LayoutAsked(NamedTuple):
    """The full-screen view is to be opened, or closed if `context` is None; without a terminal the context is shown."""

    context: Context | None


def context(session: Session) -> Context:
    """As it is now."""
    return Context(
        session.place(),
        around(session, BEFORE, AFTER),
        tables.registers(session.machine, session.symbols.name, session.registers_before),
        _translation(session.last),
        stacks(session),
        timeline(session, WORTH_A_ROW, EVENTS),
    )


def _translation(step: Step | None) -> PageWalk | TlbHit | None:
    """The translation that refused an access of a step; else the last one, of data rather than of code."""
    if step is None:
        return None
    found = [event for event in step.all_events() if isinstance(event, PageWalk | TlbHit)]
    refused = [each for each in found if is_refused(each)]
    of_data = [each for each in found if each.kind is not Kind.FETCH]
    return refused[0] if refused else of_data[-1] if of_data else found[-1] if found else None
