"""Typed lines that are being executed: left by a fault, a call or an interrupt, resumed where that comes back to.

A line lies at `start` up to `end`. It executes while EIP stays there; entering a handler or a function leaves it, and
it waits for control to come back. When it has reached its end, EIP returns to where it stood before, if the line was
typed elsewhere than in typed code (in a handler) and did not branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.results import RestartedLine
from pagefault_lab.machine.registers import CS
from pagefault_lab.machine.step import Interrupted, ShutDown, Step, Unsupported, Waiting

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.faults import Fault


class TypedLine(NamedTuple):
    """One line, at linear addresses. `back_to` is the (CS, EIP) to return to, None to stay.

    `resume` is None while the line executes; once it was left, the linear address where it goes on. `fault` is the last
    exception that it was left by, `repeated` whether the one before was the same: nobody has repaired its cause.
    `is_told` is False for what nobody typed, but a command placed for its own use: only its faults are of interest.
    """

    text: str
    start: int
    end: int
    ring: int
    back_to: tuple[int, int] | None
    resume: int | None = None
    left: bool = False
    fault: Fault | None = None
    repeated: bool = False
    is_told: bool = True


class TypedLines:
    """The lines that are not finished, the innermost last."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.all: tuple[TypedLine, ...] = ()

    @property
    def executing(self) -> TypedLine | None:
        """The line that EIP stands in, None if there is none or it was left."""
        return self.all[-1] if self.all and self.all[-1].resume is None else None

    def resumptions(self) -> set[int]:
        """Where lines that were left go on."""
        return {line.resume for line in self.all if line.resume is not None}

    def begin(self, text: str, start: int, end: int, back_to: tuple[int, int] | None, is_told: bool = True) -> None:
        """A line starts to execute. One that EIP stands in, since Ctrl-C has stopped it, is not come back to."""
        waiting = self.all if self.executing is None else self.all[:-1]
        self.all = (*waiting, TypedLine(text, start, end, self.session.ring, back_to, is_told=is_told))

    def suspend(self) -> None:
        """The line that EIP stands in, if there is one, goes on where it stands now, after something else."""
        if self.executing is not None:
            self.all = (*self.all[:-1], self.all[-1]._replace(resume=self.session.here))

    def resume(self) -> None:
        """The innermost line goes on, if it was suspended where EIP stands."""
        if self.all:
            line = self.all[-1]
            inside = line.start <= self.session.here < line.end and line.ring == self.session.ring
            if inside and line.resume == self.session.here:
                self.all = (*self.all[:-1], line._replace(resume=None))

    def forget(self) -> None:
        """Nothing comes back to any of them."""
        self.all = ()

    def settle(self, step: Step) -> RestartedLine | None:
        """See what a step means for the lines; the one that is finished by it, if it had been left before."""
        if not self.all or isinstance(step.end, Waiting | Unsupported):
            return None
        if isinstance(step.end, ShutDown):
            self.forget()
            return None
        line = self.executing
        if line is None:
            return self.arrive()
        inside = line.start <= self.session.here < line.end and self.session.ring == line.ring
        comes_back_to = _comes_back_to(step)
        if inside:
            return None
        if comes_back_to is not None:
            fault = step.end.deliveries[-1].fault if isinstance(step.end, Interrupted) else None
            repeated = fault is not None and fault == line.fault
            self.all = (
                *self.all[:-1],
                line._replace(resume=comes_back_to, left=True, fault=fault or line.fault, repeated=repeated),
            )
            self.session.changed_by_host()
            return None
        return self._finish(len(self.all) - 1)

    def arrive(self) -> RestartedLine | None:
        """A line that was left goes on, if EIP stands where it does; it is finished if that is its end."""
        here, ring = self.session.here, self.session.ring
        for index in range(len(self.all) - 1, -1, -1):
            line = self.all[index]
            if line.resume == here and line.ring == ring:
                if not line.start <= here < line.end:
                    return self._finish(index)
                self.all = (*self.all[:index], line._replace(resume=None))
                self.session.changed_by_host()
                return None
        return None

    def _finish(self, index: int) -> RestartedLine | None:
        """The line is executed: EIP returns, unless the line branched."""
        cpu = self.session.machine.cpu
        line = self.all[index]
        self.all = self.all[:index]
        came_back = None
        if line.back_to is not None and self.session.here == line.end and cpu.segments[CS].selector == line.back_to[0]:
            cpu.eip = line.back_to[1]
            came_back = self.session.here
        self.session.changed_by_host()
        return RestartedLine(line.text, line.start, came_back) if line.left else None


def _comes_back_to(step: Step) -> int | None:
    """The linear address to which control returns after a step that entered a handler or a function; else None."""
    base = step.linear - step.eip
    deliveries = step.deliveries
    if deliveries and deliveries[-1].failed is None:
        return deliveries[-1].saved_eip + base & 0xFFFFFFFF
    instruction = step.instruction
    if instruction is not None and instruction.form.name in ("call", "lcall"):
        return step.linear + instruction.length & 0xFFFFFFFF
    return None
