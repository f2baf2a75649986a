"""Who called and who was interrupted: judged by a stack that single steps push to and pop from."""

from __future__ import annotations

import pytest
from benches import do, only, value

from pagefault_lab.lab.backtrace import Backtrace, Level
from pagefault_lab.lab.breakpoints.told import By
from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.results import Place
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.notices import What
from pagefault_lab.problem import Problem
from pagefault_lab.views.backtrace import backtrace as view

NESTED = (
    "asm", "movl $3,%ecx", "again: call f", "loop again", "jmp out", "f: call g", "ret", "g: pushl $back", "pushl $20",
    "popl %eax", "int $0x80", "ret", "back: ret", "out: nop", "end",
)  # fmt: skip


def waiting(session: Session) -> list[list[int]]:
    """Before each step: the steps that entered what has not returned by then, innermost first."""
    found: list[list[int]] = []
    entered: list[int] = []
    for number in range(session.machine.steps):
        found.append(entered[::-1])
        step = session.history.story(number)
        name = step.instruction.form.name if step.instruction is not None else ""
        if step.deliveries or name == "call":
            entered.append(number)
        elif name in ("ret", "iret") and entered:
            entered.pop()
    return found


def shown(session: Session, line: str = "backtrace") -> Backtrace:
    found = only(Backtrace, do(session, line))
    assert isinstance(found, Backtrace)
    return found


def test_it_is_told_as_gdb_numbers_it() -> None:
    fault = Event(0, What.FAULT, 0x08030000, (14, 7, 0x08049000))
    called = Level(0, By(22, 0xC010A15C, "call *%edi", "error_code+44"), None)
    faulted = Level(3, By(0, 0x08030000, "movl $0x1,0x8049000", "user_scratch"), fault)
    here = Place(0, 0xC010A93E, "do_page_fault", 0, typed=False)
    told = Backtrace(here, (called, faulted), more=False, looked_from=0, first=0)
    assert view(told).text().splitlines() == [
        "#0  cpl0 0xc010a93e <do_page_fault>",
        "#1  cpl0 0xc010a15c <error_code+44>",
        "      step 22: call *%edi",
        "#2  cpl3 0x08030000 <user_scratch>",
        "      step 0: movl $0x1,0x8049000: #PF 0x7 cr2=0x08049000",
    ]
    assert view(told._replace(more=True)).text().splitlines()[5:] == ["    `backtrace COUNT` shows more"]
    assert view(told._replace(levels=())).text().splitlines()[1:] == ["    nothing that is known has entered this"]


def test_at_every_step_what_waits_is_what_single_steps_have_entered_and_not_left(linux: Session) -> None:
    do(linux, *NESTED, "c")
    judge = waiting(linux)
    assert max(map(len, judge)) >= 4
    assert len(judge) > 100
    for number in [*range(0, len(judge), 7), *range(12)]:
        do(linux, f"goto {number}")
        told = shown(linux)
        assert [level.by.step for level in told.levels] == judge[number], number
        assert not told.more


def test_a_level_tells_the_instruction_its_ring_and_the_fault_that_left_it(linux: Session) -> None:
    do(linux, "movl $1,user_rodata", "b do_page_fault", "c")
    told = shown(linux)
    called, faulted = told.levels
    assert told.place.name == "do_page_fault"
    assert called.ring == 0
    assert called.by.text.startswith("call")
    assert called.event is None
    assert (faulted.ring, faulted.by.step, faulted.by.symbol) == (3, 0, "user_scratch")
    assert faulted.event is not None
    assert faulted.event.what is What.FAULT
    assert faulted.event.numbers == (14, 7, value(linux, "user_rodata"))


def test_a_fault_that_refuses_an_int_is_what_is_told_of_it(linux: Session) -> None:
    do(linux, "int $14")
    (level,) = shown(linux).levels
    assert level.event is not None
    assert level.event.what is What.FAULT
    assert level.event.numbers[0] == 13


def test_an_interrupt_from_outside_is_a_level_too(linux: Session) -> None:
    do(linux, "irq 0", "b common_interrupt", "nop", "c")
    (*_, outermost) = shown(linux).levels
    assert outermost.event is not None
    assert outermost.event.what is What.INTERRUPT
    assert outermost.ring == 3


def test_as_many_levels_are_told_as_were_asked_for_and_that_there_are_more(linux: Session) -> None:
    do(linux, "movl $1,user_rodata", "b do_page_fault", "c")
    told = shown(linux, "where 1")
    assert len(told.levels) == 1
    assert told.more
    assert shown(linux, "bt 2") == shown(linux)


def test_a_fault_that_shut_the_processor_down_has_entered_nothing(bare: Session) -> None:
    do(bare, "int3")
    assert bare.machine.cpu.shutdown
    assert shown(bare).levels == ()


@pytest.mark.parametrize("lines", [["switch", "switch"], ["movl $1,user_rodata", "c"]])
def test_what_a_task_has_left_open_in_the_kernel_does_not_wait_for_what_goes_on_at_cpl_3(
    lines: list[str], linux: Session
) -> None:
    do(linux, *lines)
    assert linux.ring == 3
    assert shown(linux).levels == ()
    do(linux, "kernel")
    (level,) = shown(linux).levels
    assert (level.ring, level.by.text) == (3, "int $0x81")


def test_a_backtrace_changes_nothing_and_is_right_in_the_past(linux: Session) -> None:
    do(linux, *NESTED, "c", "goto 3")
    before = shown(linux)
    do(linux, "goto 30")
    assert shown(linux) != before
    do(linux, "goto 3")
    assert shown(linux) == before
    assert linux.machine.steps == 3
    assert linux.history.in_past


def test_a_search_that_gives_up_says_from_where_on_it_has_looked_and_with_a_count_goes_on(
    linux: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(linux, "call f; nop; f: nop", *["nop"] * 5)
    assert [level.by.step for level in shown(linux).levels] == [0]
    monkeypatch.setattr("pagefault_lab.lab.backtrace.MOST_TURNS", 2)
    told = shown(linux)
    assert told.levels == ()
    assert 0 < told.looked_from < linux.machine.steps
    assert f"before step {told.looked_from} it was not looked" in view(told).text()
    assert [level.by.step for level in shown(linux, "bt 1").levels] == [0]


def test_bt_is_the_command_unless_its_two_operands_follow(linux: Session) -> None:
    assert shown(linux, "bt").levels == ()
    assert shown(linux, "  bt   # who is here?").levels == ()
    do(linux, "movl $4,%eax", "bt $2,%eax")
    assert value(linux, "cf") == 1
    with pytest.raises(Problem, match="full is not defined"):
        do(linux, "bt full")
