"""Breakpoints, watchpoints and catchpoints, which gdb calls breakpoints all together: what stops a run.

Each kind knows three things: what a machine must be asked for so that it comes back wherever one may hold (Asked),
whether it holds there, and its words. The runner, and the search backwards, know no kinds.

    points.py       what all have in common, and a look at what happens
    places.py       places in the code
    watchpoints.py  memory, and values of expressions
    catchpoints.py  what the processor does
    returning.py    when a function or a handler has returned
    backwards.py    the last time before here
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from pagefault_lab.lab.breakpoints.points import Breakpoint, Hit, Look
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from array import array

    from pagefault_lab.lab.breakpoints.told import BreakpointSet
    from pagefault_lab.lab.session import Session

__all__ = ["Breakpoint", "Breakpoints", "Hit", "Hits", "Look"]

Hits: TypeAlias = "dict[int, array[int]]"  # by a breakpoint's number: the steps at which it was hit


class Breakpoints:
    """All breakpoints of a session, by number. Numbers are not used again. `due` are commands of those that have
    stopped this line, which are still to be executed.

    `pending` are the lines of a `commands` block that is not finished, the first one opens it.

    What was hit when is kept as the history is: it goes back in time, and is still known in the past's future.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.all: dict[int, Breakpoint] = {}
        self.next_number = 1
        self.due: list[str] = []
        self.pending: list[str] = []
        self._commanded = 0  # the number that they are for
        self._ignored = False

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self.all.values())

    def __len__(self) -> int:
        return len(self.all)

    def add(self, made: Breakpoint) -> Breakpoint:
        """Give it a number."""
        made.number, made.breakpoints = self.next_number, self
        self.all[made.number] = made
        self.next_number += 1
        return made

    def of(self, number: int) -> Breakpoint:
        """The one of this number; a Problem if there is none."""
        if number not in self.all:
            numbers = ", ".join(map(str, self.all))
            raise Problem(f"there is no breakpoint {number}", f"there are: {numbers}" if numbers else "none is set")
        return self.all[number]

    def some(self, numbers: Sequence[int]) -> list[Breakpoint]:
        """Those of these numbers, all without one."""
        return [self.of(number) for number in dict.fromkeys(numbers)] or list(self)

    def delete(self, number: int) -> None:
        del self.all[self.of(number).number]

    @property
    def newest(self) -> int:
        """The number of the one that was made last; a Problem if there is none."""
        if not self.all:
            raise Problem("no breakpoint is set", "b page_fault")
        return max(self.all)

    @property
    def active(self) -> tuple[Breakpoint, ...]:
        """Those that may stop a run."""
        return () if self._ignored else tuple(each for each in self.all.values() if each.enabled)

    def addresses(self) -> set[int]:
        """The linear addresses at which a run may stop."""
        return {address for each in self.active for address in each.asks(self.session.machine).addresses}

    # --- commands

    def open_block(self, number: int, line: str) -> None:
        """The lines that follow, up to `end`, are the commands of a breakpoint."""
        self._commanded = self.of(number).number
        self.pending = [line]
        self.session.note_line("")

    def continue_block(self, line: str) -> Iterator[object]:
        """One more line of them."""
        self.pending.append(line)
        self.session.note_line("")
        if line.strip() == "end":
            lines, self.pending = self.pending, []
            self.session.note_line("\n".join(lines))
            yield from self.command(self._commanded, [each.strip() for each in lines[1:-1]])

    def command(self, number: int, lines: Sequence[str]) -> Iterator[BreakpointSet]:
        """These are the commands of a breakpoint from now on."""
        from pagefault_lab.lab.breakpoints.told import BreakpointSet, line_of

        point = self.of(number)
        point.commands = tuple(filter(None, lines))
        yield BreakpointSet(line_of(self.session, point))

    # --- a run

    def look(self, errand: Breakpoint | None = None) -> Look:
        """Before the session's machine goes on: what it must be asked for. `errand` stops it as well."""
        active = self.active if self.all else ()
        return Look(active if errand is None else (*active, errand), self.session)

    def stopping(self, look: Look) -> tuple[Hit, ...]:
        """What stops the run now that the machine has come back; all that holds is counted."""
        return tuple(hit for hit in look.hits() if hit.point.breakpoints is not self or self._counted(hit.point))

    def _counted(self, point: Breakpoint) -> bool:
        """Count a hit; whether it stops the run."""
        stops = point.count(self.session.machine.steps)
        if stops and point.temporary:
            self.all.pop(point.number, None)
        return stops

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """While a command lets the guest do what is no part of the learner's program."""
        before, self._ignored = self._ignored, True
        try:
            yield
        finally:
            self._ignored = before

    # --- another future

    def cut(self) -> Hits:
        """Forget the hits that lie ahead of the machine; those."""
        here = self.session.machine.steps
        return {point.number: ahead for point in self if (ahead := point.split(here))}

    def join(self, hits: Hits) -> None:
        """Put back the hits that lay ahead, in place of those that do so now."""
        self.cut()
        for number, ahead in hits.items():
            if number in self.all:
                self.all[number].reached.extend(ahead)
