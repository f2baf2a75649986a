"""What time travel costs, and how fast it is: `python tests/benchmarks/history.py [STEPS [CASE ...]]`.

Ten million steps (a tenth of that for slow programs) are run in a session, with history, and by the machine alone; then
it is gone to and fro in them. The cases are a quiet program (that of speed.py); a task of the world `linux` that calls,
faults now and then, makes system calls and is interrupted by the timer; and adversaries: what writes to every page of
the memory and to a port after each, or to every page and nothing else; REP over all memory; code that changes itself,
or that is executed too seldom to be translated; system calls, or faults and page tables, and little else. Each case has
a process of its own. Times are the processor's, and mean something only beside each other. `step back` and `goto` are
whole lines, from and to random places; `over a mark` is a step back from where a mark stands: all that lies between two
marks is made again. `who` asks for a register and a word that were just written, and for a register and a word that
nobody has written; `rc` goes back to where the word was written.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from speed import PROGRAM

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.problem import Problem

PLACES = 100  # random places that are gone to, and marks
TICK = 100_000  # steps between two interrupts of the timer
PARTS = 10  # turns in which session and machine run
TASK = """
1:      movl $300, %edi
2:      call work
        decl %edi
        jnz 2b
        movl $20, %eax                  # getpid
        int $0x80
        movl $45, %eax                  # brk: a page less,
        movl $user_heap+0x1000, %ebx
        int $0x80
        movl $45, %eax                  # and one more, which is touched
        movl $user_heap+0x2000, %ebx
        int $0x80
        movl %eax, user_heap+0x1800
        jmp 1b
work:   pushl %ebp
        movl %esp, %ebp
        movl $10, %ecx
3:      addl %ecx, user_data
        pushl %ecx
        popl %eax
        loop 3b
        leave
        ret
"""
ADVERSARY = """
again:  movl $0x10000, %edi
1:      incl (%edi)
        movl %edi, 8(%edi)
        outb %al, $0xe9
        addl $0x1000, %edi
        cmpl $0x2000000, %edi
        jb 1b
        jmp again
"""


STRIDES = """
        movl $0x77777777, %eax
again:  movl $0x10000, %edi
1:      movl %eax, (%edi)
        addl $0x1000, %edi
        cmpl $0x2000000, %edi
        jb 1b
        jmp again
"""
REPEATS = """
again:  movl $0x10000, %edi
        movl $0x7fc000, %ecx
        addl $0x12345, %eax
        rep stosl
        jmp again
"""
CHANGES_ITSELF = """
again:  incl 1f+1
1:      movl $5, %eax
        addl %eax, %ebx
        jmp again
"""
COLD = """
        movl $0x100000, %edi            # incl %eax, a million times,
        movl $0x40404040, %eax
        movl $0x40000, %ecx
        rep stosl
        movb $0xe9, (%edi)              # and a jump
        leal again-5, %eax
        subl %edi, %eax
        movl %eax, 1(%edi)
again:  movl $0x100000, %eax
        jmp *%eax
"""
CALLS = """
again:  movl $20, %eax
        int $0x80
        jmp again
"""
FAULTS = """
again:  movl $45, %eax                  # brk: pages less,
        movl $user_heap, %ebx
        int $0x80
        movl $45, %eax                  # and more, which are touched
        movl $user_heap+0x10000, %ebx
        int $0x80
        movl $user_heap, %edi
        movl $15, %ecx
1:      movl %edi, (%edi)
        addl $0x1000, %edi
        loop 1b
        jmp again
