"""System calls that a command makes: executed by the guest, and nobody's registers are lost."""

from __future__ import annotations

import pytest
from benches import do

from pagefault_lab.lab import system_calls
from pagefault_lab.lab.results import Printed, Ran, RestartedLine, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.step import visible
from pagefault_lab.problem import Problem

GETPID, WRITE, BRK = 20, 4, 45


def call(session: Session, number: int, *arguments: int | bytes) -> tuple[list[object], int | None]:
    """What the call yields, and what it returns."""
    values = []
    calling = system_calls.call(session, "the call", number, *arguments)
    while True:
        try:
            values.append(next(calling))
        except StopIteration as end:
            return values, end.value


@pytest.fixture(params=[
    "at CPL 3", "at the kernel prompt", "in a handler", "with a null DS", "without a stack",
    "where a typed line goes on",
])  # fmt: skip
def placed(request: pytest.FixtureRequest, linux: Session) -> Session:
    lines = {
        "where a typed line goes on": ["movl user_heap,%eax", "finish"],
        "at the kernel prompt": ["kernel"], "in a handler": ["movl %eax,user_hole"],
        "with a null DS": ["xorl %eax,%eax; movl %eax,%ds; movl %eax,%es"], "without a stack": ["xorl %esp,%esp"],
    }  # fmt: skip
    do(linux, *lines.get(request.param, []))
    return linux


def test_it_returns_what_the_kernel_says_and_leaves_the_registers_alone(placed: Session) -> None:
    before, lines = visible(placed.machine.cpu), placed.typed_lines.all
    place = placed.place()
    assert call(placed, GETPID) == ([], 1)
    assert visible(placed.machine.cpu) == before
    assert (placed.place(), placed.typed_lines.all) == (place, lines)
    do(placed, "movl $77,%eax")  # and one can type on
    assert placed.machine.cpu.registers[0] == 77


def test_an_error_is_a_negative_number(linux: Session) -> None:
    assert call(linux, 9999) == ([], -38)


def test_bytes_are_passed_by_their_address_and_what_the_kernel_prints_is_told(linux: Session) -> None:
    do(linux, "nop")
    assert call(linux, WRITE, 1, b"from a command\n\0", 15) == ([Printed("from a command\n")], 15)


def test_a_call_that_meets_a_breakpoint_waits_and_c_brings_it_to_its_end(linux: Session) -> None:
    do(linux, "movl $5,%eax", "tb sys_getpid")
    place = linux.place()
    values, result = call(linux, GETPID)
    assert result is None
    assert isinstance(values[-1], Ran)
    assert values[-1].stopped is Stopped.BREAKPOINT
    do(linux, "c")
    assert linux.place() == place
    assert linux.machine.cpu.registers[0] == 5


def test_a_typed_line_goes_on_after_a_call_that_was_stopped(linux: Session) -> None:
    do(linux, "movl user_heap,%eax", "finish", "tb sys_getpid")
    call(linux, GETPID)
    do(linux, "c")
    assert [type(each) for each in do(linux, "c")][-2:] == [RestartedLine, Ran]
    assert linux.typed_lines.all == ()


def test_only_one_call_waits_at_a_ring(linux: Session) -> None:
    do(linux, "b sys_getpid")
    call(linux, GETPID)
    call(linux, GETPID)  # from within the kernel: another room
    with pytest.raises(Problem, match="the call has not come back yet"):
        call(linux, GETPID)


def test_a_world_without_a_kernel_has_none() -> None:
    with pytest.raises(Problem, match="the world bare has no kernel to call"):
        call(Session("bare"), GETPID)
