"""Breakpoints, watchpoints, catchpoints, and the way back to them, judged by single steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from benches import do, only, steps, value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault_lab.lab.breakpoints.told import BreakpointList, BreakpointSet, Caught, Reached, Watched
from pagefault_lab.lab.results import Disassembly, Message, Ran, RestartedLine, Stopped, Travelled, Value
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.events import Access, Kind
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

# --- the judge: what the single steps of a copy do

SIZE = 64  # bytes of user_data that are looked at


class Made(NamedTuple):
    """One step: the machine that has just made it, where that stands, the bytes of user_data before and after."""

    step: Step
    machine: Machine
    here: int
    data: int
    before: bytes
    after: bytes

    @property
    def esi(self) -> int:
        return self.machine.cpu.registers[6]

    def accessed(self, kinds: tuple[Kind, ...], distance: int, size: int) -> bool:
        """Whether the instruction or a delivery has accessed bytes of user_data."""
        start = self.data + distance
        return any(
            isinstance(each, Access) and each.kind in kinds and start - each.size < each.linear < start + size
            for each in self.step.all_events()
        )

    def changed(self, distance: int, size: int) -> bool:
        return self.before[distance : distance + size] != self.after[distance : distance + size]

    @property
    def faulted(self) -> bool:
        return any(delivery.source is Source.EXCEPTION for delivery in self.step.deliveries)

    @property
    def rings(self) -> tuple[int, int]:
        return self.step.cpl, self.machine.cpu.cpl


class Judged(NamedTuple):
    """When a line's breakpoint holds behind a step; `before`: reverse-continue stands before the step."""

    holds: Callable[[Session, Made], bool]
    before: int


def at(name: str) -> Judged:
    return Judged(lambda session, made: made.here == session.symbols[name], 0)


READ, BOTH = (Kind.READ,), (Kind.READ, Kind.WRITE)
STOPS: dict[str, Judged] = {
    "b p1": at("p1"),
    "b page_fault": at("page_fault"),
    "b f": at("f"),
    "b p3 if esi & 1": Judged(lambda session, made: at("p3").holds(session, made) and made.esi & 1 == 1, 0),
    "b phys page(p2).physical": at("p2"),
    "b 0x23:p4": at("p4"),
    "watch user_data": Judged(lambda session, made: made.changed(0, 4), 1),
    "watch user_data if esi == 2": Judged(lambda session, made: made.changed(0, 4) and made.esi == 2, 1),
    "watch u8[user_data+5]": Judged(lambda session, made: made.changed(5, 1), 1),
    "watch user_data+8, +20": Judged(lambda session, made: made.changed(8, 20), 1),
    "watch phys page(user_data).physical+2": Judged(lambda _, made: made.changed(2, 4), 1),
    "rwatch user_data+4": Judged(lambda session, made: made.accessed(READ, 4, 4), 1),
    "awatch user_data+12, +3": Judged(lambda session, made: made.accessed(BOTH, 12, 3), 1),
    "watch ebx": Judged(lambda session, made: any(each.register == "ebx" for each in made.step.changes), 1),
    "watch u32[user_data+24] / 8": Judged(
        lambda session, made: made.before[24] >> 3 != made.after[24] >> 3 or made.changed(25, 3), 1
    ),
    "catch fault": Judged(lambda session, made: made.faulted, 1),
    "catch fault #PF": Judged(lambda session, made: made.faulted, 1),
    "catch fault 13": Judged(lambda session, made: False, 1),
    "catch ring": Judged(lambda session, made: made.rings[0] != made.rings[1], 1),
    "catch ring 0 3": Judged(lambda session, made: made.rings == (0, 3), 1),
    "catch interrupt 0x80": Judged(
        lambda session, made: made.step.instruction is not None and made.step.instruction.bytes == b"\xcd\x80", 1
    ),
}

