"""Going back is exact: registers, TLB, memory, devices, and what the session knew."""

import pytest
from benches import do, everything, only, steps, value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault_lab.lab import history
from pagefault_lab.lab.results import Ran, Stopped, Travelled
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.step import Interrupted, ShutDown
from pagefault_lab.problem import Problem

BARE_LINES = [
    "movl $0x9000, %ebx", "movl %eax, (%ebx)", "incl %eax", "pushl %eax", "popl %ecx", "movl $3, %ecx; rep stosb",
    "here: addl $5, %edx", "value: .long 1, 2, 3", "x = 7", "set eax = 0x1234", "set u32[0x9000] = 5",
    "set $count = steps",
    "outb %al, $0xe9", "movl $0x40, %ecx; 1: loop 1b", "si", "si 3", "c", "ud2", "int $3", "irq 1", "cli", "sti",
    "hlt", "b 0x1003",
    "movl %eax, %cr3", "set eip = 0x1000", "run", "call 1f; 1: nop", "x/4xw 0x9000", "p eax", "nonsense", "divl %ecx",
]  # fmt: skip
LINUX_LINES = [
    "movl $user_data, %ebx", "movl $user_bss, %ebx", "movl $user_rodata, %ebx", "movl $0xc0100000, %ebx",
    "xorl %ebx, %ebx",
    "movl %eax, (%ebx)", "movl (%ebx), %eax", "incl (%ebx)", "pushl (%ebx)", "c", "c", "si", "si 5", "finish", "kernel",
    "user", "irq 0", "movl $8, %ecx; rep stosl", "b page_fault", "tb do_page_fault", "delete", "int $0x80", "int $14",
    "cli",
    "movl %cr3, %eax; movl %eax, %cr3", "set pte(user_data).present = 0", "sub $8192, %esp", "pushl %eax",
    "jmp *%ebx", "ni", "hlt", "map user_hole", "unmap user_data", "protect user_data r", "flush", "poke user_data 5",
]  # fmt: skip


def replay_everything(session: Session, lines: list[str]) -> None:
    """Do the lines, then go back one by one and meet each state again."""
    states = []
    for line in lines:
        before = everything(session)
        known = len(session.history.lines)
        try:
            do(session, line)
        except Problem:
            assert everything(session) == before, f"{line} failed and left a trace"
        if len(session.history.lines) > known:
            states.append((line, before))
    for line, before in reversed(states):
        undone = only(Travelled, do(session, "back")).lines
        assert undone == (line,)
        assert everything(session)[:4] == before[:4], line
        assert session.save_state() == before[4], line


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(BARE_LINES), max_size=12))
def test_back_restores_everything_in_bare(lines: list[str]) -> None:
    replay_everything(Session("bare", budget=2000), lines)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINUX_LINES), max_size=8))
def test_back_restores_everything_in_linux(lines: list[str]) -> None:
    replay_everything(Session("linux", budget=60_000), lines)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([line for line in LINUX_LINES if line not in ("b page_fault", "delete")]), max_size=6),
       st.data())  # fmt: skip
def test_any_step_of_the_past_is_met_again_as_it_was(lines: list[str], data: st.DataObject) -> None:
    """The machine after reverse-stepi is the one that a session has which made just so many steps."""
    session = Session("linux", budget=30_000)
    done: list[tuple[str, int]] = []  # line, steps before it
    for line in lines:
        before = session.machine.steps
        try:
            do(session, line)
        except Problem:
            continue
        done.append((line, before))
    if not session.machine.steps:
        return
    target = data.draw(st.integers(0, session.machine.steps - 1))
    do(session, f"reverse-stepi {session.machine.steps - target}")
    twin = Session("linux")
    for line, before in done:
        if before <= target:
            twin.budget = min(30_000, target - before)
            do(twin, line)
    assert everything(session)[:4] == everything(twin)[:4]


def test_reverse_stepi_goes_back_one_instruction_at_a_time(bare: Session) -> None:
    states = [everything(bare)[:4]]
    for line in ("movl $0x9000,%ebx", "movl %ebx,(%ebx)", "pushl %ebx", "incl %ebx"):
        do(bare, line)
        states.append(everything(bare)[:4])
    for count in (3, 2, 1):
        do(bare, "reverse-stepi")
        assert value(bare, "steps") == count
        assert bare.machine.cpu.save()[1] == states[count][0][1]  # registers


def test_reverse_stepi_reaches_into_a_run(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)")
    trail = []
    for _ in range(40):
        trail.append(everything(linux)[:4])
        do(linux, "si")
    do(linux, "back 40")
    assert everything(linux)[:4] == trail[0]
    do(linux, "c")
    assert only(Ran, do(linux, "back", "c")).stopped is Stopped.RETIRED
    for count in (39, 20, 1):
        do(linux, f"reverse-stepi {linux.machine.steps - 2 - count}")
        assert everything(linux)[:4] == trail[count]
    assert linux.last is not None
    assert linux.last.number == 2


def test_a_whole_run_is_undone(linux: Session) -> None:
    do(linux, "movl $user_hole,%ebx")
    before = everything(linux)
    do(linux, "movl %eax,(%ebx)")
    assert only(Ran, do(linux, "c")).stopped is Stopped.WORLD
    do(linux, "back 2")
    assert everything(linux) == before


def test_back_works_after_shutdown(bare: Session) -> None:
    before = everything(bare)
    (step,) = steps(do(bare, "ud2"))
    assert isinstance(step.end, ShutDown)
    with pytest.raises(Problem, match="shut down"):
        do(bare, "nop")
    do(bare, "back")
    assert everything(bare) == before
    do(bare, "nop")


