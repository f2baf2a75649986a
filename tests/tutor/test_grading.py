"""A submission earns what its lines do, the same everywhere; whatever is wrong with one costs its author only."""

import csv
import importlib.util
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from simulated_class import (
    LESSON,
    begun,
    careless,
    do,
    forged,
    handed_in,
    hostile_lines,
    small_lesson,
    take,
    type_lines,
)

import pagefault_lab
from pagefault_lab import commands, worlds
from pagefault_lab.lab.recording import Line, Recording
from pagefault_lab.machine.effort import EFFORT
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import GRADED, PARTLY, REFUSED, Grade, from_json, to_json
from pagefault_lab.tutor.grading.limits import DEFAULT, Limits
from pagefault_lab.tutor.grading.replaying import grade
from pagefault_lab.tutor.grading.worker import serve
from pagefault_lab.tutor.grading.workers import Job, Worker, grade_all, setup_of
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.tutor.submission import about, write
from pagefault_lab.tutor.variants import seed_of
from pagefault_lab.worlds import keep_ready

PACKAGE = Path(pagefault_lab.__path__[0])
SMALL = small_lesson()
FEW = DEFAULT._replace(instructions=300_000, values=3_000)
PROGRAM = "pagefault_lab.bridges.grader"


@pytest.fixture(autouse=True, scope="module")
def ready() -> Iterator[None]:
    """As in a worker, no file is looked at for a world; the tests of others find it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "_ready", {})
        keep_ready("linux")
        yield


def graded(data: bytes, limits: Limits = DEFAULT) -> Grade:
    return grade(data, "it.submission", {SMALL.key: SMALL}, limits)


# --- what is earned


@pytest.mark.parametrize("skill", [0, 0b1111, 0b0101, 0b0010])
def test_grading_finds_what_was_earned_when_it_was_taken(skill: int) -> None:
    attempt = take(SMALL, "Ada", skill)
    found = graded(write(attempt))
    assert (found.verdict, found.told, found.flags) == (GRADED, "", ())
    assert found.points == attempt.points
    assert [each.points for each in found.exercises] == [each.points for each in attempt.standings.values()]


def test_all_right_is_all_points_but_for_a_number_that_was_guessed() -> None:
    assert graded(write(take(SMALL, "Ada", 0b1111))).points == SMALL.points - 1


def test_hints_answers_and_wrong_turns_are_found() -> None:
    found = graded(write(take(SMALL, "Ada", 0)))
    number, touch, code, foresight = found.exercises
    assert (number.hints, number.wrong) == (1, "movl {number},%eax")
    assert number.remarks == ("Without the `$`, {number} is an address.",)
    assert (touch.wrong, touch.remarks) == ("movl {place},%eax", ("That was a read.",))
    assert code.wrong == "P"
    assert foresight.wrong.endswith("yes")


def test_what_was_earned_before_a_line_that_does_something_else_counts() -> None:
    attempt = begun(SMALL, "Ada")
    type_lines(attempt, f"movl ${attempt.values['number']},%eax", "nop", "lesson next")
    attempt.recording.inputs[1] = attempt.recording.inputs[1]._replace(steps=99)
    found = graded(write(attempt))
    assert (found.verdict, found.points) == (PARTLY, 1)
    assert found.told.startswith("line 2 of the session does not do what it did")
    assert found.told.endswith("what was earned before counts")


def test_the_points_in_a_file_are_not_looked_at() -> None:
    assert graded(forged(SMALL, "Eve", ["lesson next"])).points == 0


# --- what does not fit


def test_another_version_of_the_lesson_is_refused() -> None:
    changed = write(take(SMALL, "Ada", 1)).replace(SMALL.digest.encode(), b"0" * 32)
    assert graded(changed).verdict == REFUSED  # the crc is not right any more
    other = begun(SMALL, "Ada")
    other.recording.lesson["digest"] = "0" * 32
    assert graded(write(other)).told == "it is of another version of the lesson small-class"


def test_another_version_of_the_lesson_is_graded_and_marked_if_that_is_asked_for() -> None:
    solved = take(SMALL, "Ada", 1)
    expected = graded(write(solved)).points
    solved.recording.lesson["digest"] = "0" * 32
    found = grade(write(solved), "file", {SMALL.key: SMALL}, DEFAULT._replace(any_version=True))
    assert (found.verdict, found.points) == (GRADED, expected)
    assert "it was made with another version of the lesson" in found.flags


def test_another_lesson_is_refused() -> None:
    other = begun(SMALL, "Ada")
    other.recording.lesson["key"] = "unheard-of"
    assert graded(write(other)).told == "it is of the lesson unheard-of, and graded is small-class"


def test_another_seed_than_the_students_own_is_flagged() -> None:
    assert graded(forged(SMALL, "Eve", [], seed=seed_of("Ada", SMALL.key))).flags == (
        "its seed is not the student's own: it is another variant of the lesson",
    )
    assert graded(forged(SMALL, "  EVE ".strip(), [], seed=seed_of("Eve", SMALL.key))).flags == ()


def test_another_world_is_refused() -> None:
    recording = Recording("bare", digest="0" * 32, lesson=about(SMALL, "Eve", "x"))
    attempt = begun(SMALL, "Eve")
    attempt.recording, recording.lesson = recording, attempt.recording.lesson
    assert "begun in the world bare" in graded(write(attempt)).told
    recording.world = "linux"
    assert graded(write(attempt)).verdict == REFUSED


def test_a_mark_before_the_text_and_other_ends_of_lines_are_no_harm() -> None:
    data = write(take(SMALL, "Ada", 1))
    for each in (b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")):
        assert graded(each) == graded(data)
    assert graded(b"\xef\xbb\xbf" + data[:-40]).claimed == "Ada"


@pytest.mark.parametrize("seed", ["\ud83d", "x" * 100_000, "", "\0"])
def test_any_seed_is_one(seed: str) -> None:
    found = graded(forged(SMALL, "Eve", ["lesson hint"], seed=seed))
    assert (found.verdict, found.certain) == (PARTLY, True)


def test_one_name_that_is_written_in_two_ways_is_one_student() -> None:
    written = [graded(write(take(SMALL, name, 0))) for name in ("Zo\u00eb", " zoe\u0308 ", "ZO\u00cb")]
    assert len({each.identity for each in written}) == 1
    assert not any(each.flags for each in written)


CONTINUING = """\
+++
format = 1
key = "continuing"
title = "Continuing"
+++
```task
id = "first"
points = 1
goal = "eax == 5"
answer = "movl $5,%eax"
```

