"""`pagefault-lab lesson new`, `update` and `check` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagefault_lab.terminal.entry import enter
from pagefault_lab.terminal.lesson_tools import update
from pagefault_lab.tutor import proving


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new lesson, in the present folder."""
    monkeypatch.chdir(tmp_path)
    assert enter(["lesson", "new", "01-mine.md"]) == 0
    assert "pagefault-lab lesson check 01-mine.md" in capsys.readouterr().out
    return Path("01-mine.md")


def test_a_new_lesson_passes_the_check(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["lesson", "check", str(lesson)]) == 0
    assert "✓ 01-mine.md: 23 proofs hold" in capsys.readouterr().out


def test_new_replaces_nothing(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson.write_text("mine")
    assert enter(["lesson", "new", str(lesson)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert lesson.read_text() == "mine"


def test_update_changes_only_what_commands_say_and_nothing_the_second_time(
    lesson: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = lesson.read_bytes()
    stale = right.replace(b"walk 0x0804c000: directory", b"walk: directory").replace(b"  TLB: does not hold", b"  TLB:")
    assert stale != right
    lesson.write_bytes(stale)
    assert enter(["lesson", "check", str(lesson)]) == 1
    assert "01-mine.md:38:1: read-only::show 1: this is not what the command says" in capsys.readouterr().out
    assert enter(["lesson", "update", str(lesson)]) == 0
    assert "1 of 1 show blocks changed" in capsys.readouterr().out
    assert lesson.read_bytes() == right
    assert enter(["lesson", "update", str(lesson)]) == 0
    assert "0 of 1 show blocks changed" in capsys.readouterr().out
    assert lesson.read_bytes() == right
    assert [path.name for path in Path().iterdir()] == ["01-mine.md"]


def test_update_keeps_the_ends_of_lines(lesson: Path) -> None:
    right = lesson.read_bytes().replace(b"\n", b"\r\n")
    lesson.write_bytes(right.replace(b"  TLB: does not hold", b"  TLB:"))
    assert enter(["lesson", "update", str(lesson)]) == 0
    assert lesson.read_bytes() == right


def test_update_leaves_the_file_as_it_was_if_it_cannot_finish(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = lesson.read_bytes().replace(b"  TLB: does not hold", b"  TLB:")
    lesson.write_bytes(stale)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(update.os, "replace", fail)
    assert enter(["lesson", "update", str(lesson)]) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert lesson.read_bytes() == stale
    assert [path.name for path in Path().iterdir()] == ["01-mine.md"]


@pytest.mark.parametrize(
    ("command", "budget", "said"),
    [
        ("jmp .", 100_000, "this line was broken off: it takes more than 100,000 instructions"),
        ("jmp .", 100_000_000, "the lines of this lesson take too long, and were given up"),
        ("x/65536xb 0xc0100000", 100_000, "the command says more than 1,000 lines, which is too much"),
    ],
)
def test_a_command_that_never_ends_or_says_too_much_changes_no_lesson(
    command: str,
    budget: int,
    said: str,
    lesson: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(proving, "MOST_EFFORT", 1_000_000)
    text = lesson.read_text("utf-8").replace("budget = 100_000 ", f"budget = {budget} ")
    lesson.write_text(text.replace("walk user_heap write", command), "utf-8")
    before = lesson.read_bytes()
    assert enter(["lesson", "update", str(lesson)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("01-mine.md:")
    assert said in complaint
    assert lesson.read_bytes() == before


def test_a_command_that_says_too_much_is_not_proved_either(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson.write_text(lesson.read_text("utf-8").replace("walk user_heap write", "x/65536xb 0xc0100000"), "utf-8")
    assert enter(["lesson", "check", "--seeds", "1", str(lesson)]) == 1
    assert "says more than 1,000 lines" in " ".join(capsys.readouterr().out.split())


def test_a_lesson_that_cannot_be_read_is_named_once(capsys: pytest.CaptureFixture[str], lesson: Path) -> None:
    lesson.write_bytes(b" " * (3 << 20))
    assert enter(["lesson", "update", str(lesson)]) == 2
    assert capsys.readouterr().err == "01-mine.md is too large\n  at most 2 MiB\n"


def test_check_says_each_cause_once_and_what_was_expected(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson.write_text(lesson.read_text("utf-8").replace("movl $user_heap,%ebx", "movl $user_heap,%ebz"), "utf-8")
    assert enter(["lesson", "check", "--seeds", "2", str(lesson)]) == 1
    out = capsys.readouterr().out
    assert out.count("01-mine.md:24:17: read-only::begin: there is no register %ebz") == 1
    assert out.count("there is no register %ebz") == 1
    assert "proofs failed" in out


@pytest.mark.parametrize(
    ("before", "after", "proof"),
    [
        ("movl ${{/x $place }},%ebx", "nop", "map-it::answer:"),
        ("movl ${{/x $place }},%ebx", "movl $user_heap + 0x2000,%ebx", "map-it::seed "),  # right for one seed
    ],
)
def test_check_tells_of_one_seed_what_is_so_of_others(
    before: str, after: str, proof: str, lesson: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson.write_text(lesson.read_text("utf-8").replace(before, after), "utf-8")
    assert enter(["lesson", "check", str(lesson)]) == 1
    told = capsys.readouterr().out
    assert told.count("the answer does not solve the task") == 1, told
    assert proof in told


def test_check_as_json_is_the_same_each_time(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson.write_text(lesson.read_text("utf-8").replace("earns = 3", "earns = 2"), "utf-8")
    told = []
    for _ in range(2):
        assert enter(["lesson", "check", "--json", str(lesson)]) == 1
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    finding, proved = map(json.loads, told[0].splitlines())
    assert (finding["kind"], finding["proof"], finding["expected"]) == ("finding", "map-it::wrong 1", "2 of 5 points")
    assert (proved["kind"], proved["failed"], proved["proofs"]["wrong"]) == ("lesson_proved", 1, 2)


def test_a_file_that_is_no_lesson_and_one_that_is_not_there_are_told_apart(
    lesson: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson.write_text("no front matter")
    assert enter(["lesson", "check", str(lesson)]) == 1
    assert "01-mine.md:1:1: " in capsys.readouterr().out
    assert enter(["lesson", "check", "nowhere.md"]) == 2
