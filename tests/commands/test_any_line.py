"""Whatever is typed: one clear sentence or a result, never another exception, and a wrong line leaves no trace."""

import pytest
from benches import everything
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pagefault_lab import commands
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem

WORDS = sorted(
    {word for name in commands.spellings() for word in name.split()} - {"save", "load", "quit", "world"}
) + [
    "movl", "incl", "jmp", "call", "iret", "lidt", ".long", ".org", ".space", ".macro", ".endm", ".rept", "end",
    "foo:", "foo", "1f",
    "$5", "%eax", "(%ebx)", "%cr3", "0x1000", "-1", "99999999999", "eax", "$eip", "u32[", "]", "(", ")", "+", "=",
    "==", "if", ",",
    "/8xw", "/s", "'", '"', "#", ";", "\\", "pte(0)", ".present", "fault.error", "é", "\t", "*", "**", "rep", "lock",
    "%gs:0",
]  # fmt: skip
LINES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join) | st.text(max_size=30).filter(
    lambda text: not text.lstrip().startswith(("s", "l", "w", "q"))
)


def problem_of(session: Session, line: str) -> Problem | None:
    """What is wrong with the line, if anything."""
    try:
        list(session.execute(line))
    except Problem as problem:
        return problem
    return None


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, max_size=5))
@example(["asm", "end", "c", "list", "run"])
@example([".rept 3", "asm", "end"])
@example([".macro foo", "foo", ".endm", "foo"])
@example(["jmp foo", "jmp foo", "foo:", "foo:"])
@example([".org 0x100", "nop", ".org 5"])
def test_any_lines_end_in_results_or_problems(lines: list[str]) -> None:
    session = Session("bare", budget=300)
    for line in lines:
        if any("\n" in each or "\r" in each for each in line):
            continue
        before = everything(session)
        problem = problem_of(session, line)
        if problem is not None:
            assert problem.sentence
            assert problem.column is None or problem.column >= 0
            assert everything(session) == before
    session.abandon()
    while session.history.lines:
        list(session.execute("back"))


@pytest.mark.parametrize(
    "line",
    ["x/99999999999 0", "x/s 0xfffffff0", "x/4xg 0xfffffffc", "disas 0xfffffffe", "disas 0, +65536", "x/65536xb 0",
    "b", "p 'a'",
     "xp/4xw 0xfffffff0", "x/2i 0xffffffff", "p u32[0xfffffffe]", "si 99999999999999999999", "until -1",
     "set u32[-2] = 5",
     "p phys[0xfffffffc]", "set phys[0xfffffffe] = 1", "irq -1", "back 99999999999999999999",
     "reverse-stepi 99999999999999"],
)  # fmt: skip
def test_the_edges_of_memory_and_numbers(line: str) -> None:
    session = Session("bare", budget=100)
    list(session.execute("asm"))
    list(session.execute("1: jmp 1b"))
    list(session.execute("end"))
    problem = problem_of(session, line)
    assert problem is None or problem.sentence
