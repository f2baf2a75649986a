"""The plugin of pytest: a lesson's proofs as tests, in runs of pytest in folders of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pagefault_lab.terminal.lesson_tools.new import lesson_called

PLUGIN = "pagefault_lab.bridges.pytest_plugin"


@pytest.fixture
def lessons(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one lesson, other Markdown, and a test of another kind."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # where the lab is installed, its entry point loads it
    folder = pytester.mkdir("lessons")
    (folder / "01-mine.md").write_text(lesson_called("01-mine"), "utf-8")
    (folder / "README.md").write_text("# Lessons\n\n```task\nnothing\n```\n")
    (folder / "page.md").write_text('+++\ntitle = "A page of a site"\n+++\n\nformat = 1\n')
    (folder / "test_other.py").write_text("def test_other(): pass\n")
    return folder


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", PLUGIN, "-p", "no:cacheprovider", *words)


def test_every_proof_is_a_test(pytester: pytest.Pytester, lessons: Path) -> None:
    result = run(pytester, "-v", "lessons")
    result.assert_outcomes(passed=23 + 1)
    result.stdout.fnmatch_lines_random(
        [
            "lessons/01-mine.md::map-it::answer PASSED*",
            "lessons/01-mine.md::map-it::without line 2 PASSED*",
            "lessons/01-mine.md::map-it::wrong 1 PASSED*",
            "lessons/01-mine.md::map-it::seed * PASSED*",
            "lessons/01-mine.md::read-only::show 1 PASSED*",
        ]
    )


def test_one_of_them_can_be_named(pytester: pytest.Pytester, lessons: Path) -> None:
    run(pytester, "lessons/01-mine.md::map-it::without line 2").assert_outcomes(passed=1)
    run(pytester, "lessons/01-mine.md::which-entry").assert_outcomes(passed=2)


def test_a_proof_that_fails_is_told_without_a_traceback(pytester: pytest.Pytester, lessons: Path) -> None:
    lesson = lessons / "01-mine.md"
    lesson.write_text(lesson.read_text("utf-8").replace("earns = 3", "earns = 2"), "utf-8")
    result = run(pytester, "lessons/01-mine.md::map-it")
    result.assert_outcomes(failed=1, passed=15)
    result.stdout.fnmatch_lines(["*expected: 2 of 5*"])
    told = "".join(result.stdout.str().split())  # a place is as long as the folder's name makes it
    assert re.search(r"01-mine\.md:\d+:1:map-it::wrong1:thiswronganswerearns3", told)
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")


def test_a_lesson_that_cannot_be_read_is_an_error_with_its_place(pytester: pytest.Pytester, lessons: Path) -> None:
    (lessons / "01-mine.md").write_text('+++\nformat = 1\nkey = "Mine"\ntitle = "Mine"\n+++\n')
    result = run(pytester, "lessons")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*01-mine.md:3: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_it_costs_nothing_where_there_are_no_lessons() -> None:
    script = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("pagefault_lab")}
    assert loaded == {"pagefault_lab", "pagefault_lab.bridges", PLUGIN, "pagefault_lab.problem"}


def test_several_processes_prove_it_together(pytester: pytest.Pytester, lessons: Path) -> None:
    result = run(pytester, "-p", "xdist", "-n", "2", "-v", "-k", "hint or without", "lessons/01-mine.md")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines_random(["*[[]gw?[]]*PASSED lessons/01-mine.md::map-it::without line 2*"])


@pytest.mark.parametrize("seeds", ["0", "many"])
def test_a_number_of_seeds_is_one(seeds: str, pytester: pytest.Pytester, lessons: Path) -> None:
    for words in (["--lesson-seeds", seeds], ["-o", f"lesson_seeds={seeds}"]):
        result = run(pytester, *words, "lessons")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*'{seeds}' is not a number of seeds"])


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="there is no file that nobody can read")
def test_a_file_that_cannot_be_read_may_be_a_lesson(lessons: Path, pytester: pytest.Pytester) -> None:
    lesson = lessons / "01-mine.md"
    lesson.unlink()
    lesson.symlink_to("/proc/self/mem")  # at whose beginning even root reads nothing
    result = run(pytester, "lessons")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*01-mine.md cannot be read: *"])


def test_a_project_says_how_many_seeds_are_tried(pytester: pytest.Pytester, lessons: Path) -> None:
    def seeds(result: pytest.RunResult) -> int:
        return sum("::seed " in line for line in result.outlines)

    every = seeds(run(pytester, "--collect-only", "-q", "lessons"))
    pytester.makeini("[pytest]\nlesson_seeds = 2")
    assert seeds(run(pytester, "--collect-only", "-q", "lessons")) < every
    assert seeds(run(pytester, "--collect-only", "-q", "--lesson-seeds", "20", "lessons")) == every
