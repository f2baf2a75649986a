"""`pagefault-lab lesson`: taken at a real terminal, with mistakes; left, killed and resumed; refused in a sentence."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tmux import ROOT, Terminal
from typist import Typist

from pagefault_lab.lab.recording import Line, read
from pagefault_lab.problem import Problem
from pagefault_lab.terminal import attempts
from pagefault_lab.terminal.arguments import parse
from pagefault_lab.terminal.lesson_arguments import WordsParser
from pagefault_lab.tutor import course
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.submission import read_submission
from pagefault_lab.tutor.variants import seed_of

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
    pytest.mark.usefixtures("home"),
]

SMALL = Path(__file__).parent / "lessons" / "small.md"
NUMBER = 180  # what the seed of Ada draws
LINES = [
    "movl $180,%ebx", "nonsense", "hint", "check", "movl $180,%eax", "lesson next", "say EBX", "hint", "say EAX",
    "lesson goto number", "movl $5,%edx; 1: decl %edx; jnz 1b", "back", "asm", "movl $1,%exx", "incl %eax", "end",
    "lesson reset", "movl %eax,user_heap", "c", "lesson previous", "lesson goto touch", "lesson say yes", "say 6",
    "lesson next", "lesson", "lesson next",
]  # fmt: skip
WRONG = ("nonsense", "movl $1,%exx", "lesson previous")


def lab(*arguments: str, typed: str = "", **environment: str) -> tuple[int, str, str]:
    """Run the program without a terminal: its exit status, what it prints, and what it complains about."""
    done = subprocess.run(
        [sys.executable, "-m", "pagefault_lab", *arguments], input=typed.encode(), capture_output=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def take(*arguments: str, typed: str = "") -> str:
    """What the small lesson says to these lines, as Ada takes it."""
    status, told, complaints = lab("lesson", str(SMALL), "--student", "Ada", *arguments, typed=typed)
    assert status == 0, complaints
    return told


def copy(folder: Path, before: str = "", after: str = "") -> str:
    """The small lesson in a folder of its own, with a change."""
    text = SMALL.read_text("utf-8")
    assert before in text
    path = folder / "copy.md"
    path.write_text(text.replace(before, after), "utf-8")
    return str(path)


def kept() -> Path:
    path = attempts.path_of("small")
    assert path is not None
    return path


# --- names


def test_what_is_drawn_for_ada_is_what_these_tests_type() -> None:
    attempt = Attempt(course.load(SMALL), seed_of("Ada", "small"))
    assert attempt.values == {"number": NUMBER}


def test_a_lesson_is_named_by_number_by_name_by_its_beginning_and_by_a_path() -> None:
    for name in ("1", "01", "first-fault", "01-first-fault", "first", str(ROOT / "lessons" / "01-first-fault.md")):
        status, told, _ = lab("lesson", name)
        assert status == 0
        assert "  The first fault, about" in told


@pytest.mark.parametrize("name", ["77", "nothing-like-it", "no/such/file.md", str(ROOT), "bad\0name"[:3], ""])
def test_a_name_that_no_lesson_has_gets_one_sentence(name: str) -> None:
    status, told, complaint = lab("lesson", name)
    assert (status, told) == (2, "")
    assert complaint.startswith("pagefault-lab: ")
    assert "Traceback" not in complaint
    assert len(complaint.splitlines()) <= 3


def test_a_file_that_is_no_lesson_is_told_with_its_place(tmp_path: Path) -> None:
    file = copy(tmp_path, "points = 3", "point = 3")
    status, _, complaint = lab("lesson", file)
    assert status == 2
    assert re.search(rf"{re.escape(file)}:\d+:", complaint)


def test_words_of_lesson_are_tools_or_names() -> None:
    assert vars(parse(["lesson"]))["name"] is None
    assert parse(["lesson", "1", "--seed", "x", "--plain"]).tool == ""
    assert parse(["lesson", "./check.md"]).name == "./check.md"
    found = parse(["--plain", "lesson", "check", "a.md", "b.md", "--seeds", "3"])
    assert (found.tool, found.files, found.seeds, found.plain) == ("check", ["a.md", "b.md"], 3, True)
    assert parse(["lesson", "submit"]).name is None
    for wrong in (["lesson", "check"], ["lesson", "render", "a.md"], ["lesson", "a", "b"], ["lesson", "--again=1"]):
        with pytest.raises(SystemExit):
            parse(wrong)


def test_a_parser_without_tools_is_any_parser() -> None:
    parser = WordsParser("x")
    parser.add_argument("word")
    assert parser.parse_args(["check"]).word == "check"


# --- the list


def rows(told: str) -> dict[str, str]:
    """The rows of the list by number."""
    return {match[1]: match[0] for match in re.finditer(r"^ ?(\d+)  .* min .*$", told, re.MULTILINE)}


def test_the_list_shows_how_one_stands_and_what_to_type() -> None:
    told = lab("lesson", "--plain")[1]
    assert len(told.splitlines()) <= 22
    assert max(map(len, told.splitlines())) <= 80
    assert all("  . new" in row and " 0 of " in row for row in rows(told).values())
    assert "pagefault-lab lesson 1 " in told
    lab("lesson", "1", typed="lesson next\n")
    assert re.search(r"The first fault .* 0 of \d+ points  -> begun", rows(lab("lesson", "--plain")[1])["1"])


def test_points_in_the_list_are_those_of_the_last_line_that_was_finished() -> None:
    take(typed=f"movl ${NUMBER},%eax\nlesson next\nsay 1\n")
    assert attempts.recall("small") == attempts.Progress(course.load(SMALL).digest, 5, 7, 2, 3)


def test_a_cache_that_is_damaged_is_no_reason_to_stop() -> None:
    take(typed="lesson next\n")
    kept().with_suffix(".progress").write_text("[[[")
    assert attempts.recall("small") == attempts.Progress("", 0, 0, 0, 0)
    assert "part 2 of 4" in take()


# --- through a pipe


def test_a_lesson_is_taken_through_a_pipe_from_its_beginning_to_its_end() -> None:
    told = take("--plain", typed="\n".join([
        f"movl ${NUMBER},%ebx", "hint", "check", f"movl ${NUMBER},%eax", "lesson next", "say 2", "say 1", "lesson next",
        "say yes 7", "lesson next", "lesson next",
    ]) + "\n")  # fmt: skip
    assert told.isascii()
    assert max(map(len, told.replace(str(SMALL), "small.md").splitlines())) <= 80
    in_order = (
        "  A small lesson, about 5 minutes", "part 1 of 4 --", "cpl3> movl $1,%ecx", "ECX is 1 now.",
        "-- task: A number -", f"Put {NUMBER} into EAX.", "-- small 1/4  number: not solved  points 0/7",
        "| That is EBX, not EAX.", "hint 1 of 2: `movl` moves.", "NO not yet: number, 0 of 3 points",
        "ok solved: number, 3 of 3 points", f"EAX is {NUMBER}.", "-- small 1/4  number: solved  points 3/7",
        "part 2 of 4 --", "-- question: which -", "NO EBX is not right", "ok solved: which, 2 of 2 points",
        "part 3 of 4 --", "-- prediction: touch -", "cpl3> movl %eax,user_heap", "#PF error code 0x6",
        "ok  yes", "NO  7", "touch: 1 of 2 points", "part 4 of 4 --", "That was all.", "-- A small lesson --",
        "6 of 7 points", "not all points: touch;", "submit", "left at part 4 of 4, 6 of 7 points",
    )  # fmt: skip
    place = 0
    for text in in_order:
        found = told.find(text, place)
        assert found >= 0, f"{text!r} is not behind\n{told[:place]}\nbut\n{told[place:]}"
        place = found + len(text)


def test_one_blank_row_is_above_an_exercise_also_where_its_part_has_no_text(tmp_path: Path) -> None:
    asks = [f'```ask\nid = "{each}"\npoints = 1\nquestion = "Well?"\nanswer = "1"\n```\n' for each in ("one", "two")]
    lesson = tmp_path / "asks.md"
    lesson.write_text('+++\nformat = 1\nkey = "asks"\ntitle = "Asks"\nsummary = "Asks."\n+++\n' + "\n".join(asks))
    told = lab("lesson", str(lesson), "--plain", typed="lesson next\n")[1]
    assert re.search(r"part 1 of 2 --\n\n-- question: one -(.|\n)*part 2 of 2 --\n\n-- question: two -", told)


def test_a_screen_without_utf8_and_one_without_colour_are_readable() -> None:
    status, told, _ = lab("lesson", str(SMALL), typed="check\nlesson\n", LC_ALL="C")
    assert status == 0
    assert told.isascii()
    assert "NO not yet" in told
    assert "?" not in re.sub(r"What was that\?", "", told)
    assert "\x1b[" not in lab("lesson", str(SMALL), typed="lesson\n", NO_COLOR="1", FORCE_COLOR="")[1]


# --- keeping


def test_what_was_done_is_back_and_where_one_stands_is_shown() -> None:
    take(typed=f"movl ${NUMBER},%eax\nlesson next\nsay 2\n")
    told = take()
    assert "  3 lines are back" in told
    assert "part 2 of 4 " in told
    assert "1 reply may count" in told
    assert "points 3/7" in told


def test_nothing_typed_is_a_lesson_that_begins() -> None:
    take()
    told = take()
    assert "back" not in told
    assert "Registers hold numbers." in told


def test_the_student_is_remembered_and_others_are_told_apart() -> None:
    take(typed="hint\n")
    assert read(kept().read_bytes(), "").recording.lesson == {
        "key": "small", "digest": course.load(SMALL).digest, "edition": "", "student": "Ada",
        "seed": seed_of("Ada", "small"),
    }  # fmt: skip
    assert attempts.student() == "Ada"
    for words, sentence in (
        (("--student", "Bob"), "this attempt is Ada's, not Bob's"), (("--seed", "x"), "begun with another seed"),
    ):  # fmt: skip
        status, _, complaint = lab("lesson", str(SMALL), *words)
        assert status == 2
        assert sentence in complaint
        assert "--again begins anew" in complaint
    assert attempts.student() == "Ada"


def test_the_name_is_shown_and_while_nothing_is_typed_it_can_be_changed() -> None:
    words = ("lesson", str(SMALL))
    _, told, _ = lab(*words)
    account = attempts.student()
    assert f"A small lesson, about 5 minutes; you are {account}\n" in told
    assert f"{account} is this account's name" in told
    assert '`lesson ... --student "Your Name"` gives yours' in " ".join(told.split())
    told = take()
    assert "A small lesson, about 5 minutes; you are Ada\n" in told
    assert "of this account" not in told
    assert f"Put {NUMBER} into EAX." in told
    take("--seed", "x", typed="")
    assert read(kept().read_bytes(), "").recording.lesson["seed"] == "x"
    lab(*words, typed="hint\n")  # the seed that was given stays
    assert read(kept().read_bytes(), "").recording.lesson["seed"] == "x"
    assert lab(*words, "--student", "Bob")[0] == 2


def test_what_was_done_under_the_accounts_name_is_handed_in_under_another(tmp_path: Path) -> None:
    lab("lesson", str(SMALL), typed="hint\n")
    account, out = attempts.student(), str(tmp_path / "out")
    assert '`lesson submit --student "Your Name"` gives yours' in " ".join(lab("lesson", str(SMALL))[1].split())
    _, told, _ = lab("lesson", "submit", str(SMALL), "-o", out)
    assert f"{account} is this account's name" in told
    _, told, _ = lab("lesson", "submit", "-o", out, "--student", "Ada")
    assert "small, Ada: 0 of 7 points, 1 line; hints: number 1" in told
    assert f"has the numbers of {account}" in told
    assert "of this account" not in told
    submission = read_submission(Path(out).read_bytes(), "it")
    assert (submission.student, submission.seed) == ("Ada", seed_of(account, "small"))


def test_a_lesson_from_a_file_is_handed_in_without_its_name_or_by_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "far away"
    folder.mkdir()
    file = Path(copy(folder))
    lab("lesson", str(file), "--student", "Ada", typed="hint\n")
    out = str(tmp_path / "out")
    assert lab("lesson", "submit", "-o", out)[0] == 0
    assert lab("lesson", "submit", "small", "-o", out)[0] == 0
    file.rename(folder / "elsewhere.md")
    status, _, complaint = lab("lesson", "submit", "-o", out)
    assert status == 2
    assert "the file of the lesson small is not any more where it was" in complaint
    assert lab("lesson", "submit", str(folder / "elsewhere.md"), "-o", out)[0] == 0


def test_of_a_part_that_goes_on_its_text_is_told_when_asked_for() -> None:
    take(typed=f"movl ${NUMBER},%eax\n")
    told = take(typed="text\n")
    assert told.index("`text` tells this part again") < told.index("Registers hold numbers.")
    assert told.count("Registers hold numbers.") == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("A" * 300, "A" * 97 + "..."), ("Ada\udcff\x1b[31m", "Ada\ufffd\ufffd[31m"), (" Ada \n L. ", "Ada L.")],
)
def test_a_student_has_a_name_that_can_be_handed_in(typed: str, kept: str) -> None:
    assert attempts.student(typed) == kept
    assert attempts.student() == kept


def test_beginning_anew_keeps_the_attempt_before_aside() -> None:
    take(typed="hint\nhint\n")
    before = kept().read_bytes()
    told = take("--again", "--seed", "another")
    (aside,) = (path for path in kept().parent.glob("small.*.journal"))
    assert f"is kept: {aside}" in told.replace("\n", "")
    assert aside.read_bytes() == before
    assert read(kept().read_bytes(), "").recording.inputs == []
    assert read(kept().read_bytes(), "").recording.lesson["seed"] == "another"


def test_a_lesson_that_has_changed_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    lab("lesson", copy(tmp_path), typed="hint\n")
    before = kept().read_bytes()
    file = copy(tmp_path, "Registers hold numbers.", "Registers hold other numbers.")
    status, _, complaint = lab("lesson", file)
    assert status == 2
    assert "the lesson small has changed since you began it" in complaint
    assert f"pagefault-lab lesson {file} --again" in complaint
    assert kept().read_bytes() == before
    assert lab("lesson", file, "--again")[0] == 0
    assert any(path.read_bytes() == before for path in kept().parent.glob("small.*.journal"))


@pytest.mark.parametrize("damage", ["changed", "torn", "does something else"])
def test_of_a_damaged_file_what_can_be_read_is_back_and_it_is_kept(damage: str) -> None:
    take(typed="hint\nmovl $1,%eax\nmovl $2,%eax\nmovl $3,%eax\n")
    data = kept().read_bytes()
    match damage:
        case "changed":
            data = data.replace(b"$2,%eax", b"$7,%eax")
        case "torn":
            data = data[: data.index(b"$2,%eax")] + b"\n" + data[data.index(b"$3,%eax") :]
        case _:
            from pagefault_lab.lab.recording import Writer

            found, writer = read(data, "").recording, Writer()
            inputs = [each._replace(steps=each.steps + (each.text == "movl $2,%eax")) for each in found.inputs]  # type: ignore[union-attr]
            data = writer.head(found) + b"".join(writer.input(each, {}) for each in inputs)
    kept().write_bytes(data)
    told = take()
    assert "  2 lines are back" in told
    (aside,) = kept().parent.glob("small.*.journal")
    assert aside.read_bytes() == data
    assert [each.text for each in read(kept().read_bytes(), "").recording.inputs if isinstance(each, Line)] == [
        "hint", "movl $1,%eax"
    ]  # fmt: skip
    assert "  2 lines are back" in take()


@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"recording": 1}\n'])
def test_a_file_that_is_no_attempt_is_told_and_stays(content: bytes) -> None:
    take()
    kept().write_bytes(content)
    status, _, complaint = lab("lesson", str(SMALL))
    assert status == 2
    assert "is no recorded session" in complaint
    assert "--again begins anew" in complaint
    assert kept().read_bytes() == content


def test_a_lesson_that_is_open_is_not_taken_twice() -> None:
    typist = Typist("lesson", str(SMALL))
    typist.wait(r"^cpl3> $")
    status, _, complaint = lab("lesson", str(SMALL))
    assert status == 2
    assert "open in another terminal" in complaint
    typist.kill()
    assert lab("lesson", str(SMALL))[0] == 0


def test_where_nothing_can_be_kept_that_is_said_and_the_lesson_is_taken(home: Path) -> None:
    (home / "file").write_text("")
    status, told, _ = lab("lesson", str(SMALL), typed="hint\n", XDG_STATE_HOME=str(home / "file"))
    assert status == 0
    assert f"nothing is kept, so nothing can be handed in: {home / 'file' / 'pagefault-lab' / 'lessons'} cannot" in told
    assert "all is kept" not in told
    assert "to hand in" not in told
    assert "hint 1 of 2" in told
    status, _, complaint = lab("lesson", "submit", str(SMALL), XDG_STATE_HOME=str(home / "file"))
    assert status == 2
    assert "XDG_STATE_HOME names another folder" in complaint


# --- kill -9


def state(attempt: Attempt) -> tuple[Any, ...]:
    """All that someone can tell an attempt by."""
    session = attempt.session
    return (
        attempt.at, attempt.standings, attempt.points, session.machine.cpu.save(), session.machine.steps,
        session.save_state(), session.pending, session.history.lines, session.history.present,
    )  # fmt: skip


def uninterrupted(lines: list[str]) -> Attempt:
    attempt = Attempt(course.load(SMALL), seed_of("Ada", "small"))
    for _ in attempt.begin(0):
        pass
    for line in lines:
        try:
            for _ in attempt.execute(line):
                pass
        except Problem:
            pass
    return attempt


def brought_back() -> Attempt:
    found = attempts.read("small")
    assert found is not None
    assert found.damaged is None
    attempt = Attempt(course.load(SMALL), found.recording.lesson["seed"])
    for _ in attempt.replay(found.recording):
        pass
    return attempt


@pytest.mark.parametrize("seed", range(4))
def test_whenever_it_is_killed_the_finished_lines_are_back(seed: int) -> None:
    chance = random.Random(seed)
    left = list(LINES)
    for _ in range(3):
        typist = Typist("lesson", str(SMALL), "--student", "Ada")
        typist.wait(r"^(cpl[0-3]|\.\.\.)[^>\n]*> ")
        typist.type("".join(f"{line}\n" for line in left))
        typist.look(chance.uniform(0.0, 1.0))
        typist.kill()
        attempt = brought_back()
        texts = [each.text for each in attempt.recording.inputs if isinstance(each, Line)]
        done = 0
        for text in texts:
            while LINES[done] != text:
                assert LINES[done] in (*WRONG, "lesson", "check"), (LINES[done], texts)
                done += 1
            done += 1
        assert state(attempt) == state(uninterrupted(LINES[:done]))
        left = LINES[done:]


# --- at a terminal


@contextmanager
def terminal(home: Path, *arguments: str, **options: Any) -> Iterator[Terminal]:
    opened = Terminal("lesson", *arguments, XDG_STATE_HOME=str(home / "state"), TERM="screen-256color", **options)
    try:
        yield opened
    finally:
        opened.close()


def test_someone_takes_a_lesson_with_what_the_screen_says(home: Path) -> None:
    with terminal(home, str(SMALL), "--student", "Ada") as screen:
        shown = screen.wait(r"^ small 1/4  number: not solved  points 0/7  hint, check, task")
        assert f"Put {NUMBER} into EAX." in shown
        screen.enter(f"movl ${NUMBER},%ebx")
        screen.wait(r"^│ That is EBX, not EAX\.$")
        screen.enter("hnit")
        screen.wait(r"hnit is neither a command nor an instruction")
        screen.enter("hint")
        screen.wait(r"^hint 1 of 2: `movl` moves\.$")
        screen.enter(f"movl ${NUMBER},%eax")
        screen.wait(r"^✓ solved: number, 3 of 3 points$")
        shown = screen.wait(r"(?s)^cpl3> lesson next$.*number: solved  points 3/7  Enter: lesson next")
        screen.press("Enter")
        screen.wait(r"^ small 2/4  which: not solved")
        screen.press("Enter")  # as at any prompt
        screen.wait(r"(?s)^cpl3>\ncpl3>\n.*which: not solved")
        screen.enter("say EAX")
        screen.wait(r"^ small 2/4  which: solved  points 5/7")
        screen.type("lesson goto t")
        screen.press("Tab")
        screen.wait(r"^cpl3> lesson goto touch$")
        screen.press("C-c")
        screen.wait(r"^cpl3> lesson next$")
        screen.press("Enter")
        screen.wait(r"^ small 3/4  touch: not solved")
        screen.press("C-d")
        shown = screen.wait(r"^left at part 3 of 4, 5 of 7 points$")
        assert "to go on:" in shown
        assert "to hand in:" in shown
        assert screen.ended()
    with terminal(home, str(SMALL)) as screen:
        screen.wait(r"^ small 3/4  touch: not solved  points 5/7")
        screen.enter("say yes")
        screen.wait(r"^  1  Does it fault\?  yes$")
        screen.enter("say 6")
        screen.wait(r"^touch: 2 of 2 points$")
        screen.press("Enter")
        screen.wait(r"^ small 4/4  text  points 7/7  Enter: lesson next")
        screen.press("Enter")
        screen.wait(r"^✓ every exercise is solved$")
        screen.wait(r"^cpl3> quit$")
        screen.press("Enter")
        screen.wait(r"^left at part 4 of 4, 7 of 7 points$")


def test_a_line_typed_while_the_rest_waits_is_the_next_one(home: Path) -> None:
    with terminal(home, str(SMALL), height=16) as screen:
        screen.wait(r"^-- Enter shows the rest --")
        screen.enter("hint")
        screen.wait(r"^hint 1 of 2")
        screen.enter("lesson goto 1")
        screen.wait(r"(?s)lesson goto 1$.*^-- Enter shows the rest --$")
        screen.press("C-c")
        screen.wait(r"^ small 1/4  number: not solved")
        assert len(brought_back().recording.inputs) == 2


def test_nobody_waits_for_a_rest_that_is_blank(home: Path, tmp_path: Path) -> None:
    parts = ["\n".join(["- a line"] * count + [f"- the last of {count}"]) for count in range(4, 10)]
    lesson = tmp_path / "blank.md"
    lesson.write_text('+++\nformat = 1\nkey = "blank"\ntitle = "Blank"\n+++\n# Blank\n\n' + "\n\n---\n\n".join(parts))
    waited = 0
    with terminal(home, str(lesson), height=12) as screen:
        for number, count in enumerate(range(4, 10), 1):
            seen = screen.wait(rf"(?s)part {number} of 6.*(^-- Enter shows|^ blank {number}/6)")
            if "-- Enter shows the rest --" in seen:
                assert f"the last of {count}" not in seen
                waited += 1
                screen.press("Enter")
                screen.wait(rf"(?s)the last of {count}$.*^ blank {number}/6")
            screen.press("Enter")
    assert 0 < waited < 6


def test_no_screen_hides_the_beginning_of_what_it_tells(home: Path) -> None:
    with terminal(home, str(ROOT / "lessons" / "01-first-fault.md")) as screen:
        seen = [screen.wait(r"^-- Enter shows the rest --")]
        assert "part 1 of" in seen[0]
        assert "pagefault-lab 0" in seen[0]
        while "-- Enter shows the rest --" in seen[-1]:
            screen.press("Enter")
            screen.wait(r"(?s)^(-- Enter shows|cpl3>$.* first-fault 1/).*\Z")
            seen.append(screen.screen())
        rows = {row.rstrip() for each in seen for row in each.splitlines()}
        assert {row.rstrip() for row in screen.everything().splitlines()} <= rows


def test_the_full_screen_view_goes_on_with_the_lesson(home: Path) -> None:
    with terminal(home, str(SMALL), "--student", "Ada") as screen:
        screen.wait(r"^ small 1/4  number: not solved")
        screen.enter("layout")
        screen.wait(r"^small 1/4  number: not solved  points 0/7")
        screen.enter(f"movl ${NUMBER},%eax")
        screen.wait(r"^small 1/4  number: solved  points 3/7  Enter: lesson next")
        screen.press("Enter")
        screen.wait(r"(?s)part 2 of 4.*question: which")
        screen.enter("layout off")
        screen.wait(r"^ small 2/4  which: not solved")


def test_a_terminal_that_can_do_nothing_offers_the_next_part_in_brackets(home: Path) -> None:
    typist = Typist("lesson", str(SMALL), "--student", "Ada")
    typist.wait(r"^cpl3> $")
    typist.type(f"movl ${NUMBER},%eax\n")
    typist.wait(r"^-- small 1/4  number: solved  points 3/7  Enter: lesson next\r$")
    typist.wait(r"^cpl3> \[lesson next\] ")
    typist.type("\n")
    typist.wait(r"^-- small 2/4  which: not solved")
    typist.type("\x04")
    assert typist.end() == 0
    assert b"left at part 2 of 4, 3 of 7 points" in typist.seen
