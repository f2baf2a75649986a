"""Runs: where they stop, and what they count."""

import pytest
from benches import do, only, steps, value
from counting import while_it_runs

from pagefault_lab.lab import runner
from pagefault_lab.lab.breakpoints.told import BreakpointSet
from pagefault_lab.lab.results import InterruptRequested, Message, Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.step import Interrupted, ShutDown
from pagefault_lab.problem import Problem

LOOP = ("asm", "movl $5,%ecx", "again: incl %eax", "loop again", "behind: nop", "end")


def test_a_run_stops_at_the_end_of_what_was_typed(bare: Session) -> None:
    ran = only(Ran, do(bare, *LOOP, "c"))
    assert (ran.stopped, ran.steps) == (Stopped.END_OF_TYPED, 12)
    known = bare.history.lines
    for line in ("c", "si", "ni", "finish", "until 0"):
        ran = only(Ran, do(bare, line))
        assert (ran.stopped, ran.steps) == (Stopped.END_OF_TYPED, 0)
    assert bare.history.lines == known


def test_a_run_stops_at_a_breakpoint_each_time(bare: Session) -> None:
    do(bare, *LOOP)
    number = only(BreakpointSet, do(bare, "b again")).number
    for count in range(1, 6):
        ran = only(Ran, do(bare, "c"))
        assert (ran.stopped, ran.breakpoint, ran.place.address) == (Stopped.BREAKPOINT, number, value(bare, "again"))
        assert value(bare, "ecx") == 6 - count
    assert only(Ran, do(bare, "c")).stopped is Stopped.END_OF_TYPED


def test_a_breakpoint_stops_only_where_its_condition_holds(bare: Session) -> None:
    do(bare, *LOOP, "b again if ecx == 2")
    do(bare, "c")
    assert value(bare, "ecx") == 2
    assert [each.hits for each in bare.breakpoints] == [1]


def test_a_temporary_breakpoint_goes_when_it_was_hit(bare: Session) -> None:
    do(bare, *LOOP, "tb again", "c")
    assert not len(bare.breakpoints)
    assert only(Ran, do(bare, "c")).stopped is Stopped.END_OF_TYPED


def test_deleting(bare: Session) -> None:
    do(bare, "b 1", "b 2", "b 3", "delete 2")
    assert [each.number for each in bare.breakpoints] == [1, 3]
    with pytest.raises(Problem, match="no breakpoint 2"):
        do(bare, "delete 1 2")
    assert [each.number for each in bare.breakpoints] == [1, 3]
    do(bare, "delete")
    assert not len(bare.breakpoints)
    assert only(BreakpointSet, do(bare, "b")).number == 4


def test_ni_steps_over_a_call_and_si_into_it(bare: Session) -> None:
    do(bare, "asm", "call f", "back_here: nop", "jmp out", "f: call g; ret", "g: ret", "out: nop", "end")
    do(bare, "ni")
    assert value(bare, "eip == back_here")
    do(bare, "back", "si")
    assert value(bare, "eip == f")


def test_ni_of_a_recursive_call_stops_in_its_own_frame(bare: Session) -> None:
    do(bare, "asm", "movl $4,%ecx; call f; jmp out", "f: decl %ecx; jz 1f", "call f", "inner: nop", "1: ret",
       "out: nop", "end")  # fmt: skip
    do(bare, "tb f", "c", "si", "si")
    esp = value(bare, "esp")
    do(bare, "ni")
    assert value(bare, "eip == inner")
    assert value(bare, "esp") == esp


def test_ni_steps_over_a_system_call_and_a_repeated_instruction(linux: Session) -> None:
    do(linux, "asm", "movl $20,%eax", "int $0x80", "movl $9,%ecx", "movl $user_data,%edi", "rep stosb", "end", "ni")
    do(linux, "ni")
    assert value(linux, "cpl == 3 && eax == 1")
    do(linux, "ni", "ni", "ni")
    assert value(linux, "ecx") == 0


def test_finish_leaves_a_function_whatever_it_pushed_and_called(bare: Session) -> None:
    do(bare, "asm", "call f", "after_f: nop; jmp out", "f: pushl $1; pushl $2; addl $8,%esp; call g", "after_g: ret",
       "g: pushl %eax; call h; popl %eax; ret", "h: ret", "out: nop", "end", "b h", "c", "delete")  # fmt: skip
    do(bare, "finish")
    assert value(bare, "u8[eip]") == 0x58  # popl %eax in g
    do(bare, "finish")
    assert value(bare, "eip == after_g")
    do(bare, "finish")
    assert value(bare, "eip == after_f")


def test_finish_leaves_a_handler_by_its_iret(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)")
    ran = only(Ran, do(linux, "finish"))
    assert ran.stopped is Stopped.ARRIVED
    assert value(linux, "cpl == 3 && eip == fault.eip")


