"""Sessions for tests: what a line yields as a list, and all that time travel must restore as one value."""

from __future__ import annotations

from random import Random
from typing import Any
from unittest.mock import patch

from wild_machines import CODE, TABLE, TOP, wild

from pagefault_lab.lab.results import StructureValue, Value
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.registers import NAMES_32
from pagefault_lab.machine.step import Step
from pagefault_lab.worlds import World


def do(session: Session, *lines: str) -> list[Any]:
    """What the last of these lines yields."""
    found: list[Any] = []
    for line in lines:
        found = list(session.execute(line))
    return found


def value(session: Session, expression: str) -> int:
    (found,) = do(session, f"p {expression}")
    assert isinstance(found, Value | StructureValue)
    assert found.value is not None
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


def wild_session(seed: int) -> Session:
    """A session in a world of its own, with a machine in any state (wild_machines.py) and nothing to type into."""
    with patch("pagefault_lab.lab.session.boot", lambda name: (wild(seed), World(name, "anything"))):
        return Session("bare")


def wild_line(random: Random) -> str:
    """What may be done in such a session."""
    place, value = random.randrange(CODE, TOP), random.getrandbits(32)
    entry = TABLE + 4 * random.randrange(CODE >> 12, TOP >> 12)
    return random.choice((
        f"si {random.randrange(1, 50)}", "si 200", "c", "c", "si", f"irq {random.randrange(16)}",
        f"set ${random.choice(NAMES_32)} = {random.choice((value, place))}",
        f"set phys[{place & ~3}] = {value}", f"set u8[{place}] = {value & 0xFF}",
        f"set phys[{entry}] = {random.randrange(CODE >> 12, TOP >> 12) << 12 | random.choice((7, 7, 5, 0))}",
        f"flush {place}", f"set $eip = {place}",
    ))  # fmt: skip
