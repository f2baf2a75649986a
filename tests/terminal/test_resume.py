"""Journals and --resume: whenever the process is killed, the session is back up to its last finished line."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tmux import PROMPT, ROOT, TOOLBAR, Terminal
from typist import Typist

from pagefault_lab.lab.recording import Line, read, replay
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.terminal import journal as journals
from pagefault_lab.terminal.journal import Journal, kept, was_cut_off
from pagefault_lab.terminal.resume import resume

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

LINES = ["movl $user_bss,%ebx", "movl %eax,(%ebx)", "c", "nonsense", "insmod lecture.s", "b page_fault if error == 7",
         "set $count = 3", "display $count + eax", "asm", "f: movl $5,%ecx", "1: loop 1b", "movl %exx,%eax", "end",
         "movl $600000,%ecx; 1: loop 1b", "movl $user_rodata,%ebx", "movl %eax,(%ebx)", "back 2", "redo",
         "p pte($esp)", "reverse-stepi 4", "si 2", "movl $300000,%ecx; 1: loop 1b", "x/4xw $esp", "x", "rmmod lecture",
         "protect user_data r", "asm", "nop"]  # fmt: skip


def all_journals() -> list[Path]:
    folder = journals.journals_folder()
    assert folder is not None
    return sorted(folder.glob("*.journal"), key=lambda path: path.stat().st_mtime_ns)


def only_journal() -> Path:
    (found,) = all_journals()
    return found


def state(session: Session) -> tuple[Any, ...]:
    """All that a user can tell a session by. Which mark it stands behind is none of it: some marks go by time."""
    machine, history = session.machine, session.history
    memory = {number: tuple(words) for number, words in enumerate(machine.memory.frames) if words and any(words)}
    return (
        machine.cpu.save(), machine.steps, memory, machine.ports.save(), session.save_state(), session.pending,
        history.lines, history.present, history.in_past, history.standing.undone, session.lines, session.examined,
        session.world.name,
        [(each.number, each.address, each.hits) for each in session.breakpoints],
        [each.expression.text for each in session.displayed.values()],
    )  # fmt: skip


def uninterrupted(lines: list[str]) -> Session:
    """A session that has done these lines."""
    session = Session()
    for line in lines:
        try:
            for _ in session.execute(line):
                pass
        except Problem:
            pass
    return session


def brought_back() -> Session:
    session, journal, _ = resume(None)
    assert journal
    return session


# --- kill -9


@pytest.mark.parametrize("seed", range(12))
def test_whenever_it_is_killed_the_finished_lines_are_back(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    typist = Typist()
    typist.wait(PROMPT)
    typist.type("".join(f"{line}\n" for line in LINES))
    typist.look(chance.uniform(0.0, 2.5))
    typist.kill()
    prompts = len(re.findall(rb"^(?:cpl\d[^>\n]*|\.\.\.)> ", typist.seen, re.MULTILINE))
    if not all_journals():
        assert prompts == 1
        return
    text = only_journal().read_bytes()
    found = read(text, "journal")
    assert found.damaged is None
    assert not found.ended
    texts = [each.text for each in found.recording.inputs if isinstance(each, Line)]
    good = [line for line in LINES if line not in ("nonsense", "movl %exx,%eax")]
    assert texts == good[: len(texts)]
    done = LINES[: LINES.index(texts[-1]) + 1] if texts.count("asm") < 2 else LINES[: len(texts) + 2]
    assert len(done) + 1 >= prompts - 1  # each prompt but the first tells that a line is finished
    assert state(brought_back()) == state(uninterrupted(done))


@pytest.mark.parametrize("seed", range(4))
def test_a_session_that_is_killed_and_resumed_again_and_again_goes_on(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    left = [line for line in LINES if line not in ("nonsense", "movl %exx,%eax")]
    done: list[str] = []
    for _ in range(6):
        typist = Typist(*(["--resume"] if done else []))
        typist.wait(r"> $" if done else PROMPT)
        typist.type("".join(f"{line}\n" for line in left[:8]))
        typist.look(chance.uniform(0.0, 0.8))
        typist.kill()
        if found := all_journals():  # another one, if it was killed before the one taken over was dropped
            inputs = read(found[-1].read_bytes(), "journal").recording.inputs
            texts = [each.text for each in inputs if isinstance(each, Line)]
            assert texts[: len(done)] == done
            new = texts[len(done) :]
            assert new == left[: len(new)]
            done, left = texts, left[len(new) :]
    if done:
        assert state(brought_back()) == state(uninterrupted(done))


def test_ctrl_c_is_repeated_where_it_was_also_when_it_is_killed_in_the_next_run(home: Path) -> None:
    typist = Typist()
    typist.wait(PROMPT)
    prompt = r"^(?:cpl\d|\.\.\.)[^>\n]*> "
    for number, line in enumerate(("1: jmp 1b", "asm", "1: incl %eax", "jmp 1b", "end", "c"), 1):
        typist.wait(prompt, number)
        typist.type(f"{line}\n")
        if line in ("1: jmp 1b", "c"):
            typist.look(1.0)
            typist.type("\x03")
    told = typist.wait(prompt, 7)
    steps = int(re.findall(r"ran ([\d,]+) steps: stopped by the user", told)[-1].replace(",", ""))
    typist.type("c\n")
    typist.look(0.3)
    typist.kill()
    session = brought_back()
    *_, last = (each for each in session.recording.inputs if isinstance(each, Line))
    assert (last.text, last.stop) == ("c", steps)
    counted = session.machine.cpu.registers[0] - uninterrupted([]).machine.cpu.registers[0]
    assert abs(counted - steps // 2) <= 1


# --- at a terminal


@contextmanager
def at_prompt(home: Path, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(*arguments, XDG_STATE_HOME=str(home / "state"), TERM="screen-256color")
    try:
        terminal.wait(TOOLBAR)
        yield terminal
    finally:
        terminal.close()


def kill(terminal: Terminal) -> None:
    os.kill(int(terminal.tmux("display-message", "-p", "#{pane_pid}")), signal.SIGKILL)
    assert terminal.ended()


def test_a_session_that_was_cut_off_is_mentioned_and_brought_back_into_the_same_prompt(home: Path) -> None:
    with at_prompt(home) as terminal:
        assert "--resume" not in terminal.screen()
        terminal.enter("movl $user_bss,%ebx")
        terminal.enter("movl %eax,(%ebx)")
        terminal.wait(r"(?s)#PF.*^cpl0 page_fault> ?$")
        terminal.enter("asm")
        terminal.enter("nop")
        terminal.wait(r"(?s)nop$.*^\.\.\.>$")
        terminal.type("never finished")
        kill(terminal)
    with at_prompt(home) as terminal:
        screen = terminal.screen()
        assert "the last session was cut off; pagefault-lab --resume brings it back" in screen
        assert len(screen.splitlines()) <= 24
        terminal.press("C-d")
        assert terminal.ended()
    with at_prompt(home, "--resume") as terminal:
        screen = terminal.screen()
        assert "  4 lines are back, up to step 2" in screen.splitlines()
        assert re.search(r"^\.\.\.>$", screen, re.MULTILINE)
        terminal.enter("end")
        terminal.wait(r"^cpl0 page_fault>$")
        terminal.enter("quit")
        assert terminal.ended()
    with at_prompt(home) as terminal:
        assert "--resume" not in terminal.screen()
    with at_prompt(home, "--resume") as terminal:
        assert "  5 lines are back, up to step 2" in terminal.screen().splitlines()


def test_two_prompts_do_not_mix_and_none_is_taken_from_the_living(home: Path) -> None:
    with at_prompt(home) as one, at_prompt(home) as other:
        one.enter("nop")
        one.wait("step 1 ")
        other.enter("nop")
        other.enter("nop")
        other.wait("step 2 ")
        refused = Typist("--resume")
        assert "the only session to resume is still open" in refused.wait("still open")
        assert refused.end() == 2
        kill(one)
        with at_prompt(home, "--resume") as again:
            assert "  1 line is back, up to step 1" in again.screen()
            again.enter("nop")
            again.wait("step 2 ")
            one_more = Typist("--resume")
            one_more.wait("still open")
            assert one_more.end() == 2
        kill(other)
    assert {len(read(path.read_bytes(), "").recording.inputs) for path in only_folder(home).iterdir()} == {2}


def only_folder(home: Path) -> Path:
    return home / "state" / "pagefault-lab" / "journals"


def test_what_takes_long_is_announced_and_taken_away_again(home: Path) -> None:
    typist = Typist()
    typist.wait(PROMPT)
    for number, line in enumerate(("asm", "movl $15000000,%ecx; 1: loop 1b", "end", "c"), 1):
        typist.type(f"{line}\n")
        typist.wait(r"^(cpl\d|\.\.\.)[^>\n]*> ", number + 1)
    typist.kill()
    typist = Typist("--resume")
    typist.wait("done again")
    typist.type("\x03")  # gives it up
    assert typist.end() == -signal.SIGINT
    typist = Typist("--resume")
    told = typist.wait("4 lines are back")
    assert re.search(r"4 lines are done again \.\.\.\r +\r  4 lines are back", told)
    typist.kill()


def test_a_pipe_is_no_session_to_resume(home: Path) -> None:
    words = [sys.executable, "-m", "pagefault_lab"]
    subprocess.run(words, input=b"nop\n", capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert not only_folder(home).exists()
    done = subprocess.run([*words, "--resume"], capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr.startswith(b"pagefault-lab: there is no session to resume")


@pytest.mark.parametrize("words", [["--resume", "--world", "bare"], ["--resume", "x", "tour"]])
def test_resume_is_for_the_prompt(home: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "pagefault_lab", *words]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert b"--resume goes on at the prompt" in done.stderr


def test_a_tour_is_kept_as_well(home: Path) -> None:
    typist = Typist("tour")
    typist.wait(r"\] $")
    typist.type("\n")
    typist.wait(r"2/\d+")
    typist.kill()
    assert brought_back().recording.lines == 1


# --- journals


def written(*lines: str) -> tuple[Session, Journal]:
    """A session that is kept, and has done these lines."""
    session, journal = Session("bare"), Journal()
    journal.follow(session)
    go_on(session, *lines)
    return session, journal


def go_on(session: Session, *lines: str) -> list[object]:
    return [value for line in lines for value in session.execute(line)]


def close(journal: Journal) -> None:
    """As the end of a process does it."""
    assert journal._descriptor is not None
    os.close(journal._descriptor)


def test_a_session_without_a_finished_line_leaves_no_journal(home: Path) -> None:
    session, journal = written()
    with pytest.raises(Problem):
        go_on(session, "nonsense")
    go_on(session, "# nothing", "")
    journal.end()
    assert not was_cut_off()
    with pytest.raises(Problem, match="no session to resume"):
        kept(None)


def test_a_line_is_in_the_file_as_soon_as_it_is_finished(home: Path) -> None:
    session, _ = written("nop")
    for number in range(2, 6):
        values = session.execute("incl %eax")
        next(values)
        assert len(read(only_journal().read_bytes(), "").recording.inputs) == number - 1
        for _ in values:
            pass
        assert read(only_journal().read_bytes(), "").recording.inputs == session.recording.inputs
        assert len(session.recording.inputs) == number


def test_writing_that_is_broken_off_anywhere_is_done_the_next_time(home: Path) -> None:
    session, journal = written("nop")
    close(journal)
    journal._descriptor = os.open(only_journal(), os.O_RDWR)
    for size in (0, 1, 20):  # bytes of the next line that were written before
        session.recording.grown = lambda: None
        go_on(session, "incl %eax")
        with only_journal().open("r+b") as stream:
            stream.seek(0, os.SEEK_END)
            stream.write(b'{"line": "incl %eax", "steps": 2}'[:size])
        session.recording.grown = journal.catch_up
        go_on(session, "incl %ebx")
        found = read(only_journal().read_bytes(), "")
        assert found.recording.inputs == session.recording.inputs
        assert found.damaged is None


def test_the_end_is_told_from_being_cut_off(home: Path) -> None:
    _, journal = written("nop")
    assert not was_cut_off()  # it lives
    close(journal)
    assert was_cut_off()
    time.sleep(0.01)
    _, journal = written("nop")
    journal.end()
    close(journal)
    assert not was_cut_off()


def test_a_resumed_session_that_is_left_at_once_is_not_cut_off(home: Path) -> None:
    _, journal = written("nop")
    close(journal)
    session, journal, _ = resume(None)
    journal.follow(session)
    journal.end()
    close(journal)
    assert not was_cut_off()
    assert read(only_journal().read_bytes(), "").ended


def test_the_newest_is_resumed_and_its_journal_replaced_with_the_next_line(home: Path) -> None:
    for count in (1, 3, 2):
        close(written(*["nop"] * count)[1])
        time.sleep(0.01)
    session, journal, said = resume(None)
    assert said == ["  2 lines are back, up to step 2"]
    journal.follow(session)
    before = set(only_folder(home).iterdir())
    go_on(session, "p 1")
    after = set(only_folder(home).iterdir())
    assert len(before - after) == len(after - before) == 1
    (new,) = after - before
    assert read(new.read_bytes(), "").recording.lines == 3
    with pytest.raises(Problem, match="still open"):
        kept(str(new))


def test_a_file_that_is_named_stays(home: Path) -> None:
    close(written("nop", "incl %eax")[1])
    named = home / "session.journal"
    only_journal().rename(named)
    session, journal, said = resume(str(named))
    assert said == ["  2 lines are back, up to step 2"]
    journal.follow(session)
    go_on(session, "nop")
    assert named.exists()
    assert read(only_journal().read_bytes(), "").recording.lines == 3


def test_old_journals_go_but_for_those_of_the_living(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "KEPT", 3)
    living = [written("nop")[1] for _ in range(2)]
    for _ in range(6):
        close(written("nop")[1])
        time.sleep(0.01)
    assert living
    assert len(list(only_folder(home).iterdir())) == 2 + 3


def test_a_damaged_journal_gives_what_can_be_read_and_stays(home: Path) -> None:
    close(written("nop", "incl %eax", "incl %ebx", "incl %ecx")[1])
    path = only_journal()
    path.write_bytes(path.read_bytes().replace(b"%ebx", b"%edx"))
    damaged = path.read_bytes()
    session, journal, said = resume(None)
    assert said == [
        "  2 lines are back, up to step 2",
        "  what came after them cannot be read: the journal is damaged from its line 4 on",
        f"  it is kept: {path}",
    ]
    journal.follow(session)
    go_on(session, "nop")
    assert path.read_bytes() == damaged
    assert len(list(only_folder(home).iterdir())) == 2


def test_a_line_that_does_something_else_now_is_told_and_the_journal_stays(home: Path) -> None:
    session, journal = written("nop", "incl %eax")
    session.machine.steps += 7  # as if another program had done it
    go_on(session, "incl %ebx")
    close(journal)
    path = only_journal()
    session, journal, said = resume(None)
    assert said == [
        "  2 lines are back, up to step 2",
        "  line 3 of the session does not do what it did: it leads to step 3, and led to step 10",
        f"  it is kept: {path}",
    ]
    journal.follow(session)
    go_on(session, "nop")
    assert path.exists()


def test_another_world_is_refused_in_one_sentence_and_nothing_is_lost(home: Path) -> None:
    session, journal = Session("bare"), Journal()
    session.recording.digest = "of another world"
    journal.follow(session)
    go_on(session, "nop")
    close(journal)
    before = only_journal().read_bytes()
    with pytest.raises(Problem, match="as it was in pagefault-lab"):
        resume(None)
    assert only_journal().read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe\n", b"{}\n", b"+si\n"])
def test_a_file_that_is_no_journal_is_told(home: Path, content: bytes) -> None:
    (home / "file").write_bytes(content)
    with pytest.raises(Problem, match="is no recorded session"):
        resume(str(home / "file"))


@pytest.mark.parametrize("name", ["missing", ".", "no\0name"])
def test_a_file_that_cannot_be_read_is_told(home: Path, name: str) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        resume(str(home / name))


def test_where_nothing_can_be_written_the_session_goes_on_and_that_is_told_once(home: Path) -> None:
    only_folder(home).parent.mkdir(parents=True)
    only_folder(home).write_text("a file is in the way")
    session, journal = written()
    told = [getattr(value, "text", "") for value in go_on(session, "nop", "nop")]
    (complaint,) = (text for text in told if "journal" in text)
    assert complaint.startswith("from here on, nothing is kept for later: no journal can be written: ")
    journal.end()
    assert not was_cut_off()


def test_where_there_is_no_folder_nothing_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "file"))
    session, journal = written("nop")
    journal.end()
    assert session.machine.steps == 1
    with pytest.raises(Problem, match="no session to resume"):
        kept(None)


def test_a_replay_needs_no_more_than_the_journal(home: Path) -> None:
    """Issue 5's submissions are the same text, in any folder."""
    session, journal = written("nop", "asm", "incl %eax", "end", "c")
    close(journal)
    found = read(only_journal().read_bytes(), "submission")
    again = Session(found.recording.world)
    assert len(list(replay(found.recording, again))) == 5
    assert state(again) == state(session)