```task
id = "second"
points = 2
goal = "ebx == eax + 1 && ebx"
continues = true
answer = "leal 1(%eax),%ebx"
```

```task
id = "third"
points = 4
goal = "ecx == ebx"
continues = true
answer = "movl %ebx,%ecx"
```

```task
id = "alone"
points = 8
goal = "edx == 1"
answer = "movl $1,%edx"
```
"""


@pytest.mark.parametrize("corrected", ["eax == 6", "eax == 5 && edx == 9"])
@pytest.mark.parametrize("behind", ["p 1", "movl $7,%eax", "1: jmp 2f; 2: nop"])
def test_a_goal_that_was_corrected_costs_what_it_was_worth_and_what_cannot_be_had_without_it(
    corrected: str, behind: str
) -> None:
    lesson = read_lesson(CONTINUING, "continuing.md")
    attempt = begun(lesson, "Ada")
    type_lines(attempt, "movl $5,%eax", behind, "lesson next", "leal 1(%eax),%ebx", "lesson next", "movl %ebx,%ecx")
    type_lines(attempt, "lesson next", "movl $1,%edx")
    assert attempt.points == 15
    other = read_lesson(CONTINUING.replace("eax == 5", corrected), "continuing.md")
    any_version = DEFAULT._replace(any_version=True)
    found = grade(write(attempt), "it", {lesson.key: other}, any_version)
    assert (found.verdict, [each.points for each in found.exercises]) == (GRADED, [0, 2, 4, 8])
    assert [flag for flag in found.flags if "not solved any more" in flag] == [
        f"{task} continues a task that is not solved any more: it was repeated as far as that goes"
        for task in ("second", "third")
    ]
    assert grade(write(attempt), "it", {lesson.key: lesson}, any_version).flags == ()
    assert grade(write(attempt), "it", {lesson.key: other}, DEFAULT).verdict == REFUSED


def test_in_the_same_version_nothing_begins_before_what_it_continues_is_solved() -> None:
    lesson = read_lesson(CONTINUING, "continuing.md")
    data = forged(lesson, "Eve", ["lesson next", "lesson goto second", "movl $1,%ebx"])
    found = grade(data, "it", {lesson.key: lesson}, DEFAULT)
    assert (found.verdict, found.points) == (PARTLY, 0)
    other = read_lesson(CONTINUING.replace("eax == 5", "eax == 6"), "continuing.md")
    assert grade(data, "it", {lesson.key: other}, DEFAULT._replace(any_version=True)).points <= 2


def test_files_that_are_not_as_they_were_written_are_refused() -> None:
    for data in careless(SMALL, "Ada"):
        found = graded(data)
        assert (found.verdict, found.points, found.student) == (REFUSED, 0, "")
        assert found.told


# --- what takes too much


def many(line: str, count: int = 600) -> bytes:
    """A line that is repeated, with the steps that it comes to."""
    attempt = begun(SMALL, "Eve")
    steps = [attempt.session.machine.steps]
    for _ in range(2):
        with suppress(Exception):
            do(attempt.execute(line))
        steps.append(attempt.session.machine.steps)
    first, each = steps[1], steps[2] - steps[1]
    return forged(SMALL, "Eve", [Line(line, first + each * number) for number in range(count)])


@pytest.mark.parametrize("line", sorted(hostile_lines()))
def test_whatever_a_line_does_it_ends_soon_and_at_the_same_place(line: str) -> None:
    data = many(line) if not line.startswith(("p \ud800", "lesson")) else forged(SMALL, "Eve", [line] * 600)
    spent = []
    for _ in range(2):
        before = EFFORT.spent
        found = graded(data, FEW)
        spent.append(EFFORT.spent - before)
        assert found.points == 0
        assert "fails on it" not in found.told
        assert found.certain
        assert found.told.encode().decode().isprintable()
    assert spent[0] == spent[1] < 2 * FEW.instructions


def test_breakpoints_whose_commands_go_on_end_too() -> None:
    lines = ["b *$eip", "commands 1", ".rept 100000; nop; .endr", "c", "end"]
    attempt = begun(SMALL, "Eve")
    type_lines(attempt, *lines)
    steps = attempt.session.machine.steps
    loop = [Line(line, steps) for line in lines] + [Line("jmp .", steps)] * 500
    found = graded(forged(SMALL, "Eve", list(loop)), FEW)
    assert found.points == 0


def test_too_many_values_are_too_many() -> None:
    data = forged(SMALL, "Eve", [Line("display 1", 0)] * 200)
    attempt = begun(SMALL, "Eve")
    steps = attempt.session.machine.steps
    data = forged(SMALL, "Eve", [Line("display 1", steps)] * 200 + [Line("set $a = 1", steps)] * 50)
    assert graded(data, DEFAULT._replace(values=3_000)).told == "its lines tell more than 3,000 values"


def test_too_many_lines_are_too_many() -> None:
    assert "more than 10" in graded(forged(SMALL, "Eve", ["nop"] * 11), DEFAULT._replace(lines=10)).told


# --- no door to the computer that grades

_reached: list[str] = []
_armed = False


def _tripwire(event: str, arguments: tuple[Any, ...]) -> None:
    if not _armed:
        return
    if event == "open":
        path, _, flags = arguments
        place = os.fsdecode(path) if not isinstance(path, int) else ""
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ours = place.startswith((str(PACKAGE), sys.prefix, sys.base_prefix))
        if place and (writes or not ours) and not place.endswith(".pyc"):
            _reached.append(f"{event} {place}")
    elif event.startswith(("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.", "ctypes.")):
        _reached.append(event)


sys.addaudithook(_tripwire)


@contextmanager
def armed() -> Iterator[None]:
    global _armed
    _reached.clear()
    _armed = True
    try:
        yield
    finally:
        _armed = False


def lines_with_files(spelling: str) -> Iterator[str]:
    yield spelling
    for file in ("/etc/passwd", '"/etc/passwd"', "~/x.s", "~root/x.s", "../x.s", "/etc/x.c", "x.o", "/tmp/x.svg"):
        yield f"{spelling} {file}"
    yield f"{spelling} on /tmp/x"
    yield f"{spelling} html /tmp/x.html"
    yield f"{spelling} walk user_heap /tmp/x.svg"


@pytest.mark.parametrize("spelling", sorted(commands.spellings()))
def test_no_command_reaches_for_a_file_or_a_program_while_it_is_graded(spelling: str) -> None:
    for line in lines_with_files(spelling):
        for contents in ((), (b"nop\n",)):
            data = forged(SMALL, "Eve", [line], contents=contents)
            with armed():
                found = graded(data, FEW)
            assert _reached == [], line
            assert "fails on it" not in found.told, (line, found.told)


@pytest.mark.parametrize("line", ['.include "/etc/passwd"', '.incbin "/etc/passwd"', "asm"])
def test_no_directive_does(line: str) -> None:
    with armed():
        graded(forged(SMALL, "Eve", [line, '.incbin "/etc/passwd"', "end"], contents=(b"x",)))
    assert _reached == []


def test_the_tripwire_would_notice() -> None:
    with armed():
        Path("/etc/passwd").read_bytes()
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert "open /etc/passwd" in _reached
    assert "subprocess.Popen" in _reached


FENCED = """
import sys
from pathlib import Path
from pagefault_lab.tutor.grading import fence
fence.close([Path(sys.argv[1])])
open(sys.argv[1] + "/inside").read()
try:
    exec(sys.argv[2])
