"""Sessions for tests: what a line yields as a list, and all that time travel must restore as one value."""

from __future__ import annotations

from typing import Any

from pagefault_lab.lab.results import Value
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.step import Step


def do(session: Session, *lines: str) -> list[Any]:
    """What the last of these lines yields."""
    found: list[Any] = []
    for line in lines:
        found = list(session.execute(line))
    return found


def value(session: Session, expression: str) -> int:
    (found,) = do(session, f"p {expression}")
    assert isinstance(found, Value)
    return found.value


def steps(values: list[Any]) -> list[Step]:
    """The steps among what a line yielded."""
    return [each.step for each in values if isinstance(each, Story)]


def only(kind: type, values: list[Any]) -> Any:
    """The one value of this type."""
    (found,) = (each for each in values if isinstance(each, kind))
    return found


def everything(session: Session) -> tuple[Any, ...]:
    """Registers, TLB, memory, devices and the session's own state."""
    machine = session.machine
    memory = {
        number: tuple(words) for number, words in enumerate(machine.memory.frames) if words is not None and any(words)
    }
    return machine.cpu.save(), machine.steps, memory, machine.ports.save(), session.save_state()
