"""Whatever a file holds that is nearly a lesson: it is one, or a Problem with a place; soon, and without anything run.

More examples: PAGEFAULT_LAB_EXAMPLES=10000.
"""

from __future__ import annotations

import os
import re
import sys
import tracemalloc
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from taking import check_place, what_reading_gives

from pagefault_lab.problem import Problem, Problems
from pagefault_lab.tutor.course import load
from pagefault_lab.tutor.lesson import Lesson
from pagefault_lab.tutor.reading import MOST_PROBLEMS

EXAMPLES = int(os.environ.get("PAGEFAULT_LAB_EXAMPLES", "150"))
SAMPLE = (Path(__file__).parent / "sample.md").read_text("utf-8")
COURSE = [path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "lessons").glob("[0-9]*.md"))]
LESSONS = [SAMPLE] * 3 + COURSE
MOST_CALLS = 2_000_000  # of functions; a lesson of the course takes 50,000
MOST_MEMORY = 64 << 20  # bytes

thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

PIECES = [
    "+++", "---", "```", "```lab", "```task", "```ask", "```predict", "```show", "```asm", "~~~lab", "> ", "- ",
    "    ", "\t", "{{", "}}", "{{ eax }}", "{{/x", "'''", '"""', '"', "'", "[[goals]]", "[[messages]]", "[[wrong]]",
    "[[questions]]", "[variants]", "[a.b.c]", "=", "= 1", " = true", "= []", "= {}", "= [[]]", "= 2024-01-01", "= nan",
    "= -1", "= 1e400", "= 0x7fffffffffffffffffff", "points = 10", 'id = "touch"', "continues = true", 'answer = "1"',
    "format = 2", "#", "\\", "\\u0000", "\x00", "\x1b[2J", "\u202e", "\u2028", "\ufeff", "\r", "\r\n", "\n", "\n\n",
    "é", "𝄞", "\ud800", "<!--", "-->", "<script>", "[x]: y", "$page", "__import__('os')", "eval(1)", "at(-1, eax)",
    "ever(", "(" * 70, "1" * 70, "1/0", "<<",
]  # fmt: skip
EXPRESSION_PIECES = [
    "eax", "$offset", "$nothing", "1", "0x", "09", "'", "'a'", "(", ")", "[", "]", "u8[", "pte(", "idt(14).dpl",
    ".present", "ever(", "fault", "last(fault).cr2", "at(-1,", ",", "==", "=", "&&", "&", "*", "/ 0", "? 1 : 2", "?",
    "<< 200", "-", "~", "\n", "\t", "$", "\\", "é", "{{", "}}", '\\"', "__class__", "lambda: 0", "()",
]  # fmt: skip


def judge(text: str) -> Lesson | Problem:
    """What reading gives: in time; if something is wrong, with its place, and with nothing unseen in what is said."""
    found = what_reading_gives(text, MOST_CALLS)
    if isinstance(found, Problems):
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        assert 0 < len(found.problems) <= MOST_PROBLEMS
        for problem in found.problems:
            check_place(problem, lines)
            assert not any(map(is_unseen, problem.text + problem.sentence + (problem.hint or "")))
    else:
        assert isinstance(found, Lesson)
        assert found.parts
    return found


