"""`switch`: the guest's scheduler takes the next task, and each task finds everything as it left it."""

from __future__ import annotations

import pytest
from benches import do, everything, only, value

from pagefault_lab.lab.results import Message, Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.tasks import TaskSwitched
from pagefault_lab.problem import Problem


def test_a_switch_brings_another_directory_and_another_kernel_stack(linux: Session) -> None:
    switched = only(TaskSwitched, do(linux, "switch"))
    assert (switched.before.pid, switched.before.comm) == (1, "hello")
    assert (switched.after.pid, switched.after.comm) == (2, "other")
    assert switched.before.cr3 != switched.after.cr3 == linux.machine.cpu.cr3
    assert switched.before.esp0 != switched.after.esp0 == value(linux, "tss.esp0")
    assert linux.ring == 3
    assert value(linux, "[[current]]") == 2


def test_two_switches_come_back_to_where_one_was(linux: Session) -> None:
    do(linux, "movl $1,%eax", "movl $2,%ebx")
    registers, place = linux.machine.cpu.registers[:], linux.place()
    do(linux, "switch", "switch")
    assert linux.machine.cpu.registers == registers
    assert linux.place() == place


def test_the_same_address_is_other_memory_in_the_other_task(linux: Session) -> None:
    do(linux, "movl $7,counter", "switch")
    assert value(linux, "[counter]") == 0x1000
    do(linux, "movl $8,counter", "switch")
    assert value(linux, "[counter]") == 7


def test_what_was_typed_in_the_other_task_is_not_executed_in_this_one(linux: Session) -> None:
    do(linux, "movl $1,%eax", "switch", "movl $2,%eax", "switch")
    assert only(Ran, do(linux, "c")).stopped is Stopped.END_OF_TYPED
    assert value(linux, "$eax") == 1


def test_a_line_that_waits_in_one_task_goes_on_when_it_is_back(linux: Session) -> None:
    do(linux, "movl $9,user_heap", "tb restore_iret", "c")  # about to return to the line
    do(linux, "si")
    do(linux, "switch")
    assert value(linux, "[[current]]") == 2
    do(linux, "switch", "c")
    assert value(linux, "[user_heap]") == 9


def test_back_takes_a_switch_back(linux: Session) -> None:
    do(linux, "nop")
    before = everything(linux)
    do(linux, "switch", "back")
    assert everything(linux) == before


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["kernel"], "the kernel takes another task only on its way back to user mode"),
        (["set $if = 0"], "IF = 0 keeps the timer's interrupt out"),
        (["world bare"], "the world bare has no tasks"),
    ],
)
def test_where_no_task_can_be_taken_it_is_said_why(linux: Session, lines: list[str], sentence: str) -> None:
    do(linux, *lines)
    with pytest.raises(Problem, match=sentence):
        do(linux, "switch")


def test_without_another_task_it_says_so(linux: Session) -> None:
    do(linux, "set u32[task+8] = 0")
    assert only(Message, do(linux, "switch")).text == "no other task is ready to run"
