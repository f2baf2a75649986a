"""One loop for prompt, pipe and script: it shows, it places what is wrong, it stops, and it hides no bug."""

import signal
import sys
from functools import partial
from pathlib import Path

import pytest
from counting import while_it_runs

from pagefault_lab.lab.results import Place, Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem, Problems
from pagefault_lab.terminal.entry import bug
from pagefault_lab.terminal.loop import Ending, Loop
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.views.prompts import prompt_of


class Kept:
    """An output that keeps what it is given."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.problems: list[Problem] = []

    def show(self, value: object) -> None:
        self.values.append(value)

    def complain(self, problem: Problem) -> None:
        self.problems.append(problem)


class Broken(Kept):
    """An output with a bug of ours."""

    def show(self, value: object) -> None:
        raise ZeroDivisionError("no such view")


def test_lines_end_in_four_ways() -> None:
    loop = Loop(Session("bare"), Kept())
    assert loop.perform("movl $1,%eax") is Ending.DONE
    assert loop.perform("frobnicate") is Ending.WRONG
    assert loop.perform("quit") is Ending.LEAVE
    assert loop.repeat() is Ending.DONE


def test_what_is_wrong_in_a_script_gets_its_file_and_line() -> None:
    output = Kept()
    loop = Loop(Session("bare"), output)
    loop.perform("movl %eax,(%ebq)", "a.lab", 7)
    loop.perform("p 1 +", "a.lab", 8)
    assert [(problem.file, problem.line, problem.column) for problem in output.problems] == [
        ("a.lab", 7, 11), ("a.lab", 8, 5)
    ]  # fmt: skip


def test_every_problem_of_a_block_gets_its_line() -> None:
    output = Kept()
    loop = Loop(Session("bare"), output)
    assert loop.perform("jmp over", "a.lab", 3) is Ending.DONE
    assert loop.perform("foo 1; bar 2", "a.lab", 3) is Ending.WRONG
    (problems,) = output.problems
    assert isinstance(problems, Problems)
    assert [(problem.file, problem.line) for problem in problems.problems] == [("a.lab", 4), ("a.lab", 4)]


def test_what_is_wrong_in_another_file_keeps_its_place(tmp_path: Path) -> None:
    file = tmp_path / "x.s"
    file.write_text("nop\nfoo\n")
    output = Kept()
    Loop(Session("bare"), output).perform(f"load {file}", "a.lab", 7)
    assert (output.problems[0].file, output.problems[0].line) == (str(file), 2)


def test_what_is_typed_has_no_file() -> None:
    output = Kept()
    Loop(Session("bare"), output).perform("movl %eax,(%ebq)")
    assert (output.problems[0].file, output.problems[0].line) == (None, None)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal can be sent to oneself there")
def test_ctrl_c_stops_a_run_and_the_session_goes_on() -> None:
    output = Kept()
    loop = Loop(Session("bare"), output)
    with while_it_runs(partial(signal.raise_signal, signal.SIGINT)):
        assert loop.perform("1: jmp 1b") is Ending.STOPPED
    last = output.values[-1]
    assert isinstance(last, Ran)
    assert last.stopped is Stopped.INTERRUPTED
    assert loop.perform("p 1") is Ending.DONE


def test_a_spent_budget_is_wrong_and_says_how_much_it_was() -> None:
    output = Kept()
    loop = Loop(Session("bare", budget=100), output)
    assert loop.perform("1: jmp 1b") is Ending.WRONG
    assert "100 instructions" in output.problems[0].sentence


def test_a_bug_of_ours_is_not_swallowed_and_leaves_the_session_usable() -> None:
    session = Session("bare")
    with pytest.raises(ZeroDivisionError):
        Loop(session, Broken()).perform("movl $1,%eax")
    output = Kept()
    assert Loop(session, output).perform("p $eax + 1") is Ending.DONE


def test_a_bug_is_told_in_one_sentence_with_how_to_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGEFAULT_LAB_DEBUG", raising=False)
    sentence, report = bug(ZeroDivisionError("no such view"))
    assert "bug in pagefault-lab" in sentence
    assert "ZeroDivisionError: no such view" in sentence
    assert "report" in report
    monkeypatch.setenv("PAGEFAULT_LAB_DEBUG", "1")
    assert len(bug(ZeroDivisionError("no such view"))) > 2


def test_the_prompt_names_ring_and_place() -> None:
    session = Session("linux")
    assert prompt_of(session.place()) == "cpl3> "
    list(session.execute("movl %eax,0"))
    assert prompt_of(session.place()) == "cpl0 page_fault> "
    list(session.execute("si"))
    assert prompt_of(session.place()) == "cpl0 page_fault+5> "


def test_the_prompt_names_the_place_and_where_nothing_has_a_name_the_address() -> None:
    assert prompt_of(Place(0, 0xC010A232, "page_fault", 3, False)) == "cpl0 page_fault+3> "
    assert prompt_of(Place(3, 0x1000, "", 0, False)) == "cpl3 0x00001000> "
    assert prompt_of(Place(3, 0x08030000, "", 0, True)) == "cpl3> "


class Impatient(Kept):
    """An output at which someone presses Ctrl-C at whatever is shown."""

    def show(self, value: object) -> None:
        super().show(value)
        signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="no such timers there")
def test_a_part_of_a_lesson_that_has_begun_begins_to_its_end_however_often_ctrl_c_is_pressed() -> None:
    lines = "".join(f"movl ${number},%ecx\n" for number in range(1, 60))
    lesson = read_lesson(
        f'+++\nformat = 1\nkey = "long"\ntitle = "Long"\n+++\nOne\n\n---\n\n```lab\n{lines}```\n\nTwo\n', "long.md"
    )
    attempt, output = Attempt(lesson), Impatient()
    for _ in attempt.begin(0):
        pass
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        ending = Loop(attempt.session, output).perform("lesson next")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ending is Ending.STOPPED
    assert (attempt.at, attempt.session.machine.cpu.registers[1]) == (1, 59)
    assert len(attempt.recording.inputs) == 1
