"""Who wrote it last, against brute force: every step of a session is made again, one by one, with everything noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from random import Random
from typing import Any, NamedTuple

import pytest
from benches import do, only, wild_line, wild_session

from pagefault_lab.lab.history import Kind
from pagefault_lab.lab.origins import LOADS, REGISTERS, Origin, origin_of_bytes, origin_of_register, writes_to_bytes
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.who import Authorship
from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.events import Access
from pagefault_lab.machine.events import Kind as AccessKind
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES
from pagefault_lab.problem import Problem


class Spy(list[Any]):
    """A list that keeps which of its places were written."""

    def __init__(self, values: list[Any]) -> None:
        super().__init__(values)
        self.written: set[Any] = set()

    def __setitem__(self, key: Any, value: Any) -> None:
        self.written.update(range(*key.indices(len(self))) if isinstance(key, slice) else (key,))
        super().__setitem__(key, value)


def bytes_written(events: Iterable[Any], machine: Machine) -> Iterator[int]:
    """The physical addresses of all bytes that a step stored to, by its events."""
    for event in events:
        if isinstance(event, Delivery):
            yield from bytes_written(event.events, machine)
        elif isinstance(event, Access) and event.kind is AccessKind.WRITE:
            assert event.physical is not None
            first = min(event.size, 4096 - (event.physical & 0xFFF))
            yield from range(event.physical, event.physical + first)
            if first < event.size:
                second = machine.cpu.ask(event.linear + first & 0xFFFFFFFF, AccessKind.READ, False)
                frame = event.linear + first >> 12 if second is None else second.frame  # type: ignore[union-attr]
                yield from range(frame << 12, (frame << 12) + event.size - first)
        elif isinstance(event, PageWalk):
            for address, _ in event.updates():
                yield from range(address, address + 4)


def value_of(machine: Machine, place: str | tuple[int, int]) -> int:
    """A register, or bytes: physical address and size."""
    if isinstance(place, tuple):
        return machine.memory.read(*place)
    cpu: Cpu = machine.cpu
    if place in NAMES_32:
        return cpu.registers[NAMES_32.index(place)]
    if place in SEGMENT_NAMES:
        return cpu.segments[SEGMENT_NAMES.index(place)].selector
    found = getattr(cpu, place)
    if isinstance(found, int):
        return found
    return found.base if place in ("gdtr", "idtr") else found.selector  # type: ignore[no-any-return]


class SpyingCpu(Cpu):
    """A processor that keeps whether CR2 was written."""

    wrote_cr2 = False

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "cr2":
            self.wrote_cr2 = True


class Author(NamedTuple):
    step: int
    line: str
    before: int
    after: int


def authors(session: Session, places: list[Any]) -> dict[Any, list[Author]]:
    """Who wrote each of these places, up to where the session stands, oldest first, by making every step again."""
    history, found = session.history, {place: list[Author]() for place in places}
    kept = history.checkpoints.kept
    last = history.checkpoints.at
    for mark in range(last + 1):
        machine = history.machine_of(mark)
        end = session.machine.steps if mark == last else kept[mark + 1].steps
        state = machine.cpu.save()
        machine.cpu = cpu = SpyingCpu(machine.memory, machine.ports)
        cpu.restore(state)
        registers = machine.cpu.registers = Spy(machine.cpu.registers)
        segments = machine.cpu.segments = Spy(machine.cpu.segments)
        noticed: set[What] = set()
        machine.listener = lambda step, address, notice, noticed=noticed: noticed.add(notice.what)
        while machine.steps < end:
            before = {place: value_of(machine, place) for place in places}
            cpu.wrote_cr2 = False
            step = machine.step()
            stored = set(bytes_written(step.events, machine))
            for place in places:
                if isinstance(place, tuple):
                    wrote = not stored.isdisjoint(range(place[0], sum(place)))
                elif place in NAMES_32:
                    wrote = NAMES_32.index(place) in registers.written
                elif place in SEGMENT_NAMES:
                    wrote = SEGMENT_NAMES.index(place) in segments.written
                elif place in LOADS:
                    wrote = LOADS[place] in noticed
                else:
                    wrote = cpu.wrote_cr2
                if wrote:
                    found[place].append(Author(step.number, "", before[place], value_of(machine, place)))
            for spy in (registers, segments):
                spy.written.clear()
            noticed.clear()
        after = session.machine if mark == last else history.machine_of(mark + 1)
        for place in places:
            left, then = value_of(machine, place), value_of(after, place)
            if left != then:
                line = next((each.line for each in reversed(history.marks[: mark + 1]) if each.kind is Kind.LINE), "")
                found[place].append(Author(end, line, left, then))
    return found


def check(session: Session, random: Random) -> int:
    """Ask about registers and memory, of that for all writes; how many of the last ones were instructions'."""
    touched = sorted({
        byte for step in session.history.stories(session.history.first_step)
        for byte in bytes_written(step.events, session.machine)
    })  # fmt: skip
    places: list[Any] = [*REGISTERS]
    for _ in range(12):
        size = random.choice((1, 2, 4))
        near = random.choice(touched) if touched and random.random() < 0.9 else random.randrange(1 << 17)
        start = near - random.randrange(size)
        if start >= 0 and start >> 12 == start + size - 1 >> 12 and start + size <= session.machine.memory.size:
            places.append((start, size))
    places = list(dict.fromkeys(places))
    expected = authors(session, places)
    instructions = 0
    for place in places:
        origin = origin_of_register(session, place) if isinstance(place, str) else origin_of_bytes(session, *place)
        got = Author(origin.step, origin.line, origin.before, origin.after) if origin is not None else None
        assert got == (expected[place] or [None])[-1], place
        if isinstance(place, tuple):
            writes = writes_to_bytes(session, *place)
            found = [Author(each.step, each.line, each.before, each.after) for each in writes]
            assert found == expected[place][::-1], place
        if origin is not None and not origin.line:
            instructions += 1
            check_goto(session, place, origin)
    return instructions