except fence.Fenced:
    print("fenced")
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/hostname')", "open(sys.argv[1] + '/inside', 'a')", "Path(sys.argv[1], 'new').write_text('')",
        "import subprocess; subprocess.run(['true'])", "import os; os.system('true')", "import os; os.fork()",
        "import socket; socket.create_connection(('127.0.0.1', 1))", "import os; os.remove(sys.argv[1] + '/inside')",
        "import os; os.execv('/bin/true', ['true'])", "import ctypes; ctypes.CDLL(None)",
        "import os; os.symlink('/etc', sys.argv[1] + '/l')", "import os; os.kill(1, 0)",
    ],
)  # fmt: skip
def test_the_fence_around_the_process_holds(attempt: str, tmp_path: Path) -> None:
    (tmp_path / "inside").write_text("")
    words = [sys.executable, "-c", FENCED, str(tmp_path), attempt]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
    assert done.stdout == "fenced\n", done.stderr


# --- workers


def test_a_worker_finds_what_is_found_here() -> None:
    worker = Worker(PROGRAM, setup_of([SMALL], DEFAULT), DEFAULT)
    try:
        for number in (0, 3, 44, 48):
            data = handed_in(SMALL, number)
            assert worker.grade(Job("it.submission", data)) == graded(data)
    finally:
        worker.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory and time are not limited in the same way")
