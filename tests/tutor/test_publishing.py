"""Student editions: the same lesson, with checks that still work, and nothing in the file that gives an answer away."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taking import FRONT, do, lesson_of, standing

from pagefault_lab import __version__
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.arguments import parse
from pagefault_lab.terminal.lesson_tools import publish as tool
from pagefault_lab.terminal.lesson_tools.new import TEMPLATE
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.course import files, load
from pagefault_lab.tutor.editions import constant, opens, sealed
from pagefault_lab.tutor.lesson import STUDENT, AnyExercise, Ask, Lesson, Task
from pagefault_lab.tutor.publishing import open_questions, publish
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.tutor.variants import draw

LESSONS = [*files(), TEMPLATE]
SECRET = "movl $0x5ec,%esi"
SMALL = """
# Small

```ask
id = "how-many"
points = 2
question = "How many longs are pushed?"
answer = "3 + 3"       # the answer is six
```

```ask
id = "which"
points = 1
question = "Which one?"
choices = ["this", "that"]
answer = "2"
```

```ask
id = "nothing"
points = 1
question = "What does it push?"
answer = "-1"
```
"""


def student(lesson: Lesson) -> Lesson:
    """The student edition, read."""
    return read_lesson(publish(lesson), lesson.name, lesson.folder)


def content(lesson: Lesson) -> list[str]:
    """All that is left to students, as text without places in the file."""
    parts = [replace(part, exercise=part.exercise and _without_answer(part.exercise)) for part in lesson.parts]
    told = repr([lesson.key, lesson.title, lesson.world, lesson.minutes, lesson.budget, lesson.variants, parts])
    return re.sub(r"\b(line|first|place)=\d+", "", told).replace("\\n\\n\\n\\n", "\\n\\n").split(", ")


def _without_answer(exercise: AnyExercise) -> AnyExercise:
    match exercise:
        case Task():
            return replace(exercise, answer=None, wrong=())
        case Ask(question=question):
            return replace(exercise, question=replace(question, answer=None, digest=""))
    return exercise


# --- what is left, and what is not


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_edition_is_the_same_lesson_but_for_its_answers(path: Path) -> None:
    lesson = load(path)
    edition = student(lesson)
    assert (edition.edition, edition.digest, edition.points) == (STUDENT, lesson.digest, lesson.points)
    assert content(edition) == content(lesson)
    for seed in ("", "one", "two"):
        assert draw(edition, seed, Session(lesson.world)) == draw(lesson, seed, Session(lesson.world))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_line_of_an_answer_is_in_the_edition_unless_the_text_shows_it(path: Path) -> None:
    lesson = load(path)
    text = publish(lesson)
    tasks = [each for each in lesson.exercises if isinstance(each, Task)]
    assert tasks
    answers = [lines for task in tasks for lines in (task.answer, *(wrong.lines for wrong in task.wrong)) if lines]
    removed = "\n".join(line for lines in answers for line in lines.lines)
    for line in filter(None, removed.splitlines()):
        assert occurrences(line, text) <= occurrences(line, lesson.source) - removed.splitlines().count(line), line
    assert not re.search(r"^\s*(answer\s*=\s*('''|\"\"\")|\[\[wrong\]\])", text, re.MULTILINE)


def occurrences(line: str, text: str) -> int:
    """How often a line stands in a text: by itself, or between quotes."""
    return sum(each.strip() == line or f'"{line}"' in each or f"'{line}'" in each for each in text.splitlines())


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_all_other_lines_are_as_they_were_written_and_in_their_order(path: Path) -> None:
    lesson = load(path)
    written = iter(lesson.source.splitlines())
    for line in publish(lesson).splitlines():
        if not re.match(r"(edition|lab|digest) = ", line):
            assert any(line == each or (each.startswith(line) and "#" in each[len(line) :]) for each in written), line


quotes = st.sampled_from(['"{}"', "'{}'", '"""{}"""', "'''\n{}\n'''"])
comments = st.sampled_from(["", f"  # {SECRET}", f"\n# {SECRET} = '''", f'   # "{SECRET}'])
ANSWERS = ["{key} = {value}", '"{key}" = {value}', "'{key}'={value}", "{key}\t=   {value}"]


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """The body of a task, its answers and comments written in every way that TOML knows."""

    def value() -> str:
        return draw(quotes).format(SECRET)

    def comment() -> str:
        return draw(comments)

    answer = draw(st.sampled_from(ANSWERS)).format(key="answer", value=value())
    head = [
        'id = "set"', 'text = "Set ESI. # is no comment here"', "points = 10", 'goal = "esi == 0x5ec"',
        "after = '''\n# nor here\nanswer = \"in a text\"\n'''", answer,
        f'hints = ["look",{comment()}\n  "look # again",{comment()}\n]',
    ]  # fmt: skip
    tables = ['[[messages]]\nwhen = "esi == 3"\nsay = "3 is [[wrong]]"']
    if draw(st.booleans()):
        head.append(f"wrong = [{{ lines = '{SECRET}', earns = 0 }}, {{earns=0,lines=\"{SECRET}\"}}]")
    else:
        for header in draw(st.lists(st.sampled_from(["[[wrong]]", '[[ "wrong" ]]', "  [[wrong]]"]), max_size=3)):
            tables.append(f'{header}{comment()}\nlines = {value()}{comment()}\nearns = 0\nsays = "{SECRET}"')
    statements = [*draw(st.permutations(head)), *draw(st.permutations(tables))]
    return "\n".join(statement + comment() for statement in statements)


@given(bodies(), st.sampled_from(["```", "~~~", "`````"]), comments, st.booleans())
@settings(deadline=None, max_examples=150)
def test_whatever_way_it_is_written_an_answer_is_not_handed_out(body: str, fence: str, note: str, first: bool) -> None:
    said = f"It says `<!-- code -->`. <!-- {SECRET} -->\n\n```text\n<!-- shown -->\n```\n\n<!--\n{SECRET}\n-->\n"
    text = f"{fence}task\n{body}\n{fence}\n"
    lesson = lesson_of(f"{said}\n{text}" if first else f"{text}\n{said}", f"minutes = 5{note}")
    published = publish(lesson)
    assert SECRET not in published
    assert "`<!-- code -->`" in published
    assert "<!-- shown -->" in published
    edition = read_lesson(published, lesson.name)
    assert content(edition) == content(lesson)
    (task,) = edition.exercises
    assert isinstance(task, Task)
    assert (task.answer, task.wrong) == (None, ())


# --- replies


def test_an_answer_that_anyone_could_read_is_sealed() -> None:
    lesson = lesson_of(SMALL)
    text = publish(lesson)
    assert "3 + 3" not in text
    assert "six" not in text
    assert "answer" not in text
    assert open_questions(lesson) == []


def test_a_student_edition_still_knows_a_right_reply() -> None:
    edition = student(lesson_of(SMALL))
    for replies, points in (
        (("7", "6"), 2), (("0x6",), 2), (("5", "7"), 0), (("0x100000006", "5"), 2),
    ):  # fmt: skip
        attempt = Attempt(edition)
        list(attempt.begin(0))
        for reply in replies:
            if not standing(attempt, "how-many").over:
                do(attempt, f"say {reply}")
        assert standing(attempt, "how-many").points == points, replies
    attempt = Attempt(edition)
    list(attempt.begin(1))
    do(attempt, "say that", "lesson next", "say none")
    assert attempt.points == 2


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-(1 << 40), 1 << 40))
@settings(deadline=None, max_examples=20)
def test_only_what_was_sealed_opens_it(right: int, said: int) -> None:
    digest = sealed(right, "lesson/ask")
    assert opens(right, digest)
    assert opens(said, digest) == ((said == right) or (-1 not in (said, right) and (said ^ right) & 0xFFFFFFFF == 0))
    assert sealed(right, "lesson/other") != digest


@pytest.mark.parametrize(
    "expression", ["eax", "$page + 1", "u32[0] * 0", "user_heap", "count(fault)", "cpl", "pte(0).frame"]
)
def test_what_depends_on_the_machine_or_the_seed_is_no_constant(expression: str) -> None:
    question = f'id = "what"\npoints = 1\nquestion = "What?"\nanswer = "{expression}"'
    (ask,) = lesson_of(f"```ask\n{question}\n```\n", "[variants]\npage = { from = 1, to = 9 }").exercises
    assert isinstance(ask, Ask)
    assert ask.question.answer is not None
    assert constant(ask.question.answer) is None


# --- what is refused


def test_an_edition_for_another_lab_says_what_to_install() -> None:
    text = publish(lesson_of(SMALL)).replace(f'lab = "{__version__}"', 'lab = "9.8.7"')
    with pytest.raises(Problem) as caught:
        read_lesson(text, "small.md")
    assert caught.value.sentence == f"this edition is for pagefault-lab 9.8.7, and this is {__version__}"
    assert caught.value.hint == "pip install pagefault-lab==9.8.7"


@pytest.mark.parametrize(("before", "after"), [
    ("points = 2", "points = 200"), ("How many longs", "How many bytes"), ('["this", "that"]', '["that", "this"]'),
    ("# Small", "# Large"), ("minutes = 5", "minutes = 6"), ("to = 9", "to = 10"),
])  # fmt: skip
def test_an_edition_that_was_changed_is_not_taken_for_it(before: str, after: str) -> None:
    text = publish(lesson_of(SMALL, "minutes = 5\n[variants]\npage = { from = 1, to = 9 }"))
    assert before in text
    with pytest.raises(Problem, match="this is not what was published"):
        read_lesson(text.replace(before, after), "small.md")


def test_a_repaired_answer_leaves_the_digest_as_it_was() -> None:
    assert lesson_of(SMALL).digest == lesson_of(SMALL.replace("3 + 3", "4")).digest


def test_an_edition_is_not_published_again() -> None:
    with pytest.raises(Problem, match="is a student edition already"):
        publish(student(lesson_of(SMALL)))


# --- the tool


def published(*words: str) -> int:
    return tool.run(parse(["lesson", "publish", *words]))


def test_editions_lie_in_a_folder_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "small.md"
    source.write_text(FRONT.format(front="") + SMALL, "utf-8")
    for _ in range(2):  # an older one is replaced
        assert published(str(source)) == 0
    edition = load(tmp_path / "student" / "small.md")
    assert (edition.edition, edition.digest) == (STUDENT, load(source).digest)
    assert "without answers" in capsys.readouterr().out


def test_a_lesson_is_never_replaced_by_its_edition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "small.md"
    source.write_text(FRONT.format(front="") + SMALL, "utf-8")
    before = source.read_bytes()
    assert published(str(source), "-o", str(source)) == 2
    assert published(str(source), "-o", str(tmp_path)) == 2
    assert source.read_bytes() == before
    assert "is there already, and is no student edition" in capsys.readouterr().err


def test_what_is_not_proved_is_not_published_unless_one_insists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "wrong.md", tmp_path / "out.md"
    task = 'id = "set"\ntext = "Set EBX."\npoints = 1\ngoal = "ebx == 5"\nanswer = "movl $6,%ebx"'
    source.write_text(FRONT.format(front="") + f"```task\n{task}\n```\n", "utf-8")
    assert published(str(source), "-o", str(target)) == 1
    assert not target.exists()
    assert "is not published" in capsys.readouterr().out
    assert published(str(source), "-o", str(target), "--unproved") == 0
    assert load(target).edition == STUDENT


def test_a_file_that_is_no_lesson_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "none.md"
    source.write_text(FRONT.format(front="minutes = 0"), "utf-8")
    assert published(str(source)) == 1
    assert "none.md:" in capsys.readouterr().err