def test_finish_is_not_misled_by_an_interrupt_on_the_way(linux: Session) -> None:
    do(linux, "kernel", "sti", "call find_vma")
    do(linux, "irq 3")
    do(linux, "finish")
    assert value(linux, "eip == kernel_prompt")


def test_until_runs_to_an_address(bare: Session) -> None:
    do(bare, *LOOP)
    assert only(Ran, do(bare, "until behind")).stopped is Stopped.ARRIVED
    assert value(bare, "eax") == 5


def test_shutdown_is_told_with_the_step_that_ended_in_it(bare: Session) -> None:
    do(bare, "asm", "nop", "ud2", "end")
    values = do(bare, "c")
    assert only(Ran, values).stopped is Stopped.SHUTDOWN
    (step,) = steps(values)
    assert isinstance(step.end, ShutDown)
    assert [delivery.becomes for delivery in step.end.deliveries][-1] == "shutdown"
    for line in ("c", "si", "ni", "finish", "run", "irq 1", "until 0"):
        with pytest.raises(Problem, match="shut down"):
            do(bare, line)


def test_a_killed_task_is_started_anew_and_typed_code_goes_on(linux: Session) -> None:
    do(linux, "movl $user_hole,%ebx", "movl %eax,(%ebx)")
    ran = only(Ran, do(linux, "c"))
    assert (ran.stopped, ran.place.typed, ran.place.ring) == (Stopped.WORLD, True, 3)
    assert "anew" in ran.detail
    do(linux, "movl $7,%eax")
    assert value(linux, "eax") == 7


SHORT_IDT = ("kernel", "short: .word 14*8+6; .long idt_table", "lidt short")  # without the gates of system calls


def test_a_task_that_is_killed_before_it_is_ready_does_not_run_for_ever(linux: Session) -> None:
    for ran in (only(Ran, do(linux, *SHORT_IDT, "user", "int $0x80", "c")), only(Ran, do(linux, "c"))):
        assert (ran.stopped, ran.detail) == (Stopped.WORLD, "the kernel has started the task anew")
        assert ran.place.address == value(linux, "task_started")
    ran = only(Ran, do(linux, "lidt idt_descr", "c"))
    assert (ran.stopped, linux.ring, value(linux, "[current] == hello_task_union")) == (Stopped.WORLD, 3, 1)
    assert do(linux, "nop")


def test_a_shutdown_while_a_task_is_started_anew_is_told(linux: Session) -> None:
    do(linux, *SHORT_IDT, "user", "int $0x80", "c")
    told = do(linux, "movw $8*8-1,short", "lidt short", "c")  # hello's first system call will find no gate at all
    assert isinstance(steps(told)[-1].end, ShutDown)
    assert only(Ran, told).stopped is Stopped.SHUTDOWN


def test_a_waiting_machine_says_so_and_an_interrupt_wakes_it(linux: Session) -> None:
    do(linux, "jmp ready")
    assert only(Ran, do(linux, "c")).stopped is Stopped.WAITING
    assert only(Ran, do(linux, "c")).stopped is Stopped.WAITING
    assert only(Ran, do(linux, "si")).stopped is Stopped.WAITING
    before = value(linux, "u32[jiffies]")
    requested = only(InterruptRequested, do(linux, "irq 0"))
    assert (requested.vector, requested.ready) == (0x20, True)
    (step,) = steps(do(linux, "si"))
    assert isinstance(step.end, Interrupted)
    assert step.end.deliveries[0].source is Source.EXTERNAL
    do(linux, "c")
    assert value(linux, "u32[jiffies]") == before + 1


def test_an_interrupt_waits_while_if_is_clear(linux: Session) -> None:
    do(linux, "kernel")
    requested = only(InterruptRequested, do(linux, "irq 5"))
    assert (requested.ready, requested.reason) == (False, "IF = 0")
    do(linux, "nop")
    assert linux.machine.cpu.pending
    do(linux, "user")
    do(linux, "si")
    assert not linux.machine.cpu.pending
    with pytest.raises(Problem, match="no IRQ"):
        do(linux, "irq 16")


def test_kernel_enters_by_a_real_gate_and_user_returns_by_iret(linux: Session) -> None:
    names = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "ds", "es")
    registers = {name: value(linux, name) for name in names}
    values = do(linux, "kernel")
    (step,) = steps(values)
    assert step.instruction is not None
    assert step.instruction.bytes[0] == 0xCD
    assert step.deliveries
    assert value(linux, "cpl == 0 && (cs & 3) == 0")
    assert only(Message, do(linux, "kernel"))
    (step,) = steps(do(linux, "user"))
    assert step.instruction is not None
    assert step.instruction.form.name == "iret"
    assert value(linux, "cpl") == 3
    assert {name: value(linux, name) for name in registers} == registers
    assert linux.place().typed
    assert only(Message, do(linux, "user"))
    do(linux, "nop")


def test_a_world_without_kernel_has_no_door(bare: Session) -> None:
    do(bare, "set iopl = 3")
    assert only(Message, do(bare, "kernel"))
    with pytest.raises(Problem, match="nothing is typed"):
        do(bare, "user")


