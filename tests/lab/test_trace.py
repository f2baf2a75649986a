"""The trace: every step exactly once and in order, whatever makes the machine go on; and nothing else changes."""

from __future__ import annotations

import gc
import json
import re
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from benches import do, everything, only

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.bridges.trace import TraceFile
from pagefault_lab.lab.results import NotTold, Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.lab.system_calls import call
from pagefault_lab.lab.tracing import Traced, Tracing
from pagefault_lab.lab.wanted import Wanted
from pagefault_lab.problem import Problem
from pagefault_lab.views.story import headline

# a program for the world `linux` at CPL 3: a loop, a repeated string, a system call, a fault that the kernel repairs
PROGRAM = (
    "asm", "movl $3,%ecx", "again: loop again", "movl %esp,%edi", "subl $64,%edi", "movl $5,%ecx", "rep stosb",
    "movl $20,%eax", "int $0x80", "andl $0xfffff000,%esp", "pushl %eax", "nop", "end",
)  # fmt: skip

# lines that let the machine go on in every way there is
LINES = (
    "movl $5,%eax", *PROGRAM, "si", "si 2", "b sys_getpid", "c", "finish", "ni", "delete", "until restore_all", "si 40",
    "c", "subl $0x1000,%esp", "pushl %eax", "si 3", "movl $7,%eax", "c", "movl $50,%ecx; 1: loop 1b", "irq 1", "ni",
    "finish", "kernel", "cli", "user",
)  # fmt: skip
KILLED = ("movl $0,%ebx", "movl %eax,(%ebx)", "c")  # the kernel starts the task anew, in some 20,000 steps


def traced(session: Session, path: Path) -> Session:
    """The session, with its trace going to a file."""
    session.trace.open_file = TraceFile
    do(session, f'trace on "{path}"')
    return session


def shown(session: Session, *lines: str) -> list[Any]:
    """All that a screen shows of lines while their trace goes there."""
    found: list[Any] = []
    session.trace.show = found.append
    for line in ("trace on", *lines):
        for each in session.execute(line):
            found.append(each)
    return found


def objects(path: Path) -> list[dict[str, Any]]:
    """The steps in a file of JSON Lines, behind its heading."""
    heading, *steps = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (heading["kind"], heading["version"]) == ("trace", 1)
    return steps


def numbers(values: list[Any]) -> list[int]:
    """The numbers of the steps that a screen shows, in one line or in full."""
    stories = [each.told if isinstance(each, Traced) else each for each in values if isinstance(each, Traced | Story)]
    return [each.step.number for each in stories]


# --- each step, once, in order