def test_back_takes_names_program_and_variables_back(bare: Session) -> None:
    do(bare, "nop", "here: .long 5", "set $v = 4", "macro_less = 3")
    do(bare, "back 3")
    assert "here" not in bare.symbols
    assert not bare.variables
    assert [line.text for line in bare.code.program] == ["nop"]
    do(bare, "there: .long 6")
    assert value(bare, "there") == 0x1001


def test_hits_of_breakpoints_go_back_and_breakpoints_stay(bare: Session) -> None:
    do(bare, "asm", "nop", "spot: nop", "nop", "end", "b spot", "c")
    assert [each.hits for each in bare.breakpoints] == [1]
    do(bare, "back")
    assert [each.hits for each in bare.breakpoints] == [0]


def test_back_beyond_the_beginning_is_a_problem(bare: Session) -> None:
    with pytest.raises(Problem, match="nothing to go back"):
        do(bare, "back")
    do(bare, "nop")
    with pytest.raises(Problem, match="only 1"):
        do(bare, "back 2")
    with pytest.raises(Problem, match="only 1"):
        do(bare, "reverse-stepi 2")
    assert value(bare, "steps") == 1


def test_looking_is_nothing_to_go_back_to(bare: Session) -> None:
    do(bare, "nop", "p eax", "x/4xw 0x1000", "list", "disas", "symbols")
    assert bare.history.lines == ["nop"]


def test_a_long_run_keeps_a_bounded_number_of_marks_and_stays_exact(bare: Session, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    bounds = {"LEAST_STRIDE": 100, "INTERVAL": 0, "SECONDS_PER_FRAME": 0, "MOST_TIMES": 8, "LOOK_AGAIN": 1}
    for name, number in bounds.items():
        monkeypatch.setattr(history, name, number)
    do(bare, "asm", "movl $0x9000,%edi; movl $10000,%ecx", "1: movl %ecx,(%edi)", "addl $40,%edi", "loop 1b", "end")
    before = everything(bare)
    do(bare, "c")
    assert len(bare.history.marks) < 20
    total = bare.machine.steps
    states = {}
    for target in (total - 1, total // 2, 777, 3):
        do(bare, f"reverse-stepi {bare.machine.steps - target}")
        states[target] = everything(bare)[:4]
    do(bare, "back")
    assert everything(bare) == before
    for target in sorted(states):
        do(bare, f"si {target - bare.machine.steps}")
        assert everything(bare)[:4] == states[target]


def test_a_run_whose_beginning_is_forgotten_goes_on(bare: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest mark that is left may be one of the run's own: nothing is before it to take what it keeps."""
    bounds = {"LEAST_STRIDE": 100, "INTERVAL": 0, "SECONDS_PER_FRAME": 0, "LOOK_AGAIN": 1, "STRETCH": 1}
    for name, number in {**bounds, "MOST_BYTES": 3000}.items():
        monkeypatch.setattr(history, name, number)
    bare.budget = 10_000
    do(bare, "asm", "2: movl $0x10000,%edi", "1: incl (%edi)", "addl $0x1000,%edi", "cmpl $0x40000,%edi", "jb 1b",
       "jmp 2b", "end", "c")  # fmt: skip
    assert bare.history.first_step > 0
    monkeypatch.setattr(history, "MOST_BYTES", 30_000)
    do(bare, "c")
    end = bare.machine.steps
    do(bare, "reverse-stepi")
    assert bare.machine.steps == end - 1


def test_old_history_is_forgotten_and_the_rest_stays_exact(bare: Session, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(history, "LOOK_AGAIN", 1)
    monkeypatch.setattr(history, "MOST_MARKS", 10)
    states = []
    for _ in range(30):
        states.append(everything(bare)[:4])
        do(bare, "incl %eax")
    reach = len(bare.history.lines)
    assert reach < 12
    for expected in reversed(states[-reach:]):
        do(bare, "back")
        assert everything(bare)[:4] == expected
    with pytest.raises(Problem):
        do(bare, "back")


def test_the_story_of_an_old_step_is_told_without_changing_the_present(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx")
    (step,) = steps(do(linux, "movl %eax,(%ebx)"))
    do(linux, "c")
    before = everything(linux)
    again = linux.history.story(step.number)
    assert isinstance(again.end, Interrupted)
    assert (again.events, again.changes) == (step.events, step.changes)
    assert everything(linux) == before


def test_the_last_fault_of_a_free_run_can_be_told(linux: Session) -> None:
    do(linux, "asm", "movl $user_bss,%ebx", "movl %eax,(%ebx)", "movl $user_heap,%ebx", "movl %eax,(%ebx)", "nop",
    "end")
    ran = only(Ran, do(linux, "c"))
    assert (ran.exceptions, ran.stopped) == (2, Stopped.END_OF_TYPED)
    assert linux.fault is not None
    assert linux.fault.deliveries[-1].fault.linear == value(linux, "user_heap")


def test_the_present_line_is_kept_longer_than_the_past(bare: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_MARKS", 10)
    monkeypatch.setattr(history, "LOOK_AGAIN", 1)
    monkeypatch.setattr(history, "INTERVAL", 0)
    monkeypatch.setattr(history, "SECONDS_PER_FRAME", 0)
    monkeypatch.setattr(history, "LEAST_STRIDE", 1)
    monkeypatch.setattr(bare.history, "stride", 1)
    do(bare, "movl $30,%ecx")
    before = everything(bare)
    do(bare, "1: loop 1b")
    assert len(bare.history.marks) > 10
    do(bare, "back")
    assert everything(bare) == before
