"""Breakpoints, watchpoints, catchpoints, and the way back to them, judged by single steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from benches import do, only, steps, value
from counting import while_it_runs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault_lab import commands
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
        yield (
            session.machine.steps,
            {point.number for point in session.breakpoints if point.hits > before[point.number]},
        )


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


# --- reverse-continue: faults and changes of the ring are known without a breakpoint


@laws
@given(some_statements, st.integers(1, 4), st.sampled_from(["rc", "rc fault", "rc ring"]))
def test_going_back_finds_every_fault_and_change_of_the_ring(statements: list[str], count: int, line: str) -> None:
    session = prepared(statements, count, [])
    kinds = {"rc": ("catch fault", "catch ring"), "rc fault": ("catch fault",), "rc ring": ("catch ring",)}[line]
    judges = [STOPS[kind] for kind in kinds]
    expected = [made.step.number for made in single_steps(session) if any(each.holds(session, made) for each in judges)]
    do(session, "c")
    for number in reversed(expected):
        moved = do(session, line)
        assert only(Travelled, moved).step == number
        assert [each.event.step for each in moved if isinstance(each, Caught)] == [number] * (len(moved) - 1) != []
        told = steps(do(session, "si"))[0]  # it happens again
        assert told.cpl != session.ring or told.deliveries
        do(session, "rsi")
    assert only(Message, do(session, line)).text == "there is nothing of that kind before: the history begins here"
    assert session.machine.steps == session.history.first_step
    with pytest.raises(Problem, match="history begins"):
        do(session, line)


LOOP = (
    "asm", "movl $10,%ecx", "again: incl %eax", "movl %ecx,user_data", "call f", "loop again", "jmp out",
    "f: pushl %ebx", "movl $3,%ebx", "1: decl %ebx; jnz 1b", "popl %ebx", "behind_pop: ret", "out: nop", "end",
)  # fmt: skip


def test_going_back_from_an_instruction_stops_at_what_lies_before_it_only(linux: Session) -> None:
    do(linux, *LOOP, "b again", "c", "c", "c")
    reached = do(linux, "rc")
    assert only(Reached, reached).breakpoint.number == 1
    assert value(linux, "ecx") == 9
    do(linux, "si 3", "rc")
    assert value(linux, "ecx") == 9


def test_going_back_goes_by_conditions_as_they_were_and_ignores_no_hits(linux: Session) -> None:
    do(linux, *LOOP, "set $wanted = 4", "c", "set $wanted = 7", "b again if ecx == $wanted", "ignore 1 5", "rc")
    assert value(linux, "ecx") == 4
    with pytest.raises(Problem):
        do(linux, "rc break", "rc break")


def test_a_search_that_ctrl_c_stops_leaves_the_session_where_it_is(linux: Session) -> None:
    do(linux, "asm", "movl $300000,%ecx", "1: loop 1b", "nop", "end", "c", "watch ebx")
    here = linux.machine.steps
    with while_it_runs(linux.interrupt), pytest.raises(Problem, match="search was stopped"):
        do(linux, "rc")
    assert linux.machine.steps == here
    assert not linux.history.in_past


def test_going_back_over_a_call_stands_before_it(linux: Session) -> None:
    do(linux, *LOOP, "c")
    end = linux.machine.steps
    do(linux, "b f", "goto 0", "c")
    entered = linux.machine.steps
    do(linux, "finish")
    behind = linux.machine.steps
    do(linux, "delete", "rni")
    assert linux.machine.steps == entered - 1  # the call
    do(linux, f"goto {behind}", "tb behind_pop-1", "rni")
    assert value(linux, "eip == behind_pop - 1")  # a breakpoint in it stops on the way
    do(linux, "reverse-finish")
    assert linux.machine.steps == entered - 1
    with pytest.raises(Problem, match="nothing that is known has entered"):
        do(linux, "reverse-finish")
    do(linux, f"goto {end}", "rni", "rni")
    assert linux.machine.steps == end - 2


def test_going_back_over_a_fault_a_system_call_and_a_repeated_instruction(linux: Session) -> None:
    do(linux, "asm", "movl $20,%eax", "int $0x80", "movl $user_bss,%edi", "touch: movl $9,%ecx", "movl %eax,(%edi)",
       "rep stosb", "out: nop", "end", "c", "rni")  # fmt: skip
    numbers = []
    while linux.machine.steps:
        numbers.append(value(linux, "eip"))
        do(linux, "rni")
    program = {line.address: line.text for line in linux.code.program}
    assert [program[each].split(": ")[-1] for each in numbers] == [
        "nop", "rep stosb", "movl %eax,(%edi)", "movl %eax,(%edi)", "movl $9,%ecx", "movl $user_bss,%edi", "int $0x80"
    ]  # fmt: skip


# --- counts, commands, and those that change


def lines_of(session: Session) -> dict[int, tuple[object, ...]]:
    (found,) = (each for each in do(session, "info break") if isinstance(each, BreakpointList))
    return {each.number: (each.hits, each.ignoring) for each in found.breakpoints}


def test_c_with_a_count_passes_the_breakpoint_that_was_hit_here(linux: Session) -> None:
    do(linux, *LOOP, "b again", "watch ebx", "disable 2", "c")
    assert value(linux, "ecx") == 10
    told = do(linux, "c 3")
    assert only(BreakpointSet, told).breakpoint.ignoring == 2
    assert value(linux, "ecx") == 7
    assert lines_of(linux) == {1: (4, 0), 2: (0, 0)}
    do(linux, "c 1")
    assert value(linux, "ecx") == 6


def test_c_with_a_count_is_refused_where_no_breakpoint_was_hit(linux: Session) -> None:
    do(linux, *LOOP, "b again")
    with pytest.raises(Problem, match="no breakpoint was hit here"):
        do(linux, "c 2")
    assert lines_of(linux) == {1: (0, 0)}
    do(linux, "c", "si")
    with pytest.raises(Problem, match="no breakpoint was hit here"):
        do(linux, "c 2")
    with pytest.raises(Problem, match="0 is no count"):
        do(linux, "c 0")


def remark(values: list[object]) -> str:
    return str(only(BreakpointSet, values).breakpoint.remark)


def test_a_breakpoint_where_nothing_is_mapped_says_so_until_something_is(linux: Session) -> None:
    assert remark(do(linux, "b page_fault")) == ""
    assert remark(do(linux, "b user_heap")) == "nothing is mapped there now"
    do(linux, "map user_heap")
    lines = only(BreakpointList, do(linux, "info break")).breakpoints
    assert [line.remark for line in lines] == ["", ""]


def test_a_condition_without_a_value_is_told_when_it_is_set(linux: Session) -> None:
    told = "its condition cannot be evaluated now: "
    assert remark(do(linux, "b page_fault if nosuch")) == f"{told}nosuch is not defined"
    assert remark(do(linux, "condition 1 eax > $wanted")) == f"{told}$wanted has no value yet"
    do(linux, "set $wanted = 4")
    for condition in ("eax > $wanted", "last(fault).cr2 == 0", "frame.eip == 0", ""):  # which may come to hold
        assert remark(do(linux, f"condition 1 {condition}")) == ""
    assert remark(do(linux, "watch user_data if nosuch")) == f"4 bytes, {told}nosuch is not defined"


def test_a_watch_on_a_field_of_the_tss_sees_the_processor_read_it(linux: Session) -> None:
    (made,) = do(linux, "rwatch tss.esp0")
    assert made.breakpoint.address == value(linux, "&tss.esp0")
    seen = only(Watched, do(linux, "movl %eax,0"))
    assert (seen.access, seen.after) == ("read", value(linux, "tss.esp0"))
    do(linux, "delete", "watch frame.eip", "kernel")
    seen = only(Watched, do(linux, "set $ebx = &frame.eip", "movl $5,(%ebx)"))
    assert (seen.before, seen.after) == (linux.symbols["user_scratch"], 5)


def test_hits_that_are_ignored_are_counted_and_go_back_in_time(linux: Session) -> None:
    do(linux, *LOOP, "b again", "ignore 1 3", "c")
    assert value(linux, "ecx") == 7
    assert lines_of(linux) == {1: (4, 0)}
    do(linux, "c")
    assert lines_of(linux) == {1: (5, 0)}
    do(linux, "goto 15")
    hits, ignoring = lines_of(linux)[1]
    assert (hits, ignoring) == (2, 1)
    do(linux, "c")  # the same place as before
    assert value(linux, "ecx") == 7
    do(linux, "back 2", "goto")
    assert lines_of(linux) == {1: (5, 0)}


def test_what_another_future_does_not_hit_is_not_counted(linux: Session) -> None:
    do(linux, *LOOP, "b again", "c", "c", "c", "goto 2")
    assert lines_of(linux) == {1: (1, 0)}
    do(linux, "set $ecx = 1", "c")
    assert lines_of(linux) == {1: (1, 0)}
    with pytest.raises(Problem):
        do(linux, "goto 2", "set $ecx = nosuch")
    assert lines_of(linux) == {1: (1, 0)}


def test_a_line_that_turns_out_wrong_leaves_the_hits_of_the_future_it_had(linux: Session) -> None:
    do(linux, *LOOP, "b again", "c", "c", "c", "goto 2")
    with pytest.raises(Problem):
        do(linux, "poke 0xffffffff 1 2 3")
    do(linux, "goto")
    assert lines_of(linux) == {1: (3, 0)}


def test_breakpoints_are_switched_off_and_on_and_given_conditions(linux: Session) -> None:
    do(linux, *LOOP, "b again", "disable", "watch user_data", "condition 2 ecx == 5", "c")
    assert value(linux, "ecx") == 5
    assert lines_of(linux) == {1: (0, 0), 2: (1, 0)}
    do(linux, "enable 1", "disable 2", "c")
    assert value(linux, "eip == again && ecx == 4")
    do(linux, "condition 1 ecx == 2", "c")
    assert value(linux, "ecx") == 2
    do(linux, "condition 1", "c")
    assert value(linux, "ecx") == 1


def test_a_condition_that_cannot_be_evaluated_stops_and_says_so(linux: Session) -> None:
    do(linux, *LOOP, "b again if u32[ecx]")
    values = do(linux, "c")
    assert only(Message, values).text.endswith("cannot be evaluated: nothing is mapped at 0x0000000a")
    assert only(Ran, values).breakpoint == 1
    do(linux, "delete", "b again if last(interrupt).vector == 3")  # has not happened: that is just false
    assert only(Ran, do(linux, "c")).stopped is Stopped.END_OF_TYPED


def test_commands_are_executed_at_a_stop_until_one_goes_on(linux: Session) -> None:
    do(linux, *LOOP, "b again if ecx > 7", "commands", "p ecx", "c", "p 99")
    assert linux.unfinished
    only(BreakpointSet, do(linux, "end"))
    values = do(linux, "c")
    assert [each.value for each in values if isinstance(each, Value)] == [10, 9, 8]
    assert [each.stopped for each in values if isinstance(each, Ran)] == [Stopped.BREAKPOINT] * 3 + [
        Stopped.END_OF_TYPED
    ]
    assert linux.lines[-3:] == ["b again if ecx > 7", "commands\np ecx\nc\np 99\nend", "c"]
    do(linux, "back")
    assert linux.machine.steps == 0


def test_what_is_wrong_in_commands_is_told_and_the_line_stays_done(linux: Session) -> None:
    do(linux, *LOOP, "b again", "commands 1 p nosuch; p 5")
    values = do(linux, "c")
    assert "nosuch is not defined" in only(Message, values).text
    assert not any(isinstance(each, Value) for each in values)
    assert value(linux, "eip == again")
    do(linux, "commands 1 1: jmp 2f", "c")
    assert not linux.unfinished
    do(linux, "commands 1", "end")
    assert not any(isinstance(each, Message) for each in do(linux, "c"))


def test_commands_that_go_on_for_ever_end_with_the_budget(linux: Session) -> None:
    linux.budget = 5000
    do(linux, "asm", "here: jmp here", "end", "b here", "commands 1 c")
    assert only_last_run(do(linux, "c")).stopped is Stopped.BUDGET


def only_last_run(values: list[object]) -> Ran:
    return [each for each in values if isinstance(each, Ran)][-1]


# --- where steps are told: si, typed lines


def test_stepping_onto_a_breakpoint_hits_it(linux: Session) -> None:
    do(linux, *LOOP, "b again")
    assert only(Ran, do(linux, "si")).breakpoint == 1
    assert only(Ran, do(linux, "si 100")).breakpoint == 1
    assert lines_of(linux) == {1: (2, 0)}
    assert value(linux, "ecx") == 9


def test_a_typed_line_whose_fault_enters_a_breakpoint_hits_it_and_goes_on(linux: Session) -> None:
    do(linux, "b page_fault", "movl $user_bss,%ebx")
    values = do(linux, "movl $7,%eax; movl %eax,(%ebx)")
    assert (only(Ran, values).breakpoint, lines_of(linux)) == (1, {1: (1, 0)})
    values = do(linux, "c")
    assert only(RestartedLine, values).line == "movl $7,%eax; movl %eax,(%ebx)"
    assert value(linux, "u32[user_bss]") == 7


def test_a_typed_line_tells_what_its_instructions_do_to_a_watched_place(linux: Session) -> None:
    do(linux, "movl $5,%ecx", "watch user_data if ecx == 2")
    values = do(linux, "1: movl %ecx,user_data; loop 1b")
    seen = only(Watched, values)
    assert (seen.before, seen.after, seen.by.text[:4]) == (3, 2, "movl")
    assert only(Ran, values).stopped is Stopped.WATCHED
    only(Ran, do(linux, "c"))
    assert value(linux, "ecx") == 0
    do(linux, "kernel", "1: movl %ecx,user_data; incl %ecx; cmpl $4,%ecx; jne 1b")
    assert value(linux, "ecx == 2 && cpl == 0")
    assert linux.typed_lines.executing is not None
    do(linux, "c")
    assert linux.typed_lines.executing is None
    assert value(linux, "eip == kernel_prompt")


def test_a_restarted_line_that_hits_a_watchpoint_is_finished_all_the_same(linux: Session) -> None:
    do(linux, "watch user_bss", "movl $9,%eax", "movl %eax,user_bss")
    values = do(linux, "c")
    seen = only(Watched, values)
    assert (seen.before, seen.after) == (0, 9)
    assert only(RestartedLine, values)
    assert only(Ran, values).stopped is Stopped.WATCHED
    assert not linux.typed_lines.all


# --- each kind


def test_a_physical_breakpoint_is_hit_by_every_linear_address(linux: Session) -> None:
    do(linux, "asm", "nop", "shared: movl $3,%eax", "ret", "call shared", "out: nop", "end")
    do(linux, "pb page(shared).physical")
    frame = value(linux, "page(shared).physical") >> 12
    do(linux, "map 0x40000000 rwu", f"set pte(0x40000000).frame = {frame}", "flush")
    do(linux, "call shared")
    assert lines_of(linux) == {1: (1, 0)}
    do(linux, "c", "call 0x40000000 + (shared & 0xfff)")
    assert lines_of(linux) == {1: (2, 0)}
    assert value(linux, "eip == 0x40000000 + (shared & 0xfff)")


def test_a_physical_breakpoint_follows_what_the_guest_maps(linux: Session) -> None:
    do(linux, "kernel", "map 0x40000000", "asm", "shared: movl $1,%ecx; ret",
       "start: movl %edx,(%ebx)", "invlpg 0x40000000", "call *%eax", "end", "pb page(shared).physical",
       "set $ebx = 0xc0000000 + &pte(0x40000000)", "set $edx = page(shared).physical >> 12 << 12 | 3",
       "set $eax = 0x40000000 + (shared & 0xfff)", "run start")  # fmt: skip
    assert lines_of(linux) == {1: (1, 0)}
    assert value(linux, "eip == 0x40000000 + (shared & 0xfff)")


def test_a_breakpoint_at_a_selector_goes_by_the_base_that_cs_holds(linux: Session) -> None:
    """The descriptor is written after CS was loaded from it, and CS loaded again."""
    do(linux, "kernel", "asm", "there: nop; nop", "start: movl %edx,(%ebx)", "ljmp $0x78,$0x1000", "end",
       "set $base = there - 0x1000")  # fmt: skip
    number = 0x78 >> 3
    do(linux, f"set $ebx = &gdt({number}) + 4", "set gdtr.limit = 0x7f", f"poke &gdt({number}) 0xffff 0",
       f"set gdt({number}).base = there - 0x1000", f"set $edx = u32[&gdt({number}) + 4] | 0x00cf9b00",
       "b 0x78:0x1000", "b 0x78:0x1001", "run start")  # fmt: skip
    assert value(linux, "cs == 0x78 && eip == 0x1000 && seg.cs.base + eip == there")
    do(linux, "c")
    assert value(linux, "cs == 0x78 && eip == 0x1001")
    assert lines_of(linux) == {1: (1, 0), 2: (1, 0)}


def test_the_processors_own_changes_of_an_entry_are_seen(linux: Session) -> None:
    do(linux, "movl user_bss,%eax; movl %eax,user_bss", "c")
    do(linux, "set pte(user_bss).dirty = 0", "set pte(user_bss).accessed = 0", "flush")
    do(linux, "watch pte(user_bss).dirty", "watch pte(user_bss).accessed")
    seen = only(Watched, do(linux, "movl user_bss,%eax"))
    assert (seen.number, seen.before, seen.after, seen.by.text[:12]) == (2, 0, 1, "movl 0x804b0")
    seen = only(Watched, do(linux, "movl %eax,user_bss"))
    assert (seen.number, seen.before, seen.after) == (1, 0, 1)
    do(linux, "delete", "set pte(user_bss).dirty = 0", "flush", "rwatch pte(user_bss)", "movl %eax,user_bss")
    assert lines_of(linux)[3][0] == 1


def test_a_watched_place_is_told_with_both_values_and_its_instruction(linux: Session) -> None:
    do(linux, "watch user_data, +64", "awatch user_data+8", "set u32[user_data+8] = 5", "movl $0x1234,%eax")
    values = do(linux, "movw %ax,user_data+9")
    change, access = (each for each in values if isinstance(each, Watched))
    assert (change.access, change.before, change.after) == ("change", 5, 0x00123405)
    assert (access.access, access.before, access.after) == ("change", 5, 0x00123405)
    assert change.address == access.address == value(linux, "user_data + 8")
    (again,) = (each for each in do(linux, "movw %ax,user_data+9") if isinstance(each, Watched))
    assert (again.number, again.access) == (2, "write")
    read = only(Watched, do(linux, "incl %ebx; movb user_data+9,%cl"))
    assert (read.access, read.after) == ("read", 0x00123405)


def test_bytes_that_lie_in_two_pages_are_watched(linux: Session) -> None:
    do(linux, "map 0x40000000", "map 0x40001000")
    do(linux, "movl $0x11223344,%eax", "watch 0x40001000, +1", "watch phys page(0x40001000).physical, +1")
    seen = [each for each in do(linux, "movl %eax,0x40000ffe") if isinstance(each, Watched)]
    assert [(each.number, each.before, each.after) for each in seen] == [(1, 0, 0x22), (2, 0, 0x22)]


@pytest.mark.parametrize(
    ("catch", "lines", "what", "numbers"),
    [
        ("catch port 0xe9", ("kernel", "movb $65,%al; outb %al,$0xe9"), What.PORT, (0xE9, 65, 1, 1)),
        ("catch irq 3", ("irq 3", "nop"), What.INTERRUPT, (0x23, 1)),
        ("catch interrupt", ("movl $20,%eax", "int $0x80"), What.INTERRUPT, (0x80, 0)),
        ("catch cr3", ("kernel", "movl %cr3,%eax", "movl %eax,%cr3"), What.CR3, None),
        ("catch flush 0x40000fff", ("kernel", "invlpg 0x40000000"), What.FLUSH, (0x40000000,)),
        ("catch table user_bss", ("movl %eax,user_bss", "c"), What.TABLE, None),
        ("catch idt", ("kernel", "lidt idt_descr"), What.IDT, None),
        ("catch fault 13 if fault.index == 3", ("movw $0x1b,%ax", "movw %ax,%ss"), What.FAULT, None),
        ("catch ring 3 0", ("int $0x80",), What.RING, (3, 0)),
    ],
)  # fmt: skip
def test_what_the_processor_does_is_caught_with_its_numbers(
    linux: Session, catch: str, lines: tuple[str, ...], what: What, numbers: tuple[int, ...] | None
) -> None:
    if lines[0] == "kernel":
        do(linux, "kernel")
    do(linux, catch)
    values = [each for line in lines for each in do(linux, line)]
    caught = next(each for each in values if isinstance(each, Caught))
    assert (caught.number, caught.event.what) == (1, what)
    assert numbers is None or caught.event.numbers == numbers
    assert caught.event == linux.chronicle.last(what)
    assert only_last_run(values).stopped is Stopped.CAUGHT


def test_modebp_is_switched_on_and_off(linux: Session) -> None:
    do(linux, "modebp")
    assert only(Ran, do(linux, "int $0x80")).stopped is Stopped.CAUGHT
    do(linux, "modebp")
    assert not len(linux.breakpoints)


def test_lines_of_a_loaded_file_and_of_a_module_are_places(linux: Session, tmp_path: Path) -> None:
    source = tmp_path / "count.s"
    source.write_text("# a loop\n\n  movl $3,%ecx\nagain:\n  incl %eax # here\n  loop again\n  nop\n")
    do(linux, f"load {source}", "b 4", "b count.s:6", "c")
    assert value(linux, "eip == again")
    do(linux, "c")
    assert value(linux, "eip == again + 1")
    for line in ("b count.s:8", "b other.s:3"):
        with pytest.raises(Problem):
            do(linux, line)
    assert only(BreakpointSet, do(linux, "b 9")).breakpoint.address == 9  # the file has no line 9
    do(linux, "insmod lecture.s", "b lecture.s:1")
    assert value(linux, f"{list(linux.breakpoints)[-1].address} >= 0xc2000000")
    do(linux, "rmmod lecture")
    *_, last = only(BreakpointList, do(linux, "info break")).breakpoints
    assert last.remark == "the module lecture is gone"


# --- until, finish


def test_finish_out_of_a_handler_shows_the_restarted_instruction(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)")
    values = do(linux, "finish")
    (line,) = only(Disassembly, values).lines
    assert (line.here, line.text) == (True, "movl %eax,(%ebx)")
    assert value(linux, "cpl == 3 && eip == fault.eip")


def test_finish_runs_at_full_speed_through_the_loops_of_the_function(linux: Session) -> None:
    do(linux, "asm", "call f", "behind: nop", "f: pushl %ebx", "movl $100000,%ecx", "1: call g; loop 1b", "popl %ebx",
       "ret", "g: call 1f", "1: popl %eax; ret", "end", "b g", "c", "delete", "finish")  # fmt: skip
    assert value(linux, "eip > f && ecx == 100000")
    ran = only(Ran, do(linux, "finish"))
    assert ran.stopped is Stopped.ARRIVED
    assert value(linux, "eip == behind && ecx == 0")


def test_until_leaves_a_loop(linux: Session) -> None:
    do(linux, *LOOP, "si 2", "until", "until")
    assert value(linux, "ecx") == 10
    do(linux, "until")
    assert value(linux, "ecx") == 0
    do(linux, "back", "advance out")
    assert value(linux, "eip == out")


def test_a_breakpoint_stops_what_runs_to_somewhere(linux: Session) -> None:
    do(linux, *LOOP, "b f")
    assert only(Ran, do(linux, "until out")).breakpoint == 1
    do(linux, "delete", "b behind_pop", "reverse-finish")
    assert only(Ran, do(linux, "ni")).stopped is Stopped.PRESENT
    do(linux, "c", "reverse-finish")
    ran = only(Ran, do(linux, "ni"))
    assert (ran.stopped, ran.breakpoint) == (Stopped.BREAKPOINT, 2)


def test_a_step_that_is_shown_stage_by_stage_hits_what_it_hits(linux: Session) -> None:
    do(linux, "asm", "nop", "movl %eax,user_data", "there: nop", "end", "set $eax = 3", "b there", "watch user_data")
    values = do(linux, "si", "micro")
    while not any(isinstance(each, Ran) for each in values):
        values = do(linux, "micro")
    assert only(Watched, values).after == 3
    assert lines_of(linux) == {1: (1, 0), 2: (1, 0)}


def test_words_for_stops_are_completed(linux: Session) -> None:
    for line, word in (("catch ", "fault"), ("b ", "phys"), ("watch ", "phys"), ("rc ", "ring"), ("b 5 ", "if")):
        assert word in [each.word for each in commands.complete(linux, line)], line
