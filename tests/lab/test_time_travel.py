"""Time travel: whatever was done, every step of it can be gone to, in any order, and all is as it was."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest
from benches import do, only, wild_line, wild_session

from pagefault_lab.lab import history as history_module
from pagefault_lab.lab.results import NewFuture, Ran, Stopped, Travelled
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.step import Step, visible
from pagefault_lab.problem import Problem

MODULE = Path(__file__).parents[2] / "lessons" / "lecture.s"


def state_of(machine: Machine) -> bytes:
    """A hash of everything that the machine is."""
    digest = blake2b(repr((machine.steps, machine.cpu.save(), machine.ports.save())).encode(), digest_size=16)
    for number, frame in enumerate(machine.memory.frames):
        if frame is not None and any(frame):
            digest.update(number.to_bytes(4, "little"))
            digest.update(array("I", frame).tobytes())
    return digest.digest()


def all_of(session: Session) -> tuple[object, ...]:
    """The machine, and what the session knows that goes back in time with it."""
    code, typed_lines, symbols, variables, *_ = session.save_state()
    log = [repr(value) for value in session.execute("dmesg")] if session.world.name == "linux" else []
    return state_of(session.machine), code, typed_lines, symbols, variables, log


BUDGET = 2_000  # steps of a line
LOOKS = 8  # states that are witnessed in one

# what a session may do: programs, faults that are repaired or kill, edits of page tables, ports, interrupts, modules
DOINGS = (
    "movl $user_heap,%ebx; movl %eax,(%ebx)", "c", "si 7", "si 200", "movl $1,user_rodata", "incl %eax; pushl %eax",
    "1: addl $3,%eax; decl %ecx; jnz 1b", "movl $40,%ecx", "c", "kernel", "user", "irq 0", "c",
    "map 0x40000000", "movl %eax,0x40000010", "protect 0x40000000 r", "unmap 0x40000000", "flush 0x40000000",
    "set $eax = 77", "set $n = steps", "poke $esp 1 2 3", "spot = 5; .long 1", "movb $65,%al; outb %al,$0xe9",
    "movw $0x3f8,%dx; outb %al,%dx", "int $0x80", "movl $2,%eax", f"insmod {MODULE}", "rmmod lecture", "switch",
    "movl user_bss,%ecx", "ni", "movl %cr3,%eax; movl %eax,%cr3", "set pte($esp).user = 0", "movl $5,%edx",
)  # fmt: skip


def perform(session: Session, line: str) -> bool:
    """Whether a line was right. What ended in a shutdown is undone: nothing could follow."""
    session.budget = BUDGET
    try:
        do(session, line)
    except Problem:
        return False
    if session.machine.cpu.shutdown:
        do(session, "back")
        return False
    return True


def witnessed(session: Session, lines: Iterable[str], random: Random) -> dict[int, bytes]:
    """Do these lines; the machine's state just before steps, taken when the machine was really about to make them.

    Runs are cut into short ones, to look in between.
    """
    states: dict[int, bytes] = {}
    known = 0
    machine = session.machine
    step, run = machine.step, machine.run

    def look() -> None:
        if random.random() < 0.2 and len(states) < known + LOOKS:
            states[machine.steps] = state_of(machine)

    def seen_step(*arguments: Any, **named: Any) -> Step:
        look()
        return step(*arguments, **named)

    def seen_run(limit: int, *arguments: Any, **named: Any) -> Stop:
        look()
        return run(min(limit, random.choice((1, 20, 700))), *arguments, **named)

    machine.step, machine.run = seen_step, seen_run  # type: ignore[method-assign]
    for line in lines:
        known = len(states)
        perform(session, line)
        states = {number: state for number, state in states.items() if number < machine.steps}  # others were undone
    del machine.step, machine.run
    return states


def travel(session: Session, states: dict[int, bytes], random: Random) -> None:
    """Go to all these steps in any order, and elsewhere from there."""
    end = session.history.present
    for number in random.sample(sorted(states), len(states)):
        do(session, f"goto {number}")
        assert session.machine.steps == number
        assert state_of(session.machine) == states[number], number
        assert state_of(session.history.machine_at(number)) == states[number], number
        if random.random() < 0.3:  # go on from there, by single steps and by a run
            for forward in (random.randrange(1, 40), random.randrange(1, 800)):
                target = min(session.machine.steps + forward, end)
                if target > session.machine.steps:
                    do(session, f"si {target - session.machine.steps}")
                    assert session.machine.steps == target
                    assert state_of(session.machine) == state_of(session.history.machine_at(target))
        if random.random() < 0.3 and session.machine.steps > session.history.first_step + 50:
            before = session.machine.steps
            do(session, "reverse-stepi 50")
            assert session.machine.steps == before - 50
            assert state_of(session.machine) == state_of(session.history.machine_at(before - 50))
    do(session, "goto")


@pytest.fixture
def marks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks in long runs are taken now, and thinned out, as otherwise only in very long ones."""
    monkeypatch.setattr(history_module, "INTERVAL", 0)
    monkeypatch.setattr(history_module, "SECONDS_PER_FRAME", 0)
    monkeypatch.setattr(history_module, "MOST_TIMES", 10)
    monkeypatch.setattr(history_module, "LOOK_AGAIN", 5)
    monkeypatch.setattr(history_module, "LEAST_STRIDE", 250)


