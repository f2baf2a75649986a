"""`pagefault-lab run`: the same lines without a terminal, and an exit status that a grader can trust."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("home")


def lab(*arguments: str, typed: str | bytes = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program with this on its standard input."""
    data = typed.encode() if isinstance(typed, str) else typed
    done = subprocess.run(
        [sys.executable, "-m", "pagefault_lab", *arguments], input=data, capture_output=True, cwd=ROOT, timeout=120,
        **options,
    )  # fmt: skip
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode().replace("\r\n", "\n")
    )


def script(*lines: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run these lines in the world `bare`, which is there at once."""
    return lab("run", "--world", "bare", "--plain", "-", typed="".join(f"{line}\n" for line in lines), **options)


def values(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_script_of_right_lines_ends_with_zero() -> None:
    done = script("# a comment", "", "   ", "movl $5,%eax", "p $eax + 2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "7" in done.stdout.splitlines()[-1]


def test_a_comment_may_stand_behind_a_command_as_behind_an_instruction() -> None:
    done = script("movl $35,%eax # the number of '#'", "p $eax - '#' # both alike")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("= 0")


def test_the_output_shows_each_line_behind_the_prompt_where_it_ran() -> None:
    assert "cpl0> movl $5,%eax" in script("movl $5,%eax").stdout.splitlines()


def test_the_output_shows_comments_and_the_gaps_between_lines() -> None:
    lines = ("# Five and two.", "", "p 5 + 2", "", "# Is it so?")
    assert script(*lines).stdout == "# Five and two.\n\ncpl0> p 5 + 2\n5 + 2 = 7\n\n# Is it so?\n"
    assert len(lab("run", "--json", "-", typed="\n".join(lines)).stdout.splitlines()) == 1


def test_the_first_wrong_line_ends_the_run_with_its_place_a_caret_and_a_hint() -> None:
    done = script("p 1", "movl %eax,(%ebq)", "p 3")
    assert done.returncode == 1
    assert "> p 3" not in done.stdout
    place, line, caret, *hint = done.stderr.splitlines()
    assert place.startswith("standard input:2:12: ")
    assert line.index("%ebq") == caret.index("^")
    assert "%ebx" in hint[0]


def test_the_place_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lines.lab"
    file.write_text("p 1\nfrobnicate\n")
    done = lab("run", str(file), "--world", "bare")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}:2:1: ")


def test_a_fault_of_the_guest_is_not_a_wrong_line() -> None:
    done = lab("run", "-", typed="movl $0,%ebx\nmovl %eax,(%ebx)\np fault.vector\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "14" in done.stdout.splitlines()[-1]


def test_not_even_a_shutdown_is_a_wrong_line() -> None:
    assert script("int $3", "p 1").returncode == 0


def test_running_out_of_the_budget_is_a_wrong_line() -> None:
    done = lab("run", "--world", "bare", "--budget", "1000", "-", typed="1: jmp 1b\nc\np 1\n")
    assert done.returncode == 1
    assert "1000" in done.stderr or "1,000" in done.stderr
    assert "> p 1" not in done.stdout


def test_the_budget_is_for_each_line_and_not_for_all() -> None:
    done = lab("run", "--world", "bare", "--budget", "20", "-", typed="nop\nsi\n" * 15)
    assert done.returncode in (0, 1)
    assert "budget" not in done.stderr


def test_json_prints_the_value_of_an_expression() -> None:
    done = lab("run", "--world", "bare", "--json", "-", typed="movl $5,%eax\np $eax + 2\n")
    assert done.returncode == 0
    assert values(done.stdout)[-1] == {"kind": "value", "expression": "$eax + 2", "value": 7}


def test_json_prints_objects_with_a_kind_and_nothing_else() -> None:
    done = lab("run", "--json", "-", typed="movl %eax,(%ebx)\nwhy\nwalk $esp\ninfo registers\nback\n")
    assert done.returncode == 0, done.stdout
    kinds = [value["kind"] for value in values(done.stdout)]
    assert "step" in kinds
    assert all(isinstance(kind, str) for kind in kinds)


def test_json_prints_a_problem_as_an_object() -> None:
    done = lab("run", "--world", "bare", "--json", "-", typed="p 1\np 1 +\np 2\n")
    assert (done.returncode, done.stderr) == (1, "")
    first, problem = values(done.stdout)
    assert first["kind"] == "value"
    assert (problem["kind"], problem["file"], problem["line"], problem["column"]) == (
        "problem", "standard input", 2, 5
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no file {file}"),
        (b"p 1\n\xff\xfe\n", "{file}:2: this is not a text file: byte 0xff is no UTF-8"),
        (b"\x7fELF\0\0\0", "{file}:1: this is not a text file: it has a zero byte"),
    ],
)
def test_a_file_that_cannot_be_a_script_gets_one_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "x.lab"
    if content is not None:
        file.write_bytes(content)
    done = lab("run", str(file))
    assert done.returncode == 2
    assert (done.stdout, done.stderr) == ("", sentence.format(file=file) + "\n")


def test_a_script_that_is_not_here_is_looked_for_among_the_lessons() -> None:
    assert lab("run", "wrong/03-wrong-selector.lab").returncode == 0
    done = lab("run", "wrong/03-wrong-selektor.lab")
    assert done.returncode == 2
    assert "did you mean wrong/03-wrong-selector.lab" in done.stderr


def test_a_folder_is_not_a_script(tmp_path: Path) -> None:
    done = lab("run", str(tmp_path))
    assert (done.returncode, done.stderr) == (2, f"{tmp_path} is a folder, not a script\n")


def test_bytes_from_a_pipe_that_are_no_text_get_one_sentence() -> None:
    done = lab("run", "--world", "bare", "-", typed=b"p 1\n\xff\n")
    assert done.returncode == 1
    assert done.stderr == "standard input:2: this is not a text file: byte 0xff is no UTF-8\n"


def test_a_windows_file_with_a_byte_order_mark_is_text(tmp_path: Path) -> None:
    file = tmp_path / "x.lab"
    file.write_bytes(b"\xef\xbb\xbf# hi\r\np 1\r\n")
    assert lab("run", str(file), "--world", "bare").returncode == 0


def test_a_block_that_never_ends_is_a_wrong_line_where_it_begins() -> None:
    done = script("p 1", "jmp ahead", "nop")
    assert done.returncode == 1
    assert done.stderr.startswith("standard input:2:1: ")


def test_an_unknown_world_gets_one_sentence() -> None:
    done = lab("run", "--world", "linus", "-")
    assert done.returncode == 2
    assert "there is no world linus" in done.stderr
    assert "linux" in done.stderr
    assert "Traceback" not in done.stderr


def test_quit_ends_a_script() -> None:
    done = script("quit", "frobnicate")
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_reads_may_stop_reading() -> None:
    command = f"yes 'p 1' | head -n 20000 | {sys.executable} -m pagefault_lab run --world bare - | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such redirections there")
@pytest.mark.parametrize(
    ("redirection", "status"), [("< /dev/null", 0), ("<&-", 0), (">&- 2>&-", 0), ("2>&-", 0), ("> /dev/full", 2)]
)
def test_closed_and_full_streams_are_no_bug_of_ours(redirection: str, status: int) -> None:
    program = f"{sys.executable} -m pagefault_lab run --world bare -"
    command = f"echo 'p 1' | {{ {program} {redirection}; echo $? >&3; }} 3>&1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.splitlines()[-1] == str(status), done
    assert "bug" not in done.stderr


# --- the prompt in a pipe


def test_a_pipe_gets_a_prompt_that_goes_on_after_a_wrong_line() -> None:
    done = lab("--world", "bare", "--plain", typed="frobnicate\np 41 + 1\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "42" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_pipe_needs_no_prompt_toolkit() -> None:
    without = "import sys; sys.modules['prompt_toolkit'] = None; from pagefault_lab.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, "--world", "bare"], input="p 41 + 1\n", capture_output=True, text=True,
        cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout


@pytest.mark.parametrize("plain", [True, False])
def test_plain_and_a_stream_without_unicode_are_ascii(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8" if plain else "latin-1")
    lines = "movl $0,%ebx\nmovl %eax,(%ebx)\nwhy\nwalk $esp\nframe\nhelp\ninfo idt\nfrobnicate é\n"
    done = lab(*(["--plain"] if plain else []), typed=lines)
    assert done.returncode == 0, done.stderr
    echo = "frobnicate é" if plain else "frobnicate"  # the prompt shows what was typed
    rest = [line for line in done.stdout.splitlines() if echo not in line]
    assert "".join(rest).isascii()


def test_no_output_is_wider_than_eighty_columns() -> None:
    lines = "movl $0,%ebx\nmovl %eax,(%ebx)\nwhy\nwalk $esp\nframe\nhelp\ninfo idt\ninfo registers\nsi\ndisas\nback\n"
    done = lab(typed=lines)
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