def check_goto(session: Session, place: Any, origin: Origin) -> None:
    """`goto` to what the answer says stands just before the instruction that wrote it."""
    was = session.machine.steps, session.history.standing
    do(session, f"goto {origin.step}")
    assert session.here == origin.address
    machine = session.machine.copy()
    assert value_of(machine, place) == origin.before
    machine.step()
    assert value_of(machine, place) == origin.after
    session.history.stand_at(was[1])
    assert session.machine.steps == was[0]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happened_the_last_author_is_named(seed: int) -> None:
    random = Random(seed)
    session = wild_session(seed)
    session.budget = 150
    for _ in range(20):
        try:
            do(session, wild_line(random))
        except Problem:
            continue
        if session.machine.cpu.shutdown:
            do(session, "back")
    do(session, "goto")
    check(session, random)
    if session.history.present > session.history.first_step:
        do(session, f"goto {random.randrange(session.history.first_step, session.history.present)}")
        check(session, random)


# across pages, over the same value, into parts of registers, by the host, by deliveries and walks
LINES = (
    "movl $user_heap, %ebx", "movl %eax, 0xffe(%ebx)", "c", "movb $5, %ah", "movb $5, %ah", "pushl %ds; popl %es",
    "movw %ds, %ax; movw %ax, %fs", "cld; movl $user_data, %esi; movl $user_heap + 0xff8, %edi; movl $16, %ecx",
    "rep movsb", "poke user_heap+8 1 2 3", "set $ecx = 9", "movl %ecx, (%ebx)", "movl %ecx, (%ebx)",
    "map 0x40000000", "movl %ecx, 0x40000ffd", "set pte(user_data).writable = 0", "movl %ecx, user_data", "c",
    "call 1f; 1: popl %edx", "movl $20, %eax; int $0x80", "pushal; popal", "xchgl %eax, (%ebx)", "flush user_heap",
    "movl (%ebx), %eax", "kernel", "movl %cr3, %eax; movl %eax, %cr3", "incl (%esp)", "irq 0", "si 3",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_the_last_author_of_what_a_task_does_is_named(linux: Session, seed: int) -> None:
    linux.budget = 500
    for line in LINES:
        with suppress(Problem):
            do(linux, line)
    random = Random(seed)
    assert check(linux, random) > 10
    do(linux, f"goto {random.randrange(1, linux.history.present)}")
    check(linux, random)


def test_of_bytes_in_two_pages_the_later_author_is_named(linux: Session) -> None:
    do(linux, "map 0x40000000", "map 0x40001000", "movl $1, 0x40000ffe", "movb $2, 0x40001000")
    author = only(Authorship, do(linux, "who [0x40000ffe]")).origin
    assert (author.step, author.text) == (1, "movb $0x2,0x40001000")
    do(linux, "movb $3, 0x40000fff")
    assert only(Authorship, do(linux, "who [0x40000ffe]")).origin.step == 2
    assert only(Authorship, do(linux, "who u8[0x40001001]")).origin.step == 0


def test_a_place_that_nobody_wrote_has_no_author_and_an_old_history_says_since_when(bare: Session) -> None:
    do(bare, "movl $1, %eax")
    found = only(Authorship, do(bare, "who [0x20000]"))
    assert found.origin is None
    assert found.first == 0
    assert only(Authorship, do(bare, "who fs")).origin is None


def test_of_a_field_in_memory_its_own_bytes_are_meant_and_not_what_its_value_points_at(linux: Session) -> None:
    do(linux, "set tss.esp0 = 0xc0113000", "movl %eax, 0", "movl $7, %ecx")
    author = only(Authorship, do(linux, "who tss.esp0")).origin
    assert author == only(Authorship, do(linux, "who u32[init_tss + 4]")).origin
    assert (author.line, author.before, author.after) == ("set tss.esp0 = 0xc0113000", 0xC0114000, 0xC0113000)
    author = only(Authorship, do(linux, "who frame.eip")).origin
    assert (author.text, author.after) == ("movl %eax,0x0", linux.symbols["user_scratch"])
    assert only(Authorship, do(linux, "who frame.error")).origin.after == 6


@pytest.mark.parametrize("name", ["eflags", "eflags.cf", "eip", "zf"])
def test_who_wrote_a_register_that_nobody_keeps_is_refused_and_not_taken_for_an_address(
    linux: Session, name: str
) -> None:
    with pytest.raises(Problem, match="nobody keeps who wrote"):
        do(linux, f"who {name}")