@pytest.mark.usefixtures("marks_often")
@pytest.mark.parametrize("seed", range(6))
def test_every_step_can_be_gone_to_in_any_order(linux: Session, seed: int) -> None:
    random = Random(seed)
    states = witnessed(linux, random.choices(DOINGS, k=30), random)
    do(linux, "goto")
    present = all_of(linux)
    assert len(states) > 5
    travel(linux, states, random)
    assert all_of(linux) == present


@pytest.mark.usefixtures("marks_often")
@pytest.mark.parametrize("seed", range(20))
def test_every_step_of_anything_can_be_gone_to_in_any_order(seed: int) -> None:
    random = Random(seed)
    session = wild_session(seed)
    states = witnessed(session, (wild_line(random) for _ in range(30)), random)
    do(session, "goto")
    present = all_of(session)
    travel(session, states, random)
    assert all_of(session) == present


@pytest.mark.parametrize("seed", range(6))
def test_lines_are_undone_and_redone_exactly(linux: Session, seed: int) -> None:
    random = Random(100 + seed)
    states = [all_of(linux)]
    for _ in range(20):
        known = len(linux.history.lines)
        perform(linux, random.choice(DOINGS))
        if len(linux.history.lines) > known:
            states.append(all_of(linux))
        else:
            states[-1] = all_of(linux)
    place = len(states) - 1
    for _ in range(40):
        if place and random.random() < 0.5:
            count = random.randrange(1, min(place, 4) + 1)
            do(linux, f"back {count}")
            place -= count
        elif place < len(states) - 1:
            do(linux, "redo")
            place += 1
        assert all_of(linux) == states[place]


def test_a_fault_is_gone_to_by_its_number_from_anywhere(linux: Session) -> None:
    do(linux, "movl %eax,user_heap", "c", "nop", "movl %eax,user_bss", "c", "movl %eax,user_rodata")
    steps = [event.step for event in linux.chronicle.events(What.FAULT)]
    assert len(steps) == 3
    for number in (2, 3, 1, 3):  # back and ahead
        moved = only(Travelled, do(linux, f"goto fault {number}"))
        assert moved.step == linux.machine.steps == steps[number - 1]
        assert only(Story, do(linux, "si")).step.deliveries
    do(linux, "goto", "goto fault")
    assert linux.machine.steps == steps[2]
    do(linux, "goto fault")  # the last one before here
    assert linux.machine.steps == steps[1]
    with pytest.raises(Problem, match="no such fault") as caught:
        do(linux, "goto fault 4")
    assert "3 faults" in (caught.value.hint or "")
    assert linux.machine.steps == steps[1]


def test_without_a_fault_there_is_none_to_go_to(linux: Session) -> None:
    do(linux, "nop")
    with pytest.raises(Problem, match="no such fault"):
        do(linux, "goto fault")
    with pytest.raises(Problem, match="there is nothing to go back to"):
        do(linux, "goto 0", "rsi")