def test_a_file_has_each_step_of_every_kind_of_line_once_and_in_order(linux: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    traced(linux, path)
    for line in (*LINES, *KILLED):
        before = linux.machine.steps
        do(linux, line)
        assert [found["number"] for found in objects(path)] == list(range(linux.machine.steps)), line
        assert linux.machine.steps >= before
    found = objects(path)
    assert {each["end"] for each in found} == {"retired", "interrupted"}
    sources = {event["source"] for each in found for event in each["events"] if event["kind"] == "delivery"}
    assert sources == {"exception", "software interrupt", "external interrupt"}
    assert sum(each["text"].startswith("rep stosb") and each["cpl"] == 3 for each in found) == 5


def test_a_screen_has_each_step_once_and_in_order_those_told_in_full_among_them(linux: Session) -> None:
    values = shown(linux, *LINES, *KILLED)
    assert numbers(values) == list(range(linux.machine.steps))
    assert sum(isinstance(each, Traced) for each in values) > 100
    assert sum(isinstance(each, Story) for each in values) > 20
    assert not any(isinstance(each, NotTold) for each in values)


def test_a_shutdown_is_told_once(bare: Session) -> None:
    values = shown(bare, "asm", "nop", "int $3", "end", "run")
    assert numbers(values) == [0, 1]
    assert [each.step.number for each in values if isinstance(each, Story)] == [1]
    assert only(Ran, values).stopped is Stopped.SHUTDOWN


def test_steps_that_a_command_keeps_to_itself_are_traced(linux: Session) -> None:
    values = shown(linux, "switch")
    assert numbers(values) == list(range(linux.machine.steps)) != []


def test_the_system_call_of_a_command_is_traced(linux: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    traced(linux, path)
    assert not [each for each in call(linux, "getpid", 20) if isinstance(each, Story)]
    found = objects(path)
    assert [each["number"] for each in found] == list(range(linux.machine.steps))
    assert [each["text"] for each in found if each["cpl"] == 3].count("int $0x80") == 1


def test_a_line_shows_its_steps_before_what_they_led_to(linux: Session) -> None:
    values = shown(linux, "asm", "nop", "nop", "end", "c")
    assert [type(each) for each in values[-3:]] == [Traced, Traced, Ran]


# --- the same as what is told


def test_the_trace_of_a_run_is_what_si_tells_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    run, stepped = traced(Session("linux"), path), Session("linux")
    do(run, *PROGRAM, "run")
    do(stepped, *PROGRAM)
    told = []
    for _ in range(run.machine.steps):
        told += [to_json(each) for each in do(stepped, "si") if isinstance(each, Story)]
    assert objects(path) == json.loads(json.dumps(told))
    assert len(told) == run.machine.steps > 100


def test_the_text_of_a_run_has_the_line_of_each_step_that_si_tells(tmp_path: Path) -> None:
    path = tmp_path / "steps.txt"
    run, stepped = traced(Session("linux"), path), Session("linux")
    do(run, *PROGRAM, "run")
    do(stepped, *PROGRAM)
    written = path.read_text("utf-8").splitlines()
    lines = [line for line in written if not line.startswith(" ")]
    assert len(lines) == run.machine.steps
    for line in lines:
        (told,) = (each for each in do(stepped, "si") if isinstance(each, Story))
        assert re.match(r"0x[0-9a-f]{8}  (?:[0-9a-f]{2} )+ *\S", line)
        first = headline(told)
        assert first is not None
        address, where, *rest = (span.text for span in first.spans)  # a wide screen has a symbol behind the address
        expected = address + "".join(rest if where.startswith(" <") or not where else (where, *rest))
        assert line.startswith(expected.replace("\u00a0", " ").rstrip())
    assert sum(line.startswith("  #PF error code 0x6 [user, write, not-present]") for line in written) == 1


# --- nothing else changes


@pytest.mark.parametrize("place", ["screen", "steps.jsonl"])
def test_a_trace_changes_neither_the_machine_nor_the_session(place: str, tmp_path: Path) -> None:
    plain, watched = Session("linux"), Session("linux")
    if place == "screen":
        shown(watched)
    else:
        traced(watched, tmp_path / place)
    for line in LINES:
        values = do(plain, line)
        found = do(watched, line)
        without = [each for each in values if not isinstance(each, NotTold)] if place == "screen" else values
        assert [to_json(each) for each in found] == [to_json(each) for each in without], line
        assert everything(watched) == everything(plain), line
    assert watched.fault == plain.fault


def test_going_back_writes_nothing_and_what_follows_is_traced_anew(linux: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    traced(linux, path)
    do(linux, "subl $0x1000,%esp", "pushl %eax", "c")
    made = linux.machine.steps
    do(linux, "why", "reverse-stepi", "back 2")
    assert linux.fault is None
    assert len(objects(path)) == made
    assert linux.machine.steps == 1
    do(linux, "si", "nop")
    assert [found["number"] for found in objects(path)] == [*range(made), 1]


def test_a_trace_goes_on_in_another_world(linux: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    traced(linux, path)
    do(linux, "nop", "world bare", "nop", "nop")
    assert [(found["number"], found["cpl"]) for found in objects(path)] == [(0, 3), (0, 0), (1, 0)]


# --- on and off


def test_a_trace_says_whether_it_is_on_and_how_much_it_has(bare: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.txt"
    bare.trace.open_file = TraceFile
    assert do(bare, "trace") == [Tracing(False, "", 0)]
    assert do(bare, f"trace on {path}") == [Tracing(True, str(path), 0)]
    do(bare, "nop", "nop", "p 1", "irq 0", "back")
    assert do(bare, "trace") == [Tracing(True, str(path), 2)]
    assert do(bare, "trace off") == [Tracing(False, str(path), 2)]
    do(bare, "nop")
    assert len(path.read_text().splitlines()) == 2


def test_a_file_begins_anew_each_time(bare: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.txt"
    traced(bare, path)
    do(bare, "nop", "nop")
    traced(bare, path)
    do(bare, "incl %eax")
    (line,) = path.read_text().splitlines()
    assert "incl %eax" in line


@pytest.mark.parametrize("name", ["exercise.s", "notes.txt"])
def test_a_file_that_is_no_trace_is_not_lost(bare: Session, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("_start: nop\n")
    with pytest.raises(Problem, match="is no trace"):
        traced(bare, path)
    assert path.read_text() == "_start: nop\n"
    assert not bare.trace.on


def test_a_file_that_cannot_be_opened_leaves_the_present_trace_on(bare: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.txt"
    traced(bare, path)
    with pytest.raises(Problem, match="cannot be written"):
        do(bare, f"trace on {tmp_path}/missing/steps.txt")
    do(bare, "nop")
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("line", ["trace hello.s", "trace off hello.s"])
def test_a_file_without_on_is_refused(bare: Session, line: str) -> None:
    with pytest.raises(Problem, match="belongs to `trace on`"):
        do(bare, line)


def test_a_session_that_nobody_looks_at_says_so(bare: Session) -> None:
    do(bare, "trace on")
    with pytest.raises(Problem, match="nobody looks"):
        do(bare, "movl $5,%eax", "run")
    with pytest.raises(Problem, match="no files"):
        do(bare, "trace on steps.txt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("line", ["movl $9,%eax", "si", "c"])
def test_a_full_disk_ends_the_trace_and_undoes_the_line(bare: Session, line: str) -> None:
    do(bare, "asm", "movl $5,%ecx", "1: loop 1b", "end")
    traced(bare, Path("/dev/full"))
    before = everything(bare)
    with pytest.raises(Problem, match="/dev/full cannot be written: No space left"):
        do(bare, line)
    assert everything(bare) == before
    assert not bare.trace.on
    do(bare, line)
    assert everything(bare) != before


# --- long runs

ENDLESS = ("asm", "1: incl %eax", "jmp 1b", "end")


def test_the_budget_ends_a_traced_run_at_the_same_step() -> None:
    session = Session("bare", budget=1234)
    values = shown(session, *ENDLESS, "c")
    assert only(Ran, values).stopped is Stopped.BUDGET
    assert len(numbers(values)) == session.machine.steps == 1234


class Impatient:
    """A file for a trace whose reader presses Ctrl-C after 100 steps."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.steps = 0

    def begin(self, session: Session, wanted: Wanted) -> None: ...

    def write(self, told: Story) -> None:
        self.steps += 1
        if self.steps == 100:
            self.session.interrupt()

    def close(self) -> None: ...


def test_ctrl_c_ends_a_traced_run_soon(bare: Session) -> None:
    reader = Impatient(bare)
    bare.trace.open_file = lambda path: reader
    do(bare, "trace on steps.txt", *ENDLESS)
    assert only(Ran, do(bare, "c")).stopped is Stopped.INTERRUPTED
    assert 100 <= reader.steps == bare.machine.steps < 1000


def held_while_tracing(path: Path, words: str, steps: int) -> int:
    """How many bytes a session has come to hold by tracing so many steps, but garbage."""
    session = Session("bare", budget=steps)
    traced(session, path)
    do(session, f"trace on {path} {words}", *ENDLESS, "si 10")
    tracemalloc.start()
    try:
        do(session, "c")
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("without_marks_in_runs")
@pytest.mark.parametrize(
    ("name", "words", "steps"),
    [("steps.jsonl", "", 200), ("steps.txt", "faults", 20_000), ("steps.txt", "ring 3 writes", 1_000)],
)
def test_ten_times_the_steps_take_no_more_memory(tmp_path: Path, name: str, words: str, steps: int) -> None:
    path = tmp_path / name
    held_while_tracing(path, words, 10 * steps)  # what the process keeps of its first such run is not the trace's
    short, long = (held_while_tracing(path, words, so_many) for so_many in (steps, 10 * steps))
    assert long - short < 100_000


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_steps_are_in_the_file_when_their_line_has_ended(bare: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.txt"
    traced(bare, path)
    do(bare, "nop")
    assert path.read_text() == "0x00001000  90                 nop\n"
