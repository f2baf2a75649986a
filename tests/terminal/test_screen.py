"""What is printed is what a reader can use: in any width, with or without colour, Unicode and a terminal."""

import io
import json

import pytest

from pagefault_lab.lab.results import Message
from pagefault_lab.problem import Problem, Problems
from pagefault_lab.terminal.screen import JsonLines, Screen, told

WRONG = Problem("there is no register %ebq", "did you mean %ebx?", text="movl %eax,(%ebq)", column=11)


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def shown(problem: Problem, width: int = 80) -> list[str]:
    return [text for text, _ in told(problem, width)]


def test_a_problem_shows_the_sentence_the_line_a_caret_and_the_hint() -> None:
    assert shown(WRONG) == [
        "there is no register %ebq",
        "  movl %eax,(%ebq)",
        "             ^",
        "  did you mean %ebx?",
    ]


def test_a_problem_in_a_file_begins_with_its_place_as_editors_read_it() -> None:
    problem = Problem("what?", text="foo", column=0, line=3, file="a.lab")
    assert shown(problem)[0] == "a.lab:3:1: what?"


def test_a_problem_tells_how_its_place_was_reached() -> None:
    problem = Problem("what?", text="foo", column=0, line=3, file="a.s", trail=("in macro save, defined at line 1",))
    assert shown(problem)[:2] == ["a.s:3:1: what?", "  in macro save, defined at line 1"]


def test_a_problem_without_a_line_is_a_sentence() -> None:
    assert shown(Problem("the budget is spent")) == ["the budget is spent"]


@pytest.mark.parametrize(
    ("text", "column"),
    [("\tmovl\t%eax,x y", 13), ("日本 x", 3), ("x" * 200 + "!" + "y" * 200, 200), ("a" * 79 + "!", 79), ("!abc", 0)],
)
def test_the_caret_stands_under_its_column(text: str, column: int) -> None:
    from rich.cells import cell_len

    _, line, caret = shown(Problem("wrong", text=text, column=column))
    assert cell_len(line) <= 80
    assert caret.endswith("^")
    before = len(caret) - 1
    position = next(at for at in range(len(line) + 1) if cell_len(line[:at]) == before)
    assert line[position] == text[column]


def test_the_caret_may_stand_behind_the_line() -> None:
    assert shown(Problem("something is missing", text="walk", column=4))[1:] == ["  walk", "      ^"]


def test_a_line_cannot_write_to_the_terminal_with_escape_sequences() -> None:
    assert "\x1b" not in "".join(shown(Problem("what?", text="mov \x1b[2J", column=4)))


def test_all_problems_of_a_file_are_shown() -> None:
    errors = io.StringIO()
    Screen(errors=errors).complain(Problems([WRONG, Problem("two")]))
    assert errors.getvalue().splitlines() == [*shown(WRONG), "two"]


def test_text_that_looks_like_markup_is_printed_as_it_is() -> None:
    stream = io.StringIO()
    Screen(stream=stream).say("movl [bold]x[/bold], :smile: 0x1")
    assert stream.getvalue() == "movl [bold]x[/bold], :smile: 0x1\n"


@pytest.mark.parametrize("plain", [True, False])
def test_only_plain_or_an_old_terminal_makes_signs_into_ascii(plain: bool) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    Screen(plain, stream).show("✓ → ✗")
    stream.flush()
    assert raw.getvalue().decode() == ("ok -> NO\n" if plain else "✓ → ✗\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_screen_without_unicode_can_show_everything(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    screen = Screen(stream=stream)
    screen.show("✓ → 日")
    screen.complain(Problem("é is no register", text="mov é", column=4))
    stream.flush()
    assert raw.getvalue().isascii()


def test_json_has_one_object_a_line_each_with_a_kind() -> None:
    stream = io.StringIO()
    output = JsonLines(stream)
    output.show(Message("hello"))
    output.complain(WRONG)
    values = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [value["kind"] for value in values] == ["message", "problem"]
    assert values[1]["sentence"] == "there is no register %ebq"
    assert (values[1]["text"], values[1]["column"]) == ("movl %eax,(%ebq)", 11)


@pytest.mark.parametrize(("locale", "sign"), [("C", "ok"), ("POSIX", "ok"), ("C.UTF-8", "✓"), ("de_DE.UTF-8", "✓")])
def test_in_the_locale_c_signs_are_words(monkeypatch: pytest.MonkeyPatch, locale: str, sign: str) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    Screen(stream=stream).show(Message("it holds", "good"))
    stream.seek(0)
    assert stream.read() == f"{sign} it holds\n"