def test_at_cpl_3_of_a_world_without_kernel_the_problem_says_so(bare: Session) -> None:
    bare.machine.cpu.cpl = 3
    with pytest.raises(Problem, match="no kernel"):
        do(bare, "kernel")


def test_many_steps_are_made_and_only_the_last_is_told(bare: Session) -> None:
    do(bare, "asm", "movl $1000,%ecx", "1: loop 1b", "end")
    values = do(bare, "si 500")
    assert [step.number for step in steps(values)] == [499]
    assert only(Ran, values).steps == 500
    assert value(bare, "ecx") == 501


@pytest.mark.parametrize("line", ["si 0", "si -1", "back 0"])
def test_a_count_is_at_least_one(bare: Session, line: str) -> None:
    do(bare, "nop")
    with pytest.raises(Problem, match="no count"):
        do(bare, line)


def test_an_endless_run_stops_when_the_user_wants_and_says_where(bare: Session) -> None:
    do(bare, "asm", "1: incl %eax", "jmp 1b", "end")
    with while_it_runs(bare.interrupt):
        ran = only(Ran, do(bare, "c"))
    assert ran.stopped is Stopped.INTERRUPTED
    assert bare.lines[-1] == f"atmost {ran.steps} c"
    assert do(bare, "si")
    do(bare, "back 2")
    assert value(bare, "steps") == 0


def test_an_endless_line_stops_when_the_user_wants(bare: Session) -> None:
    with while_it_runs(bare.interrupt):
        assert only(Ran, do(bare, "1: jmp 1b")).stopped is Stopped.INTERRUPTED


HEAT = "movl $300,%ecx; 9: decl %ecx; jnz 9b;"


@pytest.mark.parametrize("before", [(), ("b *$eip + 5 if ecx == 7", "catch cr3"), ("trace on",)])
@pytest.mark.parametrize(
    "line",
    [
        f"{HEAT} incl %ebx", f"{HEAT} movl %eax,user_heap; incl %ebx", f"{HEAT} call *%esi; incl %ebx",
        f"{HEAT} int $0x80; incl %ebx", f"{HEAT} jmp user_scratch + 0x800", f"{HEAT} 1: incl %ebx; jmp 1b",
        f"pushl $1f; {HEAT} ret; nop; 1: incl %ebx", "movl $300,%ecx; movl %esp,%edi; subl $300,%edi; rep stosb",
        f"{HEAT} movb $0x43,1f; nop; 1: incl %eax; decl %ebx; jnz 9b", f"{HEAT} hlt; incl %ebx",
        f"kernel {HEAT} pushl $0x2b; pushl $0xbfffff00; pushfl; pushl $0x23; pushl $1f; iret; 1: incl %ebx",
        f"kernel {HEAT} sti; 1: incl %ebx; cmpl $500,%ebx; jne 1b; cli; hlt",
    ],
)  # fmt: skip
def test_a_line_that_is_not_told_stops_where_single_steps_do(
    line: str, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for slice in (1, runner.SLICE):
        monkeypatch.setattr(runner, "SLICE", slice)
        session = Session("linux", budget=2000)
        do(session, *(["kernel"] if line.startswith("kernel ") else []), "set esi = user_text", *before)
        values = [value for text in (line.removeprefix("kernel "), "c", "c") for value in perform(session, text)]
        told.append((values, session.machine.steps, session.machine.cpu.save()))
    assert told[0] == told[1]


def perform(session: Session, line: str) -> list[object]:
    """What a line yields; as its last value, what is wrong with it."""
    values: list[object] = []
    try:
        values.extend(session.execute(line))
    except Problem as problem:
        values.append((problem.sentence, problem.hint))
    return values


def test_the_budget_holds_for_each_line() -> None:
    session = Session("bare", budget=100)
    do(session, "asm", "1: incl %eax", "jmp 1b", "end")
    for count in (1, 2):
        assert only(Ran, do(session, "c")).stopped is Stopped.BUDGET
        assert value(session, "steps") == 100 * count


def test_a_run_tells_how_many_exceptions_were_delivered(linux: Session) -> None:
    do(linux, "asm", "movl $1,user_bss", "movl $1,user_heap", "end")
    ran = only(Ran, do(linux, "c"))
    assert (ran.stopped, ran.exceptions) == (Stopped.END_OF_TYPED, 2)


def test_run_begins_the_typed_program_anew(bare: Session) -> None:
    do(bare, *LOOP, "c", "run")
    assert value(bare, "eax") == 10
    assert only(Ran, do(bare, "run behind")).steps == 1


def test_what_is_not_simulated_stops_with_nothing_done(linux: Session) -> None:
    do(linux, "kernel", "set idt(3).type = 5")
    steps_before = value(linux, "steps")
    do(linux, "int3")
    assert value(linux, "steps") == steps_before
    do(linux, "back")
    do(linux, "nop")
