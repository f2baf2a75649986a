"""Any state and any bytes: no Python exception, no endless step, and the same end stepped, run hot and recorded.

Segments, tables, control registers and code are partly sound and partly garbage; pages alias each other, so that code
rewrites itself under other addresses; between runs the host edits page tables and code, interrupts, and goes back to
checkpoints.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from test_translation import NEVER, soup

from pagefault_lab.machine.checkpoints import Checkpoints
from pagefault_lab.machine.journal import records
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, ESP, VM
from pagefault_lab.machine.segmentation import Descriptor, Segment, SystemSegment, TableRegister

DIRECTORY, TABLE, GDT, IDT, TSS = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000
CODE, TOP = 0x8000, 0x20000
FLAT = (0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF)
TEXTS = [soup(seed) for seed in range(30)]


def descriptor(random: Random) -> int:
    """A segment as programs might have it, or garbage."""
    if random.random() < 0.2:
        return random.getrandbits(64)
    access = random.choice((0x93, 0x97, 0xF3, 0xF6, 0xFA, 0x9A, 0x9E, 0xFE, 0x90, 0x13, 0x82, 0x89, 0xEC, 0xE5))
    base, limit = random.choice((0, 0, 1, 0x8000)), random.choice((0xFFFF, 0x10, 0x2FFF))
    return limit | base << 16 | access << 40 | random.choice((0xCF, 0x4F, 0x80, 0x40, 0)) << 48


def wild(seed: int) -> Machine:
    random = Random(seed)
    machine = Machine(TOP)
    memory, cpu = machine.memory, machine.cpu
    for page in range(CODE, TOP, 0x1000):
        for place in range(page, page + 0x1000, 0x200):
            memory.write_bytes(place, random.choice(TEXTS)[:0x200] if random.random() < 0.7 else random.randbytes(64))
    memory.write(DIRECTORY, 4, TABLE | 7)
    for page in range(TOP >> 12):
        frame = random.randrange(CODE >> 12, TOP >> 12) if page >= CODE >> 12 and random.random() < 0.3 else page
        rights = random.choice((7, 7, 7, 7, 0x67, 5, 3, 0)) if page >= CODE >> 12 else 7
        memory.write(TABLE + 4 * page, 4, frame << 12 | rights)
    for index in range(32):
        raw = FLAT[index] if index < len(FLAT) else descriptor(random)
        memory.write_bytes(GDT + 8 * index, raw.to_bytes(8, "little"))
    for vector in range(256):
        memory.write(IDT + 8 * vector, 4, 0x08 << 16 | random.randrange(CODE, 0x10000))
        memory.write(IDT + 8 * vector + 4, 4, random.choice((0xEE00, 0xEF00, 0x8E00, 0xEE00, 0x8500)))
    memory.write(TSS + 4, 4, TOP)
    memory.write(TSS + 8, 4, 0x10)
    cpu.gdtr, cpu.idtr = TableRegister(GDT, 0xFF), TableRegister(IDT, random.choice((0x7FF, 0x7FF, 0x77)))
    cpu.tr = SystemSegment(0x28, TSS, 0x67, 11, True)
    code, data = random.choice(((0x08, 0x10), (0x1B, 0x23)))
    for number in range(6):
        raw = FLAT[(code if number == CS else data) >> 3]
        if random.random() < 0.1:
            raw = raw & ~(1 << random.choice((54, 55))) if number == CS else descriptor(random)
        cpu.set_segment(number, Segment.of(code if number == CS else data, Descriptor(raw)))
    cpu.cr3 = DIRECTORY
    cpu.write_cr0(random.choice((0x80010011, 0x80010011, 0x80050011, 0x11, 0x8000001F)))
    for number in range(8):
        cpu.registers[number] = random.choice((random.randrange(TOP), random.randrange(64), random.getrandbits(32)))
    cpu.registers[ESP] = random.randrange(CODE, TOP)
    cpu.eip = random.randrange(CODE, TOP)
    cpu.eflags = random.getrandbits(20 if random.random() < 0.3 else 8) & ~VM | 0x3000
    return machine


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