def is_unseen(character: str) -> bool:
    """Whether a character moves the cursor of a terminal, or the characters around it."""
    directions = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    is_control = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character != "\t"
    return is_control or unicodedata.bidirectional(character) in directions


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A lesson with a few changes."""
    text = draw(st.sampled_from(LESSONS))
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(CHANGES))(draw, text)
    return text


def place(draw: st.DrawFn, text: str) -> int:
    return draw(st.integers(0, len(text)))


def cut_short(draw: st.DrawFn, text: str) -> str:
    return text[: place(draw, text)]


def without_a_stretch(draw: st.DrawFn, text: str) -> str:
    at = place(draw, text)
    return text[:at] + text[at + draw(st.integers(1, 200)) :]


def with_a_piece(draw: st.DrawFn, text: str) -> str:
    at = place(draw, text)
    return text[:at] + draw(st.sampled_from(PIECES)) + text[at:]


def with_a_line(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(PIECES)))
    return "\n".join(lines)


def with_another_character(draw: st.DrawFn, text: str) -> str:
    at = place(draw, text)
    return text[:at] + draw(st.characters()) + text[at + 1 :]


def with_a_line_twice(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    lines.insert(draw(st.integers(0, len(lines))), lines[at])
    return "\n".join(lines)


def with_lines_exchanged(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def without_lines(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    del lines[at : at + draw(st.integers(1, 5))]
    return "\n".join(lines)


def with_another_value(draw: st.DrawFn, text: str) -> str:
    """A key of TOML is given something else."""
    keys = list(re.finditer(r"^(\w+ )=(.*)$", text, re.MULTILINE))
    if not keys:
        return text
    key = draw(st.sampled_from(keys))
    value = draw(st.sampled_from([piece for piece in PIECES if piece.startswith(("=", " ="))]))
    return f"{text[: key.start()]}{key[1]}{value}{text[key.end() :]}"


def with_another_expression(draw: st.DrawFn, text: str) -> str:
    """What stands between quotes or in {{ }} is made of pieces of expressions."""
    places = list(re.finditer(r'(?<== ")[^"\n]*(?=")|(?<=\{\{)[^}\n]*(?=\}\})', text))
    if not places:
        return text
    there = draw(st.sampled_from(places))
    expression = " ".join(draw(st.lists(st.sampled_from(EXPRESSION_PIECES), max_size=6)))
    return text[: there.start()] + expression + text[there.end() :]


CHANGES = [
    cut_short, without_a_stretch, with_a_piece, with_a_line, with_another_character, with_a_line_twice,
    with_lines_exchanged, without_lines, with_another_value, with_another_expression,
]  # fmt: skip


@contextmanager
def nothing_is_run() -> Iterator[None]:
    """No code is compiled or executed, no program started, no file opened for writing, no connection made."""
    watching = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if not watching:
            return
        started = event in ("exec", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
        if started or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")):
            seen.append((event, *arguments))

    seen: list[tuple[object, ...]] = []
    sys.addaudithook(hook)
    try:
        yield
    finally:
        watching = False
    assert not seen


@thorough
@given(text=mutated())
def test_a_lesson_with_changes_is_a_lesson_or_a_problem_with_a_place(text: str) -> None:
    judge(text)


@thorough
@given(text=st.lists(st.sampled_from(PIECES + EXPRESSION_PIECES) | st.text(max_size=5), max_size=40).map("".join))
def test_a_text_of_pieces_behind_a_front_matter_is_a_lesson_or_a_problem_with_a_place(text: str) -> None:
    judge(f'+++\nformat = 1\nkey = "k"\ntitle = "T"\n+++\n{text}')


@thorough
@given(data=st.data())
def test_a_file_of_changed_bytes_is_a_lesson_or_a_problem(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(data.draw(st.sampled_from(LESSONS)).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "changed.md"
    file.write_bytes(bytes(content))
    text = content.decode("utf-8", "replace")
    if "\ufffd" in text:
        with pytest.raises(Problem, match=r"changed\.md"):
            load(file)
    else:
        judge(text)


def test_nothing_is_run_and_little_memory_is_taken_for_what_someone_wrote_into_a_lesson() -> None:
    expressions = ("__import__('os').system('true')", "().__class__", "open('f','w')", "exec(1)", "9**9**9")
    hostile = [SAMPLE.replace("eax == 5", expression) for expression in expressions]
    judge(SAMPLE)  # what is imported then is the lab's own
    tracemalloc.start()
    with nothing_is_run():
        for text in [*hostile, SAMPLE.replace("The end.", "{{ __import__('os') }}"), *LESSONS]:
            judge(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_MEMORY
