"""`pagefault-lab trace FILE.s`, and `trace on` in a script: the steps of a program for people and for programs."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("home")

# at CPL 3: a repeated string, a system call, and a push for which the kernel lets the stack grow
PROGRAM = """
        nop                     # not where it begins
_start: movl $3, %ecx
        movl %esp, %edi
        subl $16, %edi
        rep stosb
        movl $20, %eax
        int $0x80
        andl $0xfffff000, %esp
        pushl %eax
"""
OWN = 8 + 2 + 1  # its steps: three iterations for one, and the push a second time


def lab(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program with this on its standard input."""
    command = [sys.executable, "-m", "pagefault_lab", *arguments]
    return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, timeout=120)


@pytest.fixture
def program(home: Path) -> str:
    path = home / "program.s"
    path.write_text(PROGRAM)
    return str(path)


@pytest.fixture
def endless(home: Path) -> str:
    path = home / "endless.s"
    path.write_text("1: incl %eax\njmp 1b\n")
    return str(path)


def steps_told(done: subprocess.CompletedProcess[str]) -> int:
    """How many steps the run says that it made."""
    found = re.search(r"ran ([\d,]+) steps", done.stderr)
    assert found is not None, done.stderr
    return int(found[1].replace(",", ""))


def values(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def traced(text: str) -> list[dict[str, Any]]:
    """The steps of a trace in JSON Lines, behind its heading."""
    heading, *steps = values(text)
    assert heading["kind"] == "trace"
    return steps


# --- pagefault-lab trace


def test_a_line_at_the_margin_is_a_step_and_the_others_are_indented(program: str) -> None:
    done = lab("trace", program)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    steps = [line for line in lines if not line.startswith(" ")]
    assert all(re.match(r"0x[0-9a-f]{8}  \S", line) for line in steps)
    assert len(steps) == steps_told(done) > 100
    assert re.match(r"0x\w+  b9 03 00 00 00     movl \$0x3,%ecx  # ecx: 0x\w+->0x3$", steps[0])
    fault = next(place for place, line in enumerate(lines) if line.startswith("  #PF"))
    assert lines[fault - 1].endswith("pushl %eax")
    assert "<page_fault>, CPL 3->0" in lines[fault + 1]
    assert "the end of the typed code" in done.stderr


def test_json_is_one_object_a_step_in_their_order(program: str) -> None:
    done = lab("trace", "--json", program)
    found = traced(done.stdout)
    assert [each["number"] for each in found] == list(range(steps_told(done)))
    assert {each["kind"] for each in found} == {"step"}
    assert found[0]["instruction"]["bytes"] == "b903000000"
    fault = next(each for each in found if each["end"] == "interrupted")
    assert fault["fault"]["words"] == "user, write, not-present"
    kinds = [event["kind"] for event in fault["events"]]
    assert kinds[-2:] == ["page_walk", "delivery"]
    assert fault["events"][-2]["lookups"][-1]["level"] == "PTE"


def test_user_leaves_out_the_kernel(program: str) -> None:
    done = lab("trace", "--json", "--user", program)
    texts = [each["text"] for each in traced(done.stdout)]
    assert len(texts) == OWN
    assert texts.count("pushl %eax") == 2


def test_words_choose_steps_as_they_do_at_the_prompt(program: str) -> None:
    done = lab("trace", "--json", "--only", "faults,interrupts", "--ring", "3", "--range", "_start..+64", program)
    assert [each["text"] for each in traced(done.stdout)] == ["int $0x80", "pushl %eax"]
    done = lab("trace", "--json", "--only", "writes", "--touching", "0xbfffeffc..+4", "--user", program)
    assert [each["text"] for each in traced(done.stdout)] == ["pushl %eax"]
    heading = values(done.stdout)[0]
    assert (heading["kinds"], heading["rings"], heading["touched"]) == (["writes"], [3], [[0xBFFFEFFC, 0xBFFFF000]])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "faults,wirtes"], "'wirtes' is none of faults, interrupts"),
        (["--ring", "4"], "invalid choice: '4'"),
        (["--range", "_start"], "is not START..END"),
        (["--range", "nowhere..+4"], "nowhere is not defined"),
        (["--html", "page.html", "-o", "steps.txt"], "not allowed with"),
    ],
)
def test_words_that_choose_nothing_are_refused(program: str, words: list[str], sentence: str) -> None:
    done = lab("trace", *words, program)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_is_printed() -> None:
    done = lab("trace", "--schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_page_of_the_whole_program_is_written(program: str, home: Path) -> None:
    page = home / "page.html"
    done = lab("trace", "--html", str(page), program)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"page.htmlshows{steps_told(done):,}steps" in "".join(done.stderr.split())  # wherever the line is broken
    text = page.read_text("utf-8")
    assert "<title>program.s</title>" in text
    assert "movl $3, %ecx" in text
    assert lab("trace", "--html", str(page), "--user", "--last", "500", program).returncode == 0
    assert '"wanted":"ring 3"' in page.read_text("utf-8")
    assert lab("trace", "--html", program, program).returncode == 2


def test_it_stops_after_as_many_steps_as_are_wanted(endless: str) -> None:
    done = lab("trace", "--steps", "7", endless)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == steps_told(done) == 7


def test_in_the_bare_world_a_fault_ends_it(program: str) -> None:
    done = lab("trace", "--world", "bare", program)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "  #GP while #DF was delivered: triple fault, the processor shuts down"
    assert len([line for line in done.stdout.splitlines() if line.startswith("0x")]) == steps_told(done) == 8
    assert "shut down" in done.stderr


def test_a_program_that_the_kernel_kills_ends_there(home: Path) -> None:
    path = home / "bad.s"
    path.write_text("movl %eax, 0\nnop\n")
    done = lab("trace", "--user", str(path))
    assert done.returncode == 0
    assert [line.split("  ")[1] for line in done.stdout.splitlines() if line.startswith("0x")] == ["a3 00 00 00 00"]
    assert "segfault at 00000000" in done.stderr


@pytest.mark.parametrize(("name", "options"), [("t.txt", []), ("t.jsonl", []), ("t.JSON", []), ("t.txt", ["--json"])])
def test_a_file_takes_what_the_standard_output_would(program: str, home: Path, name: str, options: list[str]) -> None:
    json_wanted = options or ([] if name == "t.txt" else ["--json"])
    done = lab("trace", *options, "-o", str(home / name), program)
    assert (done.returncode, done.stdout) == (0, "")
    assert (home / name).read_text() == lab("trace", *json_wanted, program).stdout


def test_the_program_is_not_lost_if_it_is_named_twice(program: str) -> None:
    done = lab("trace", "-o", program, program)
    assert done.returncode == 2
    assert "is no trace" in done.stderr
    assert Path(program).read_text() == PROGRAM


@pytest.mark.parametrize(
    ("source", "status", "sentence"),
    [
        (None, 2, "cannot be read: No such file"),
        ("movl %eax,(%ebq)\n", 1, "file.s:1:12: "),
        ("x = 5\n", 2, "has no instruction"),
        ("nop\n.space 100000\n", 2, "does not fit"),
    ],
)
def test_what_is_wrong_with_a_program_is_said(home: Path, source: str | None, status: int, sentence: str) -> None:
    path = home / "a file.s"
    if source is not None:
        path.write_text(source)
    done = lab("trace", str(path))
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("redirection", ["-o /dev/full", "> /dev/full"])
def test_a_full_disk_is_one_sentence(program: str, redirection: str) -> None:
    command = f"{sys.executable} -m pagefault_lab trace {program} {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_whoever_reads_a_trace_may_stop_reading(endless: str) -> None:
    command = f"{sys.executable} -m pagefault_lab trace {endless} | head -n 3"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (len(done.stdout.splitlines()), done.stderr) == (3, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_ctrl_c_ends_a_trace_between_two_steps(endless: str, home: Path) -> None:
    path = home / "t.jsonl"
    command = [sys.executable, "-m", "pagefault_lab", "trace", "-o", str(path), endless]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 60
        while not (path.exists() and path.stat().st_size > 10_000):
            assert time.monotonic() < end
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "stopped by the user" in errors
    found = traced(path.read_text())
    assert [each["number"] for each in found] == list(range(len(found)))


# --- trace on, in a script


def test_a_script_traces_to_its_output() -> None:
    typed = "trace on\nasm\nmovl $2,%ecx\n1: loop 1b\nend\nc\nsi\ntrace off\nnop\n"
    text = lab("run", "--world", "bare", "--plain", "-", typed=typed).stdout
    assert text.count("loop 0x1005  # ecx: ") == 2
    assert text.count("0x00001005  e2 fe") == 2
    assert "the trace is off: 3 steps went to the screen" in text
    found = values(lab("run", "--world", "bare", "--json", "-", typed=typed).stdout)
    assert [each["number"] for each in found if each["kind"] == "step"] == [0, 1, 2, 3]
    assert found[0] == {"kind": "tracing", "on": True, "file": "", "steps": 0, "wanted": ""}


def test_a_script_traces_to_a_file(home: Path) -> None:
    path = home / "steps.jsonl"
    done = lab("run", "--world", "bare", "-", typed=f"trace on {path}\nnop\nincl %eax\nquit\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["text"] for each in traced(path.read_text())] == ["nop", "incl %eax"]
