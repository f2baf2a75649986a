"""The timeline, against the told steps; the chronicle behind it, against a list."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from benches import do, only, wild_line, wild_session
from counting import at_most

from pagefault_lab.lab.chronicle import Chronicle, Event
from pagefault_lab.lab.history import Kind
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.travel import KINDS, WORTH_A_ROW, Timeline, timeline
from pagefault_lab.lab.walks import Maps
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.problem import Problem


def shown(session: Session, *asked: str) -> Timeline:
    return only(Timeline, do(session, " ".join(("timeline", *asked))))  # type: ignore[no-any-return]


def busy_session(seed: int) -> Session:
    """One in which much has happened, that stands somewhere in it."""
    random = Random(seed)
    session = wild_session(seed)
    session.budget = 200
    for _ in range(25):
        with suppress(Problem):
            do(session, wild_line(random))
        if session.machine.cpu.shutdown:
            do(session, "back")
    do(session, "goto")
    if random.random() < 0.6:
        do(session, f"goto {random.randrange(session.history.first_step, session.history.present + 1)}")
    return session


def everything_in(session: Session) -> list[Event | str]:
    """All that happened, as it is noticed when every step is made again, and the lines, in their order."""
    history = session.history
    found: list[tuple[int, int, Event | str]] = []
    visitor = history.visitor(history.first_step)
    for number in range(history.first_step, history.present):
        visitor.machine.listener = None
        visitor.go_to(number)
        visitor.machine.listener = lambda step, address, notice: found.append(
            (step, 1, Event(step, notice.what, address, notice.numbers))
        )
        visitor.machine.step()
    for checkpoint, mark in zip(history.checkpoints.kept, history.marks, strict=True):
        if mark.kind is Kind.LINE:
            found.append((checkpoint.steps, 0, mark.line))
    return [each for *_, each in sorted(found, key=lambda each: each[:2])]


@pytest.mark.parametrize("seed", range(12))
def test_a_timeline_has_what_the_told_steps_did_around_here(seed: int) -> None:
    session = busy_session(seed)
    here, happened = session.machine.steps, everything_in(session)
    for name, what in (("", WORTH_A_ROW), *KINDS.items()):
        everything = [each for each in happened if (each.what in what if isinstance(each, Event) else not name)]
        for count in (1, 2, 5, 20, 10_000):
            found = shown(session, name, str(count)) if name else timeline(session, count=count)
            rows = [row.event if row.event is not None else row.line for row in found.rows]
            assert rows == everything[found.earlier : found.earlier + len(rows)]
            assert found.earlier + len(rows) + found.later == len(everything)
            assert len(rows) == min(count, len(everything))
            assert (found.step, found.present, found.first) == (here, session.history.present, 0)
            if found.earlier and found.later:  # as much of the one as of the other
                assert sum(row.step < here for row in found.rows) in range(count // 2, count // 2 + 1)


def test_a_line_that_has_done_nothing_but_change_a_register_is_a_row_too(bare: Session) -> None:
    do(bare, "set $eax = 1", "movl $2, %ebx", "set $ecx = 3")
    assert [(row.step, row.line) for row in shown(bare).rows] == [
        (0, "set $eax = 1"), (0, "movl $2, %ebx"), (1, "set $ecx = 3"),
    ]  # fmt: skip


def test_many_lines_are_as_many_rows_as_were_asked_for(bare: Session) -> None:
    for number in range(50):
        do(bare, f"movl ${number}, %eax")
    found = shown(bare)
    assert [row.line for row in found.rows] == [f"movl ${number}, %eax" for number in range(30, 50)]
    assert (found.earlier, found.later) == (30, 0)
    do(bare, "goto 25")
    found = shown(bare, "4")
    assert [row.step for row in found.rows] == [23, 24, 25, 26]
    assert (found.earlier, found.later) == (23, 23)


def test_faults_have_the_numbers_that_why_knows_them_by(linux: Session) -> None:
    do(linux, "movl %eax, user_bss", "c", "movl %eax, user_heap", "c", "movl $1, user_rodata")
    assert [(row.fault, row.event.numbers[2] if row.event else 0) for row in shown(linux, "faults").rows] == [
        (1, 0x0804B000), (2, 0x0804C000), (3, 0x08049000),
    ]  # fmt: skip


def test_a_write_to_a_page_table_says_which_page_it_is_for(linux: Session) -> None:
    do(linux, "movl %eax, user_heap", "c")
    (row,) = shown(linux, "tables").rows
    assert row.maps == Maps("PTE", 0x0804C000)
    do(linux, "kernel", "movl %cr3, %ebx", "movl $7, 0xc0000000+4*0x100(%ebx)", "movl %ebx, %cr3")
    directory = [row.maps for row in shown(linux, "tables").rows if row.maps is not None and row.maps.level == "PDE"]
    assert directory == [Maps("PDE", 0x40000000)]
    do(linux, "movl $0, 0xc0000000+4*0x100(%ebx)", "movl $0xc1fff000, %edx", "movl %edx, (%edx)")
    assert len(shown(linux, "tables").rows) == 3  # the last was to a page that is no table
    do(linux, "set $cr3 = 0x1ffe000")  # another directory, without any tables
    assert all(row.maps is None for row in shown(linux, "tables").rows)


# --- the chronicle


def noticed(count: int) -> tuple[Machine, Chronicle, list[Event]]:
    """A chronicle of so many events of all kinds, and the same as a list."""
    random, machine = Random(count), Machine(1 << 12)
    chronicle, events = Chronicle(machine), list[Event]()
    step = 0
    for _ in range(count):
        step += random.choice((0, 1, 1, 1, 50))
        what = random.choice([*What])
        numbers = tuple(random.choice((0, 1, 0xFFFFFFFF)) for _ in range(random.randrange(5)))
        if what is What.FAULT:
            numbers = (random.randrange(32), random.choice((-1, 0, 7)), 0xFFFFFFFF)
        chronicle.take(step, step + 0x1000, Notice(what, numbers, 0))
        events.append(Event(step, what, step + 0x1000, numbers))
    machine.steps = step + 1
    return machine, chronicle, events


@pytest.mark.parametrize("seed", range(20))
def test_a_chronicle_answers_as_a_list_would(seed: int) -> None:
    random = Random(seed)
    machine, chronicle, events = noticed(60 + seed)
    for _ in range(60):
        machine.steps = random.randrange(events[-1].step + 2)
        what = tuple(random.sample([*What], random.randrange(4)))
        first = random.choice((0, random.randrange(events[-1].step + 2)))
        end = random.choice((None, random.randrange(events[-1].step + 2)))
        until = machine.steps if end is None else end
        expected = [event for event in events if event.step < until and (not what or event.what in what)]
        later = [event for event in expected if event.step >= first]
        assert list(chronicle.events(*what, first=first, end=end)) == later
        assert list(chronicle.backwards(*what, end=end)) == expected[::-1]
        assert chronicle.count(*what, end=end) == len(expected)
        assert chronicle.count(*what, first=first, end=end) == len(later)
        assert chronicle.last(*what, end=end) == (expected[-1] if expected else None)


@pytest.mark.parametrize("seed", range(10))
def test_what_was_cut_from_a_chronicle_can_be_joined_again(seed: int) -> None:
    random = Random(seed)
    machine, chronicle, events = noticed(100 + seed)
    end = machine.steps
    machine.steps = random.randrange(end)
    rows = chronicle.cut()
    kept = [event for event in events if event.step < machine.steps]
    assert list(chronicle.events(end=end)) == kept
    for what in What:
        assert chronicle.count(what, end=end) == sum(event.what is what for event in kept)
    chronicle.take(machine.steps, 0, Notice(What.PORT, (1, 2, 1, 1), 0))  # of another future
    chronicle.join(rows)
    machine.steps = end
    assert list(chronicle.events()) == events
    for what in What:
        assert list(chronicle.events(what)) == [event for event in events if event.what is what]


def test_millions_of_events_are_looked_through_in_no_time() -> None:
    session = Session("bare")
    take, many = session.chronicle.take, 3_000_000
    out, fault = Notice(What.PORT, (0xE9, 65, 1, 1), 0), Notice(What.FAULT, (14, 2, 0x1000), 0)
    for step in range(many):
        take(step, 0x1000, out)
        if step % 100_000 == 0:
            take(step, 0x1000, fault)
    session.machine.steps = many
    with at_most(10_000):
        assert session.chronicle.count(What.PORT) == many
        assert session.chronicle.count(What.FAULT, end=many // 2) == 15
        assert session.chronicle.last(What.FAULT) == Event(many - 100_000, What.FAULT, 0x1000, (14, 2, 0x1000))
        assert len(list(session.chronicle.events(What.FAULT))) == 30
        assert len(timeline(session, KINDS["ports"]).rows) == 20
        assert len(timeline(session, (), 20, around=many // 2).rows) == 20
        assert len(timeline(session, KINDS["ports"], 20, around=many // 2).rows) == 20