def test_memory_and_time_have_an_end() -> None:
    fill = forged(SMALL, "Eve", [".fill 60000000"])
    for limits, data, told in (
        (DEFAULT._replace(memory=1), fill, "it takes more than 1 MiB of memory"),
        (DEFAULT._replace(seconds=1), many("jmp .", 900), "it takes more than 1 second of processor time"),
    ):
        worker = Worker(PROGRAM, setup_of([SMALL], limits), limits)
        try:
            found = worker.grade(Job("it", data))
            assert (found.told, found.certain) == (told, False)
            assert worker.grade(Job("it", careless(SMALL, "x")[2])).told.startswith("it is no submission")
        finally:
            worker.stop()


def test_a_worker_says_why_it_cannot_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    told = io.BytesIO()
    serve(io.BytesIO(setup_of([SMALL], FEW)), told)
    why = "it needs a folder for temporary files: No such file or directory"
    assert json.loads(told.getvalue()) == {"failed": why}
    (tmp_path / "it_ends.py").write_text(f"def main(): print({told.getvalue().decode().strip()!r})")
    (tmp_path / "it_is_silent.py").write_text("def main(): pass")
    monkeypatch.syspath_prepend(tmp_path)
    for program, hint in (("it_ends", why), ("it_is_silent", "it has ended")):
        with pytest.raises(Problem, match="a process that grades could not be started") as raised:
            Worker(program, b"\n", FEW).grade(Job("it", b""))
        assert raised.value.hint == hint


