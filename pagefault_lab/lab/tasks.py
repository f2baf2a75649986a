"""The guest kernel's tasks, and how it is made to take the next one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.breakpoints.places import Errand
from pagefault_lab.lab.results import Message, Ran, RestartedLine, Stopped
from pagefault_lab.machine.registers import ESP, IF
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

COMM_SIZE: Final = 16


class Task(NamedTuple):
    """A task: its number and name, the physical address of its page directory, the top of its kernel stack."""

    pid: int
    comm: str
    cr3: int
    esp0: int


class TaskSwitched(NamedTuple):
    """The kernel has taken another task; it runs in user mode now."""

    before: Task
    after: Task


def running(session: Session) -> Task:
    """The task that the guest kernel says is running, with what the processor uses for it."""
    doors, machine = session.world.tasks, session.machine
    assert doors is not None
    at = session.symbols.given
    task = peeking.read(machine, doors.current, 4)
    comm = peeking.read_bytes(machine, task + at["TASK_COMM"], COMM_SIZE).partition(b"\0")[0].decode("latin-1")
    esp0 = peeking.read(machine, machine.cpu.tr.base + 4, 4)
    return Task(peeking.read(machine, task + at["TASK_PID"], 4), comm, machine.cpu.cr3, esp0)


def directories(session: Session) -> Iterator[int]:
    """The physical addresses of all tasks' page directories, as far as the guest kernel's memory can be read."""
    doors, machine, at = session.world.tasks, session.machine, session.symbols.given
    if doors is None:
        return
    for place in range(doors.places):
        task = machine.cpu.peek(doors.table + 4 * place, 4)
        directory = machine.cpu.peek(task + at["TASK_PGD"], 4) if task else None
        if directory:
            yield directory - at["PAGE_OFFSET"]


def switch(session: Session) -> Iterator[object]:
    """Request the timer's interrupt, and run until another task is back in user mode."""
    doors = session.world.tasks
    cpu = session.machine.cpu
    if doors is None:
        raise Problem(f"the world {session.world.name} has no tasks", "`world linux` has two")
    session.check_runs()
    if session.ring != 3:
        raise Problem("the kernel takes another task only on its way back to user mode", "`user` first")
    if not cpu.eflags & IF:
        raise Problem("IF = 0 keeps the timer's interrupt out", "set $if = 1")
    before, task = running(session), peeking.read(session.machine, doors.current, 4)
    session.changing()
    session.machine.interrupt(session.world.irq_base + doors.timer)
    session.changed_by_host()

    def another_enters_user_mode() -> bool:
        cs = peeking.read(session.machine, cpu.registers[ESP] + 4, 4)  # in the frame that the iret will take
        return bool(cs & 3) and peeking.read(session.machine, doors.current, 4) != task

    for value in session.runner.go(Errand((doors.to_user,), another_enters_user_mode)):
        if isinstance(value, Ran) and value.stopped is Stopped.ARRIVED:
            break
        yield value
    else:
        if running(session) == before and not session.runner.hits:
            yield Message("no other task is ready to run")
        return
    for value in session.runner.steps(1):
        if isinstance(value, RestartedLine):
            yield value
    if session.code.contains_eip and not session.typed_lines.all:
        session.code.stand_at_end()  # where the task stood, other lines may have been typed since
        session.changed_by_host()
    yield TaskSwitched(before, running(session))
