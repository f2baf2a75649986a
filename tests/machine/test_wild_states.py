"""Any state and any bytes: no Python exception, no endless step, and the same end stepped, run hot and recorded.

Between runs the host edits page tables and code, interrupts, and goes back to checkpoints.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from test_translation import NEVER
from wild_machines import CODE, TABLE, TOP, wild

from pagefault_lab.machine.checkpoints import Checkpoints
from pagefault_lab.machine.journal import records
from pagefault_lab.machine.machine import Machine


def advance(machine: Machine, way: str, count: int) -> None:
    if way == "stepped":
        last, before = machine.steps + count, -1
        while before != machine.steps < last:
            before = machine.steps
            machine.step()
    elif way == "recorded":
        journal: list[Any] = []
        before = machine.steps
        machine.record(count, journal)
        assert len(list(records(journal))) >= machine.steps - before
    else:
        machine.run(count)


def state(machine: Machine) -> tuple[Any, ...]:
    frames = tuple(tuple(frame or (0,) * 1024) for frame in machine.memory.frames)
    return machine.cpu.save(), machine.steps, frames, machine.ports.save()


@pytest.mark.parametrize("seed", range(24))
def test_every_way_to_go_on_ends_in_the_same_state(seed: int) -> None:
    random = Random(-seed - 1)
    machines = {way: wild(seed) for way in ("stepped", "hot", "cold", "recorded")}
    checkpoints = {way: Checkpoints(machine) for way, machine in machines.items()}
    for way, machine in machines.items():
        machine.hot = NEVER if way == "cold" else 1
    for _ in range(6):
        count, happens = random.choice((1, 7, 60, 150)), random.randrange(7)
        place, value, which = random.randrange(CODE, TOP), random.getrandbits(8), random.random()
        page = random.randrange(CODE >> 12, TOP >> 12)
        entry = random.randrange(CODE >> 12, TOP >> 12) << 12 | random.choice((7, 7, 5, 0))
        for way, machine in machines.items():
            if happens == 0:
                machine.memory.write(place, 1, value)
            elif happens == 1:
                machine.memory.write(TABLE + 4 * page, 4, entry)
            elif happens == 2:
                machine.interrupt(value)
            elif happens <= 4:
                checkpoints[way].take()
            elif checkpoints[way].kept:
                checkpoints[way].go_to(int(which * len(checkpoints[way].kept)))
                checkpoints[way].cut()
            advance(machine, way, count)
        expected = state(machines["stepped"])
        for way in ("hot", "cold", "recorded"):
            assert state(machines[way]) == expected, way


@pytest.mark.parametrize("seed", range(8))
def test_checkpoints_bring_everything_back_in_any_order(seed: int) -> None:
    random = Random(seed)
    machine = wild(seed)
    machine.hot = 1
    checkpoints = Checkpoints(machine)
    expected: list[tuple[Any, ...]] = []
    newest: tuple[Any, ...] | None = None  # while the machine is in the past
    cut = 0
    for _ in range(80):
        match random.choice(("take", "take", "go", "go", "newest", "merge")):
            case "merge" if len(expected) > 2:
                index = random.randrange(1, len(expected))
                if index != checkpoints.at:
                    checkpoints.merge([index])
                    del expected[index]
                    continue
            case "go" if expected:
                newest = newest or state(machine)
                index = random.randrange(len(expected))
                checkpoints.go_to(index)
                assert state(machine) == expected[index]
                assert state(checkpoints.copy_of_newest()) == newest
            case "newest" if newest is not None:
                checkpoints.go_to_newest()
                assert state(machine) == newest
                newest = None
            case _:
                if newest is not None:
                    del expected[checkpoints.at + 1 :]
                    checkpoints.cut()
                    newest = None
                    cut += 1
                checkpoints.take()
                expected.append(state(machine))
        for index in random.sample(range(len(expected)), min(2, len(expected))):
            assert state(checkpoints.copy_of(index)) == expected[index]
        if newest is None and expected:
            machine.ports.write(random.choice((0xE9, 0x3F8, 0x3FB)), 1, random.getrandbits(8))
            machine.run(random.choice((1, 20, 200)))
            machine.memory.write(random.randrange(TOP), 1, random.getrandbits(8))
    assert cut


@pytest.mark.parametrize("seed", range(8))
def test_a_future_that_was_cut_can_be_joined_again(seed: int) -> None:
    random = Random(seed)
    machine = wild(seed)
    machine.hot = 1
    checkpoints = Checkpoints(machine)
    expected: list[tuple[Any, ...]] = []
    for _ in range(8):
        checkpoints.take()
        expected.append(state(machine))
        machine.run(random.choice((1, 20, 200)))
        machine.memory.write(random.randrange(TOP), 1, random.getrandbits(8))
    newest = state(machine)
    for _ in range(10):
        index = random.randrange(8)
        checkpoints.go_to(index)
        machine.run(random.choice((0, 5)))
        future = checkpoints.cut()
        checkpoints.take()
        machine.run(50)
        machine.memory.write(random.randrange(TOP), 1, random.getrandbits(8))
        checkpoints.go_to(index + 1)
        checkpoints.cut()
        checkpoints.merge([index + 1])
        checkpoints.join(future)
        order = random.sample(range(8), 8)
        for place in order:
            checkpoints.go_to(place)
            assert state(machine) == expected[place]
        checkpoints.go_to_newest()
        assert state(machine) == newest