def test_a_worker_that_dies_costs_one_submission() -> None:
    worker = Worker("signal", setup_of([SMALL], DEFAULT), DEFAULT)
    with pytest.raises(Problem, match="could not be started"):
        worker.grade(Job("it", b""))
    worker = Worker(PROGRAM, setup_of([SMALL], DEFAULT), DEFAULT)
    try:
        assert worker.grade(Job("it", handed_in(SMALL, 1))).verdict == GRADED
        for process in (worker._process,):
            assert process is not None
            process.kill()
            process.wait()
        assert worker.grade(Job("it", handed_in(SMALL, 1))).verdict == GRADED
    finally:
        worker.stop()


def test_jobs_are_shared_out_and_none_is_lost() -> None:
    setup = setup_of([SMALL], DEFAULT)
    jobs = [Job(f"{number}", careless(SMALL, "x")[2]) for number in range(20)]
    found = list(grade_all(iter(jobs), lambda: Worker(PROGRAM, setup, DEFAULT), 2))
    assert sorted(job.file for job, _ in found) == sorted(job.file for job in jobs)
    assert all(job.file == found.file for job, found in found)


def test_a_grade_survives_json() -> None:
    found = graded(write(take(SMALL, "Ada", 0)))
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


# --- the program


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a small class has handed in."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "small-class.md").write_text(LESSON, "utf-8")
    submissions = folder / "submissions"
    (submissions / "late").mkdir(parents=True)
    for number in (0, 1, 3, 41, 44, 45, 46, 47, 49):
        (submissions / f"{number:03}.submission").write_bytes(handed_in(SMALL, number))
    (submissions / "late" / "001.submission").write_bytes(write(take(SMALL, "student 001", 0)))
    (submissions / "formula.submission").write_bytes(write(take(SMALL, '=HYPERLINK("x")', 0)))
    (submissions / "markup.submission").write_bytes(write(take(SMALL, "<b>|`*_[x](y)&", 1)))
    (submissions / ".hidden").write_bytes(b"x")
    return folder


def run(folder: Path, out: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pagefault_lab", "grade", "--submissions", "submissions", "-o", out]
    return subprocess.run(
        [*command, *words, "small-class.md"], cwd=folder, capture_output=True, encoding="utf-8", errors="replace",
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment}, check=False,
    )  # fmt: skip


def reports(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(".")}


@pytest.fixture(scope="module")
def first_run(class_folder: Path) -> subprocess.CompletedProcess[str]:
    return run(class_folder, "first", "--jobs", "1")


