"""Translated code and single steps are one semantics: held equal in lockstep, with faults, traps and rewritten code."""

from __future__ import annotations

import random
from collections.abc import Set

import pytest
from wild_machines import soup

from pagefault_lab.machine.all_but import AllBut
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.events import Access, Noted, Reason
from pagefault_lab.machine.journal import records
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.memory import ZEROS, pack
from pagefault_lab.machine.registers import CS, ECX, EDI, ESI, ESP, SS, STATUS
from pagefault_lab.machine.segmentation import Descriptor, Segment, SystemSegment, TableRegister
from pagefault_lab.machine.step import Step

NEVER = 1 << 60
CODE, DATA, STACK, HANDLERS, TABLES = 0x10000, 0x20000, 0x30000, 0x40000, 0x1000
KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA = 0x08, 0x10, 0x1B, 0x23
DESCRIPTORS = (0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF)
TSS = 0x3000
TSS_BUSY = 11
# a handler skips a byte of what faulted: with an error code it lies one higher
SKIP, SKIP_WITH_CODE = bytes.fromhex("ff0424 cf"), bytes.fromhex("83c404 ff0424 cf")
WITH_CODE = (8, 10, 11, 12, 13, 14, 17)


def machine(code: bytes, seed: int, cpl: int, hot: int) -> Machine:
    """Paging on, one page in four of the data absent or read-only, every exception skipping a byte."""
    made = Machine(1 << 20)
    memory, cpu = made.memory, made.cpu
    random_number = random.Random(seed)
    for page in range(256):
        rights = 7
        if DATA <= page << 12 < STACK:
            rights = random_number.choice((7, 7, 7, 7, 5, 3, 1, 6))
        memory.write(0x5000 + 4 * page, 4, page << 12 | rights)
    memory.write(0x4000, 4, 0x5007)
    for index, descriptor in enumerate(DESCRIPTORS):
        memory.write_bytes(TABLES + 8 * index, descriptor.to_bytes(8, "little"))
    for vector in range(256):
        handler = HANDLERS + 16 * vector
        gate = handler & 0xFFFF | KERNEL_CODE << 16 | 0xEE00 << 32 | (handler >> 16) << 48
        memory.write_bytes(0x2000 + 8 * vector, gate.to_bytes(8, "little"))
        memory.write_bytes(handler, SKIP_WITH_CODE if vector in WITH_CODE else SKIP)
    memory.write(TSS + 4, 4, 0x3F000)
    memory.write(TSS + 8, 2, KERNEL_DATA)
    memory.write_bytes(CODE, code)
    memory.write_bytes(DATA, random_number.randbytes(0x4000))
    cpu.gdtr, cpu.idtr = TableRegister(TABLES, 0x27), TableRegister(0x2000, 0x7FF)
    cpu.tr = SystemSegment(0x28, TSS, 0x67, TSS_BUSY, True)
    code_selector, data_selector = (USER_CODE, USER_DATA) if cpl else (KERNEL_CODE, KERNEL_DATA)
    for number in range(6):
        selector = code_selector if number == CS else data_selector
        cpu.set_segment(number, Segment.of(selector, Descriptor(DESCRIPTORS[selector >> 3])))
    assert cpu.segments[SS].big
    cpu.cr3 = 0x4000
    cpu.write_cr0(0x80010011)
    cpu.eip = CODE
    cpu.eflags = random_number.getrandbits(12) & 0xCD5 | 0x3000
    cpu.registers[:] = [random_number.choice((DATA, DATA + 0xFFE, random_number.getrandbits(32))) for _ in range(8)]
    cpu.registers[ESP], cpu.registers[ECX] = STACK + 0x8000, 200
    cpu.registers[ESI], cpu.registers[EDI] = DATA + 0x100, DATA + 0x1000
    made.hot = hot
    return made


def assert_equal_all_along(code: bytes, seed: int, cpl: int, chunks: int = 12) -> Machine:
    translated, stepped = machine(code, seed, cpl, 1), machine(code, seed, cpl, NEVER)
    sizes = random.Random(seed)
    for _ in range(chunks):
        limit = sizes.choice((1, 7, 100, 700))
        assert translated.run(limit) is stepped.run(limit)
        assert translated.steps == stepped.steps
        assert translated.cpu.save() == stepped.cpu.save()
        for number, frame in enumerate(stepped.memory.frames):
            assert (pack(translated.memory.frames[number]) or ZEROS) == (pack(frame) or ZEROS), hex(number)
        assert translated.ports.save() == stepped.ports.save()
    return translated