@pytest.mark.parametrize("seed", range(6))
def test_a_new_future_forgets_the_old_one_and_a_wrong_line_does_not(linux: Session, seed: int) -> None:
    random = Random(200 + seed)
    for _ in range(15):
        perform(linux, random.choice(DOINGS))
    for _ in range(6):
        end, present = linux.machine.steps, all_of(linux)
        events = list(linux.chronicle.events())
        target = random.randrange(linux.history.first_step, end)
        do(linux, f"goto {target}")
        there = all_of(linux)
        for wrong in (
            "movl $1,%nonsense",
            "set $eax = nothing",
            "goto 99999999",
            "poke 0x7ff00000 1",
            "si 0",
            "p (",
            "insmod no",
        ):
            with pytest.raises(Problem):
                do(linux, wrong)
            assert all_of(linux) == there
        assert linux.history.present == end
        do(linux, "goto")
        assert all_of(linux) == present
        assert list(linux.chronicle.events()) == events
        do(linux, f"goto {target}")
        values = do(linux, random.choice(("set $eax = 1", "set $new = 4", "irq 0")))
        gone = only(NewFuture, values)
        assert gone.steps == end - target
        assert not linux.history.in_past
        assert all(event.step < target for event in linux.chronicle.events())
        do(linux, "back")
        assert all_of(linux) == there
        do(linux, "redo")
        for _ in range(4):
            perform(linux, random.choice(DOINGS))


def test_a_line_that_fails_after_it_has_changed_something_keeps_the_future(linux: Session) -> None:
    do(linux, "movl $1,%eax", "movl $2,%ebx", "movl $3,%ecx")
    present = all_of(linux)
    do(linux, "goto 1")
    there = all_of(linux)

    def fails() -> Iterator[object]:
        linux.changing()
        linux.machine.cpu.registers[0] = 99
        linux.changed_by_host()
        linux.machine.run(1)
        raise Problem("it went wrong")
        yield

    linux.dispatch = lambda line: fails()  # type: ignore[method-assign]
    with pytest.raises(Problem, match="went wrong"):
        do(linux, "anything")
    del linux.dispatch
    assert all_of(linux) == there
    do(linux, "goto 2")
    do(linux, "goto")
    assert all_of(linux) == present


def test_after_back_a_line_is_executed_anew_and_not_from_the_record(linux: Session) -> None:
    do(linux, "kernel", "movl $7,%eax")
    do(linux, "back")
    here = linux.machine.steps
    values = do(linux, "movl $8,%eax")
    assert only(NewFuture, values) == NewFuture(1, 1)
    assert linux.machine.cpu.registers[0] == 8
    assert linux.machine.steps == here + 1


def test_the_same_line_after_back_makes_no_words_about_futures(linux: Session) -> None:
    do(linux, "movl $7,%eax", "back")
    assert not [value for value in do(linux, "movl $7,%eax") if isinstance(value, NewFuture)]


def test_going_on_in_the_past_stops_at_the_present(linux: Session) -> None:
    do(linux, "movl $1,%eax", "movl $2,%eax", "goto 0")
    ran = only(Ran, do(linux, "c"))
    assert (ran.steps, ran.stopped) == (2, Stopped.PRESENT)
    assert not linux.history.in_past
    do(linux, "goto 0", "b user_scratch+5")
    assert only(Ran, do(linux, "c")).stopped is Stopped.BREAKPOINT
    assert linux.history.in_past


def test_a_step_that_is_not_in_the_history_is_told_and_nothing_moves(linux: Session) -> None:
    do(linux, "movl $1,%eax")
    for line in ("goto 7", "goto -2", "goto 1000000000000", "reverse-stepi 2"):
        with pytest.raises(Problem):
            do(linux, line)
        assert not linux.history.in_past


def test_travelling_tells_where_one_stands(linux: Session) -> None:
    do(linux, "movl $1,%eax", "movl $2,%eax", "movl $3,%eax")
    moved = only(Travelled, do(linux, "goto 1"))
    assert (moved.forward, moved.steps, moved.step, moved.present) == (False, 2, 1, 3)
    moved = only(Travelled, do(linux, "goto"))
    assert (moved.forward, moved.steps, moved.step, moved.present) == (True, 2, 3, 3)