STATEMENTS = (
    "incl user_data", "movl user_data+4,%eax", "movb %al,user_data+5", "addl %esi,user_data+8", "pushl %eax; popl %edx",
    "movl %esi,(%edi); addl $400,%edi", "call f", "movl $20,%eax; int $0x80", "incl %ebx", "movl user_data+12,%edx",
    "movw %si,user_data+13", "movl %eax,user_data+20", "movl $3,%ecx; rep stosb", "orl $0,user_data",
    "movl %esi,user_data+3", "pushl %esi; popl user_data+16",
)  # fmt: skip


def program(statements: list[str], count: int) -> list[str]:
    """A loop of them, in which the places p1, p2 .. are marked; it ends at `out`."""
    places = [f"p{number}: {text}" for number, text in enumerate(statements, 1)]
    return [
        "asm", "movl $user_bss,%edi", f"movl ${count},%esi", "p0: nop", *places, "decl %esi; jnz p0; jmp out",
        "f: pushl %ebx; movl $5,%ecx", "1: incl user_data+24; loop 1b", "popl %ebx; ret", "out: nop", "end",
    ]  # fmt: skip


def single_steps(session: Session) -> Iterator[Made]:
    """What the machine would do up to the end of the program."""
    machine = session.machine.copy()
    data = session.symbols["user_data"]

    def bytes_now() -> bytes:
        return bytes(machine.cpu.peek(data + place, 1) or 0 for place in range(SIZE))

    here, after = session.here, bytes_now()
    while here != session.symbols["out"] + 1:
        before, step = after, machine.step()
        here, after = machine.cpu.segments[1].base + machine.cpu.eip & 0xFFFFFFFF, bytes_now()
        yield Made(step, machine, here, data, before, after)


def judged(session: Session, lines: list[str]) -> dict[int, set[int]]:
    """By the number of steps made: which of these breakpoints (the first is 1) hold there."""
    found: dict[int, set[int]] = {}
    for made in single_steps(session):
        held = {number for number, line in enumerate(lines, 1) if STOPS[line].holds(session, made)}
        if held:
            found[made.machine.steps] = held
    return found


def stops_of(session: Session) -> Iterator[tuple[int, set[int]]]:
    """Where `c` stops, again and again, and which breakpoints are hit there."""
    while True:
        before = {point.number: point.hits for point in session.breakpoints}
        ran = only(Ran, do(session, "c"))
        if ran.stopped in (Stopped.END_OF_TYPED, Stopped.PRESENT):
            return
        yield session.machine.steps, {point.number for point in session.breakpoints if point.hits > before[point.number]}


some_statements = st.lists(st.sampled_from(STATEMENTS), min_size=4, max_size=7)
some_stops = st.lists(st.sampled_from(sorted(STOPS)), min_size=1, max_size=4, unique=True)
laws = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def prepared(statements: list[str], count: int, lines: list[str]) -> Session:
    session = Session("linux")
    session.machine.hot = 2  # nearly all of it is translated
    do(session, *program(statements, count), *lines)
    return session


@laws
@given(some_statements, st.integers(1, 9), some_stops, st.booleans())
def test_runs_stop_where_single_steps_say_and_going_back_finds_the_same(
    statements: list[str], count: int, lines: list[str], traced: bool
) -> None:
    session = prepared(statements, count, lines)
    expected = judged(session, lines)
    if traced:
        session.trace.show = lambda _: None
        do(session, "trace on")
    assert dict(stops_of(session)) == expected
    do(session, "trace off")
    moments = {steps - STOPS[lines[number - 1]].before for steps, held in expected.items() for number in held}
    found = []
    while session.machine.steps > session.history.first_step:
        do(session, "rc break")
        found.append(session.machine.steps)
    assert found[:-1] == sorted(moments, reverse=True)
    assert dict(stops_of(session)) == expected  # forward in the past, and the hits are the same
    hits = [sum(number in held for held in expected.values()) for number in range(1, len(lines) + 1)]
    assert [point.hits for point in session.breakpoints] == hits