@pytest.mark.parametrize("cpl", [0, 3])
@pytest.mark.parametrize("seed", range(60))
def test_random_code_ends_the_same_translated_and_stepped(seed: int, cpl: int) -> None:
    assert_equal_all_along(soup(seed), seed, cpl)


def test_the_fuzzed_code_really_is_translated() -> None:
    lengths = [
        block.length
        for seed in range(10)
        for code in assert_equal_all_along(soup(seed), seed, 3).memory.code.values()
        for block in code.blocks[0].values()
    ]
    assert len(lengths) > 50
    assert max(lengths) > 8


def seen(events: tuple[object, ...]) -> list[tuple[object, ...]]:
    """What a step's events say of operand and stack accesses, whether noted or told in full."""
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Access | Noted) and event.reason in (Reason.OPERAND, Reason.STACK):
            found.append((event.kind, event.linear, event.size, event.value, event.before))
        elif isinstance(event, Delivery):
            found += seen(event.events)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_a_journal_holds_what_single_steps_tell(seed: int) -> None:
    code = soup(seed)
    recorded, stepped = machine(code, seed, 3, 1), machine(code, seed, 3, NEVER)
    journal: list[object] = []
    assert recorded.record(1500, journal) is Stop.LIMIT
    kept = list(records(journal))
    assert len(kept) == recorded.steps == 1500
    for record in kept:
        assert record.eip == stepped.cpu.eip
        assert record.registers == tuple(stepped.cpu.registers)
        assert record.status == stepped.cpu.eflags & STATUS
        assert seen(record.events) == seen(stepped.step().events)
    assert recorded.cpu.save() == stepped.cpu.save()


@pytest.mark.parametrize("seed", range(20))
def test_a_stop_inside_hot_code_is_never_run_past(seed: int) -> None:
    code = soup(seed)
    translated, stepped = machine(code, seed, 3, 1), machine(code, seed, 3, NEVER)
    translated.run(700)
    stepped.run(700)
    places = random.Random(seed)
    for _ in range(12):
        stops: Set[int] = {CODE + places.randrange(len(code)) for _ in range(places.choice((1, 5, 60)))}
        if places.random() < 0.5:  # it must stay in a part of the code
            first = places.randrange(len(code))
            stops = AllBut(set(range(CODE + first, CODE + len(code))) - stops)
        assert translated.run(400, stops) is stepped.run(400, stops)
        assert translated.steps == stepped.steps
        assert translated.cpu.save() == stepped.cpu.save()


def test_all_but_some_addresses_is_the_set_of_all_others() -> None:
    others = AllBut({3, 5})
    assert (2 in others, 3 in others, 0xFFFFFFFF in others) == (True, False, True)
    assert [others.isdisjoint(some) for some in ({3}, {3, 5}, {3, 4}, ())] == [True, True, False, True]
    assert len(others) == (1 << 32) - 2
    assert [*zip(others, range(6), strict=False)] == [(0, 0), (1, 1), (2, 2), (4, 3), (6, 4), (7, 5)]


@pytest.mark.parametrize("on_fault", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_a_told_run_stops_where_a_run_does_and_tells_each_step_once(seed: int, on_fault: bool) -> None:
    code = soup(seed)
    free, told = machine(code, seed, 3, 1), machine(code, seed, 3, 1)
    steps: list[Step] = []
    places = random.Random(seed)
    for _ in range(12):
        stops = {CODE + places.randrange(len(code)) for _ in range(places.choice((0, 5, 60)))}
        limit = places.choice((1, 7, 100, 400))
        assert told.run_told(limit, steps.append, stops, on_fault) is free.run(limit, stops, on_fault)
        assert told.steps == free.steps
        assert told.cpu.save() == free.cpu.save()
        if places.random() < 0.2:
            told.interrupt(0x30)
            free.interrupt(0x30)
    assert [step.number for step in steps] == list(range(free.steps))


@pytest.mark.parametrize(
    ("code", "stop", "made"),
    [
        (b"\x90\xf4", Stop.WAITING, 2),  # nop; hlt
        (b"\x90\x31\xc0\x0f\x22\xc0", Stop.UNSUPPORTED, 2),  # nop; xorl %eax,%eax; movl %eax,%cr0: real mode
        (b"\x90\x31\xe4\x0f\x0b", Stop.SHUTDOWN, 3),  # nop; xorl %esp,%esp; ud2: nowhere to push to
    ],
)
def test_a_told_run_says_why_it_cannot_go_on(code: bytes, stop: Stop, made: int) -> None:
    steps: list[Step] = []
    free, told = machine(code, 0, 0, 1), machine(code, 0, 0, 1)
    assert told.run_told(99, steps.append) is free.run(99) is stop
    assert told.unsupported == free.unsupported
    assert len(steps) == told.steps == free.steps == made