def test_a_class_is_graded(class_folder: Path, first_run: subprocess.CompletedProcess[str]) -> None:
    assert first_run.returncode == 1, first_run.stderr
    assert first_run.stderr == ""
    assert "12 submissions, 2 graded in part, 3 not at all, 1 replaced by a better one" in first_run.stdout
    assert max(map(len, first_run.stdout.splitlines())) <= 80
    names = set(reports(class_folder / "first"))
    assert {"grades.csv", "grades.json", "junit.xml", "report.md"} <= names
    assert len([name for name in names if name.startswith("results/student-001-")]) == 1


def test_reports_are_the_same_whatever_the_computer_is_like(
    class_folder: Path, first_run: subprocess.CompletedProcess[str]
) -> None:
    environment = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo", "COLUMNS": "200", "HOME": "/nowhere"}
    for name in ("results.json", "results/of-an-earlier-run.json"):
        (class_folder / "again" / name).parent.mkdir(parents=True, exist_ok=True)
        (class_folder / "again" / name).write_text("{}")
    again = run(class_folder, "again", "--jobs", "2", **environment)
    assert again.returncode == first_run.returncode
    assert reports(class_folder / "again") == reports(class_folder / "first")
    text = b"".join(reports(class_folder / "first").values())
    for word in (str(class_folder), os.uname().nodename if hasattr(os, "uname") else "no name", "/tmp/"):
        assert word.encode() not in text


def test_reports_can_be_read_by_programs(class_folder: Path, first_run: subprocess.CompletedProcess[str]) -> None:
    found = reports(class_folder / "first")
    rows = list(csv.DictReader(io.StringIO(found["grades.csv"].decode())))
    assert [row["student"] for row in rows if row["student"].startswith("'=")] == ['\'=HYPERLINK("x")']
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert sum(int(row["points"]) for row in rows if row["student"] == "Student 001") == int(rows[1]["of"]) - 1 or rows
    everything = json.loads(found["grades.json"])
    assert len(everything["submissions"]) == 12
    assert sum(not each["counts"] for each in everything["submissions"]) == 1
    suites = ElementTree.fromstring(found["junit.xml"])
    for suite in suites:
        assert len(suite) == int(suite.attrib["tests"])
        assert len(suite.findall("*/failure")) == int(suite.attrib["failures"])
        assert len(suite.findall("*/error")) == int(suite.attrib["errors"])
    for name, data in found.items():
        if name.startswith("results/"):
            result = json.loads(data)
            assert result["score"] == sum(test["score"] for test in result["tests"])
    assert "<b>" not in found["report.md"].decode().replace("`` <b>", "")


def test_the_report_tells_what_went_wrong(class_folder: Path, first_run: subprocess.CompletedProcess[str]) -> None:
    report = reports(class_folder / "first")["report.md"].decode()
    assert re.search(r"- told to \d students: Without the \\`\$\\`, \\{number\\} is an address\.\n", report)
    assert re.search(r"- the first mistake of \d students: `movl \{number\},%eax`\n", report)
    assert "12 submissions, 2 graded in part, 3 not at all" in report


def test_one_is_counted_as_one(class_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "upload").write_bytes(handed_in(SMALL, 0))
    run(class_folder, str(tmp_path / "out"), "--submissions", str(tmp_path / "submission"))
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# Grades\n\n1 submission.\n")
    assert "\n1 student, " in report
    assert not re.search(r"\b1 (students|points|lines)\b", report)


def test_a_file_that_is_damaged_goes_by_its_own_name_and_by_what_its_beginning_says() -> None:
    honest = write(take(SMALL, "Ada", 0))
    for data in (honest[:-30], honest.replace(b'"movl', b'"movw', 1), honest.replace(b'"Ada"', b'"Eve"', 1)):
        found = graded(data)
        claimed = "Eve" if b"Eve" in data else "Ada"
        assert (found.verdict, found.student, found.claimed) == (REFUSED, "", claimed)
        assert found.name == f"{claimed} (unverified), it.submission"
        assert found.identity == (  # so that it takes nobody's place
            "", "file it.submission",
        )  # fmt: skip
    for data in (b"", b"%PDF-1.4\n", honest[:40], b'{"recording": 1, "lesson": {"student": ["Ada"]}}\n', b"[" * 20_000):
        assert graded(data).name == "it.submission"
    assert graded(b'{"recording": 1, "lesson": {"student": "\\u202e=1\\n"}}\n').claimed == "\ufffd=1"