# --- the chronicle


@pytest.mark.parametrize("seed", range(4))
def test_the_chronicle_has_what_the_told_steps_did(linux: Session, seed: int) -> None:
    from pagefault_lab.machine.delivery import Delivery, Source
    from pagefault_lab.machine.events import PortAccess

    random = Random(300 + seed)
    for _ in range(20):
        perform(linux, random.choice(DOINGS))
    events = list(linux.chronicle.events())
    assert [event.step for event in events] == sorted(event.step for event in events)
    known: dict[int, list[tuple[What, tuple[int, ...], int]]] = {}
    for event in events:
        known.setdefault(event.step, []).append((event.what, event.numbers, event.address))
    for step in linux.history.stories(linux.history.first_step):
        noted = known.get(step.number, [])
        assert all(address == step.linear for *_, address in noted)
        faults = [delivery.fault for delivery in step.deliveries if delivery.source is Source.EXCEPTION]
        told = [(fault.vector, -1 if fault.error is None else fault.error) for fault in faults]
        assert [numbers[:2] for what, numbers, _ in noted if what is What.FAULT] == told
        ports = [(access.port, access.value) for access in step.events if isinstance(access, PortAccess)]
        assert [numbers[:2] for what, numbers, _ in noted if what is What.PORT] == ports
        rings = [(change.before, change.after) for change in step.changes if change.register == "cpl"]
        assert [numbers for what, numbers, _ in noted if what is What.RING] == rings
        asked = [each for each in step.deliveries if isinstance(each, Delivery) and each.source is not Source.EXCEPTION]
        assert len([what for what, *_ in noted if what is What.INTERRUPT]) == len(asked)


def test_a_write_to_a_page_table_in_use_is_noticed_at_every_speed(linux: Session) -> None:
    do(linux, "kernel")
    do(linux, "movl $0xc0000000 + 4 * 0x100,%esi")
    machine = linux.machine
    directory = machine.cpu.cr3 & 0xFFFFF000
    table = machine.memory.read(directory + 4 * 32, 4) & 0xFFFFF000
    do(linux, f"movl $0xc0000000 + {table:#x},%ebx", "movl $200,%ecx")
    known = linux.chronicle.count(What.TABLE)
    do(linux, "1: xorl $0x200,0x10(%ebx); loop 1b")
    assert linux.chronicle.count(What.TABLE) == known + 200
    last = linux.chronicle.last(What.TABLE)
    assert last is not None
    assert last.numbers[0] == table + 0x10
    assert visible(machine.cpu)[1] == 0


def test_what_the_host_has_made_a_page_table_is_one_for_the_next_write(linux: Session) -> None:
    do(linux, "kernel", "movl $0xc0700000,%ebx", "movl $40,%ecx", "1: movl $1,(%ebx); loop 1b")
    do(linux, "set [0xc0000000 + cr3 + 4 * 0x200] = 0x700003")
    known = linux.chronicle.count(What.TABLE)
    do(linux, "movl $5,(%ebx)")
    assert linux.chronicle.count(What.TABLE) == known + 1


def test_a_step_back_is_made_from_near_by_as_often_as_one_likes(bare: Session) -> None:
    do(bare, "asm", "movl $0x9000,%edi; movl $3000,%ecx", "1: movl %ecx,(%edi); addl $40,%edi; loop 1b", "end", "c")
    end, executed = bare.machine.steps, 0
    run = bare.machine.run

    def counted(limit: int, *arguments: Any, **named: Any) -> Stop:
        nonlocal executed
        before = bare.machine.steps
        stop = run(limit, *arguments, **named)
        executed += bare.machine.steps - before
        return stop

    do(bare, f"goto {end - 10}")
    bare.machine.run = counted  # type: ignore[method-assign]
    for number in range(end - 11, end - 400, -1):
        do(bare, "reverse-stepi")
        assert bare.machine.steps == number
    assert executed < 400 * 500
    del bare.machine.run
    visitor = bare.history.visitor(0)
    visitor.go_to(bare.machine.steps)
    assert state_of(bare.machine) == state_of(visitor.machine)
