"""What the guest kernel has printed, read from its memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from pagefault_lab.lab.results import KernelLog, Printed
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.worlds import LogBuffer


def read(machine: Machine, log: LogBuffer, first: int = 0) -> KernelLog:
    """The log from byte number `first` on. A Problem if it is not mapped."""
    from pagefault_lab.lab import peeking

    count = peeking.read(machine, log.counter, 4)
    ring = peeking.read_bytes(machine, log.buffer, log.size)
    begin = max(first, count - log.size)
    text = bytes(ring[place % log.size] for place in range(begin, count))
    return KernelLog(text.decode("latin-1"), begin - first)


def length(session: Session) -> int | None:
    """How many bytes were ever printed; None where there is no log, or it cannot be found."""
    from pagefault_lab.lab import peeking

    log = session.world.log
    try:
        return None if log is None else peeking.read(session.machine, log.counter, 4)
    except Problem:
        return None


def untold(session: Session) -> Iterator[Printed]:
    """What was printed since the line began and is not yet told, if anything."""
    log = session.world.log
    told, now = session.log_told, length(session)
    if log is not None and told is not None and now is not None and now > told:
        session.log_told = now
        with suppress(Problem):  # what is not mapped any more cannot be told, and is no reason to undo the line
            yield Printed(read(session.machine, log, told).text)