"""


class Case(NamedTuple):
    """`hot` and `cold` are words in memory: one that is written all the time, one that never is. A `share` of the steps
    is made."""

    title: str
    world: str
    program: str
    hot: str
    cold: str
    ticks: bool = False
    share: float = 1


CASES = {
    "quiet": Case("a quiet program", "bare", PROGRAM, "[0x44000]", "[0x70000]"),
    "task": Case("a task with faults", "linux", TASK, "user_data", "user_rodata", ticks=True),
    "adversary": Case("every page, and a port", "bare", ADVERSARY, "[0x10000]", "[0x10010]"),
    "strides": Case("every page", "bare", STRIDES, "[0x10000]", "[0x10010]"),
    "repeats": Case("REP over all memory", "bare", REPEATS, "[0x10000]", "[0x8000]"),
    "changes": Case("code that changes itself", "bare", CHANGES_ITSELF, "again+7", "[0x8000]", share=0.1),
    "cold": Case("cold code", "bare", COLD, "[0x100000]", "[0x8000]", share=0.2),
    "calls": Case("system calls", "linux", CALLS, "user_data", "user_rodata", share=0.1),
    "faults": Case("faults and page tables", "linux", FAULTS, "[user_heap]", "user_rodata", share=0.1),
}


def do(session: Session, *lines: str) -> None:
    for line in lines:
        with suppress(Problem):
            for _ in session.execute(line):
                pass


def seconds(doing: Callable[[], object]) -> float:
    start = time.process_time()
    doing()
    return time.process_time() - start


def megabytes() -> float:
    """The memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def run_free(machine: Machine, steps: int, ticks: bool) -> None:
    """Go on by the machine alone."""
    end = machine.steps + steps
    while machine.steps < end:
        if ticks:
            machine.interrupt(0x20)
        tick = min(end, machine.steps + TICK) if ticks else end
        while machine.steps < tick and machine.run(tick - machine.steps) is not Stop.WAITING:
            pass


def run_in(session: Session, steps: int, ticks: bool) -> None:
    """Go on in a session."""
    end = session.machine.steps + steps
    while session.machine.steps < end:
        session.budget = min(TICK, end - session.machine.steps) if ticks else end - session.machine.steps
        do(session, *(["irq 0"] if ticks else []), "c")


def begun(case: Case) -> Session:
    """A session that is about to run the program."""
    session = Session(case.world, budget=0)
    do(session, "asm", *case.program.strip().splitlines(), "end")
    return session


def speeds(case: Case, steps: int) -> Iterable[tuple[str, float]]:
    """What the history costs: a session and a machine make the same steps in turn."""
    session = begun(case)
    machine, part = session.machine.copy(), steps // PARTS
    alone = recorded = 0.0
    for _ in range(PARTS):
        alone += seconds(lambda: run_free(machine, part, case.ticks))
        recorded += seconds(lambda: run_in(session, part, case.ticks))
    yield "free, million steps/s", steps / alone / 1e6
    yield "with history, of that", alone / recorded


def travels(case: Case, steps: int) -> Iterable[tuple[str, float]]:
    """What it takes to go to and fro, in milliseconds, and in how much memory."""
    random, session = Random(1), begun(case)
    before = megabytes()
    run_in(session, steps, case.ticks)
    history = session.history
    yield "memory, MB", megabytes() - before
    yield "marks", len(history.marks)
    yield "kept frames", sum(len(each.frames) for each in history.checkpoints.kept)
    yield "events", session.chronicle.count()

    def timed(line: str) -> float:
        return 1000 * seconds(lambda: do(session, line))

    places = random.sample(range(history.first_step + 1, session.machine.steps), PLACES)
    for line in ("timeline", "who eax", f"who {case.hot}", "who fs", f"who {case.cold}"):
        yield line, timed(line)
    for word in (case.hot, case.cold):
        do(session, f"watch {word}")
        yield f"rc, watch {word}", timed("rc break")
        yield "goto", timed("goto")
        do(session, "delete")
    yield "step back, at the end", timed("reverse-stepi")
    marks = [checkpoint.steps for checkpoint in history.checkpoints.kept if checkpoint.steps > history.first_step]
    reached, back, over = [], [], []
    for mark in random.sample(marks, min(PLACES, len(marks))):
        do(session, f"goto {mark}")
        over.append(timed("reverse-stepi"))
    for place in places:
        reached.append(timed(f"goto {place}"))
        back.append(timed("reverse-stepi"))
        assert session.machine.steps == place - 1
    for what, times in ("goto", reached), ("step back", back), ("over a mark", over):
        yield f"{what}, median", statistics.median(times)
        yield f"{what}, worst", max(times)
    yield "memory then, MB", megabytes() - before


MEASURES = {"speeds": speeds, "travels": travels}


def main(steps: int = 10_000_000, *names: str) -> None:
    for name in names or CASES:
        made = int(steps * CASES[name].share)
        print(f"{CASES[name].title}, {made:,} steps")
        for measure in MEASURES:
            asked = [sys.executable, __file__, "--measure", measure, name, str(made)]
            answer = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
            for what, value in json.loads(answer):
                print(f"  {what:24} {value:12,.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        gc.freeze()  # as the program does when all is loaded
        print(json.dumps(list(MEASURES[sys.argv[2]](CASES[sys.argv[3]], int(sys.argv[4])))))
    else:
        main(*(int(word) for word in sys.argv[1:2]), *sys.argv[2:])