def test_the_best_submission_of_a_student_counts(
    class_folder: Path, first_run: subprocess.CompletedProcess[str]
) -> None:
    everything = json.loads(reports(class_folder / "first")["grades.json"])["submissions"]
    both = [each for each in everything if each["student"].casefold() == "student 001"]
    assert [each["counts"] for each in sorted(both, key=lambda each: -each["points"])] == [True, False]


def test_a_single_submission_is_graded_as_gradescope_wants_it(class_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "upload").write_bytes(handed_in(SMALL, 3))
    done = run(class_folder, str(tmp_path / "results"), "--submissions", str(tmp_path / "submission"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "results" / "results.json").read_text())["score"] == SMALL.points - 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_broken_off_goes_on(
    class_folder: Path, first_run: subprocess.CompletedProcess[str], number: signal.Signals
) -> None:
    out = class_folder / f"broken-{number.name}"
    command = [sys.executable, "-m", "pagefault_lab", "grade", "small-class.md", "--submissions", "submissions"]
    started = subprocess.Popen(
        [*command, "-o", str(out), "--jobs", "1"], cwd=class_folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)}, text=True,
    )  # fmt: skip
    kept = out / ".finished"
    end = time.monotonic() + 60
    while len(list(kept.glob("*.json"))) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    started.send_signal(number)
    _, said = started.communicate()
    assert started.returncode == (130 if number == signal.SIGINT else -9)
    if number == signal.SIGINT:
        assert re.search(r"stopped: \d+ of 12 submissions are graded\n  the same command with --resume goes on", said)
    before = {path: path.stat().st_mtime_ns for path in kept.glob("*.json")}
    assert 3 <= len(before) < 12
    done = run(class_folder, str(out), "--resume")
    assert done.returncode == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert reports(out) == reports(class_folder / "first")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--submissions", "nowhere"], "there is no folder nowhere"),
        (["--submissions", "submissions", "-o", "./submissions/"], "submissions is where the submissions are"),
        (["--jobs", "0"], "not a number of processes"),
        (["nothing.md"], "there is no lesson nothing.md"),
        (["./small-class.md"], "have the same key small-class"),
    ],
)
def test_what_cannot_be_used_is_said(class_folder: Path, words: list[str], said: str) -> None:
    done = run(class_folder, "unused", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="dask is not installed")


@needs_dask
def test_a_dask_cluster_finds_the_same(
    class_folder: Path, first_run: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    quiet = {"cwd": tmp_path, "env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    where = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(where)], **quiet,
    )  # fmt: skip
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(where), "--nthreads", "2",
         "--no-dashboard", "--nworkers", "1"], **quiet,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        address = ""
        while not address and time.monotonic() < end:
            with suppress(OSError, ValueError):
                address = json.loads(where.read_text())["address"]
            time.sleep(0.1)
        done = run(class_folder, "dask", "--dask", address)
        assert done.returncode == 1, done.stderr
        assert reports(class_folder / "dask") == reports(class_folder / "first")
    finally:
        worker.terminate()
        scheduler.terminate()
        worker.wait()
        scheduler.wait()


@needs_dask
@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:1", "x y"])
def test_a_cluster_that_is_not_there_is_one_problem(class_folder: Path, address: str) -> None:
    done = run(class_folder, "unused", "--dask", address)
    assert done.returncode == 2
    assert "no Dask cluster answers" in done.stderr
    assert "Traceback" not in done.stderr
