"""Reading what `Machine.record` wrote down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pagefault_lab.machine import flags
from pagefault_lab.machine.registers import STATUS


class Record(NamedTuple):
    """One step: EIP, EFLAGS' status bits and EAX to EDI before it, and the events that it caused."""

    eip: int
    status: int
    registers: tuple[int, ...]
    events: tuple[Any, ...]


def records(journal: Iterable[Any]) -> Iterator[Record]:
    """The steps of a journal, in order."""
    head: tuple[Any, ...] | None = None
    events: list[Any] = []
    for entry in journal:
        if type(entry) is tuple:
            if head is not None:
                yield _record(head, events)
            head, events = entry, []
        else:
            events.append(entry)
    if head is not None:
        yield _record(head, events)


def _record(head: tuple[Any, ...], events: list[Any]) -> Record:
    eip, pending, *registers = head
    status = pending & STATUS if isinstance(pending, int) else flags.status(*pending)
    return Record(eip, status, tuple(registers), tuple(events))
