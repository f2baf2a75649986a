"""What a lesson tells, as it is shown: in a column of 80, without colour, on a screen that knows ASCII only."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown import text_of
from test_every_value import assert_plain, value_types

from pagefault_lab import commands
from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.problem import Problem
from pagefault_lab.tutor import course, told
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.told import (
    CourseRow,
    CourseShown,
    HintShown,
    LessonShown,
    PartRow,
    Predicted,
    PredictedRow,
    ProseShown,
    Remarked,
    TaskShown,
    Wronged,
)
from pagefault_lab.views import snake_case, view_of
from pagefault_lab.views.markdown import markdown

PARTS = {"GoalShown", "QuestionShown", "PredictedRow", "PartRow", "CourseRow"}  # of other values
SMALL = Path(__file__).parents[1] / "terminal" / "lessons" / "small.md"
LINES = [
    "lesson", "hint", "check", "movl %eax,%ebx", "answer", "check", "lesson reset", "lesson next", "say EBX", "hint",
    "say EAX", "lesson next", "text", "lesson task", "say yes 7", "lesson next", "lesson next", "lesson goto number",
    "set $ebx = $number", "set $eax = $number", "nop", "lesson goto which", "lesson previous", "lesson submit",
]  # fmt: skip


@pytest.mark.parametrize("kind", list(value_types(told)), ids=lambda kind: kind.__name__)
def test_every_value_of_a_lesson_has_a_view(kind: type) -> None:
    if kind.__name__ not in PARTS:
        assert view_of(kind) is not None, f"views/{snake_case(kind.__name__)}.py is missing"


def values() -> list[object]:
    attempt = Attempt(course.load(SMALL), "seed")
    found = list(attempt.begin(0))
    for line in LINES:
        with suppress(Problem):  # what is wrong there is not what is tested here
            found += attempt.execute(line)
    return found


def test_whatever_a_lesson_yields_is_shown_and_survives_json() -> None:
    seen = set()
    for value in values():
        found = to_json(value)
        assert_plain(found)
        assert json.loads(json.dumps(found)) == found
        assert view_of(type(value)) is not None
        for width in (40, 80, 120):
            assert max(map(len, text_of(value, width).splitlines()), default=0) <= width
        assert text_of(value, plain=True).isascii()
        if type(value).__module__ == told.__name__:
            assert max(map(len, text_of(value, 200).splitlines()), default=0) <= 80
        seen.add(found["kind"])
    assert {
        "part_begun", "prose_shown", "lesson_line", "task_shown", "ask_shown", "predict_shown", "checked", "solved",
        "remarked", "hint_shown", "wronged", "predicted", "lesson_shown",
    } <= seen  # fmt: skip


def test_the_lines_above_try_every_command_of_lessons() -> None:
    tried = {commands.spellings()[found.spelling][1] for line in LINES if (found := commands.find(line)) is not None}
    assert {command.name for command in commands.all_commands() if command.group == "lesson"} <= tried


# --- Markdown


def test_markdown_becomes_lines_with_a_blank_one_between_blocks() -> None:
    text = "# A title\n\nOne\ntwo `a b` **three**.\n\n- first\n- second\n\n```asm\nmovl $1,%eax\n```\n"
    assert markdown(text).text(40) == (
        "A title\n───────\n\nOne two `a b` three.\n\n  - first\n  - second\n\n    movl $1,%eax"
    )


def test_lists_hang_and_nest_and_count_from_where_they_begin() -> None:
    text = "7. seven is long enough for two rows\n8. eight\n   - in it\n"
    assert markdown(text).text(24).splitlines() == [
        "  7. seven is long", "     enough for two rows", "  8. eight", "       - in it",
    ]  # fmt: skip


def test_raw_html_is_text_a_comment_nothing_and_an_address_stands_behind_its_link() -> None:
    assert markdown("a <b>c</b> [d](http://e/f) <!-- no -->").text().rstrip() == "a <b>c</b> d (http://e/f)"
    assert markdown("<div>\nx\n</div>\n\n<!-- no\nno -->\n\nz").text() == "<div>\nx\n</div>\n\nz"


def test_tables_and_quotes() -> None:
    assert markdown("| a | b |\n|---|--:|\n| x | 1 |\n| y | 22 |").text() == "  a   b\n  x   1\n  y  22"
    assert markdown("> quoted\n> `so`").text(ascii_only=True) == "| quoted `so`"


def test_code_is_not_parted_at_its_blanks() -> None:
    assert markdown("one two `movl %eax, 4(%ebx)` x").text(24).splitlines()[0] == "one two"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("#*`_-+>|[]()!<>&\n\t 1.ab\\~:\x1b\u2713"), max_size=80) | st.text(max_size=40))
def test_any_text_is_shown_and_never_obeyed(text: str) -> None:
    shown = markdown(text).text(30)
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert max(map(len, shown.splitlines()), default=0) <= 30
    assert markdown(text).text(30, ascii_only=True).isascii()


# --- single values


def test_a_task_names_what_it_wants_what_it_is_worth_and_what_helps() -> None:
    goals = (told.GoalShown("the page is `mapped`", 3, None), told.GoalShown("EBX is 1", 12, True))
    task = TaskShown("touch", "Touch it", "Write to **it**.", goals, 15, 0, False, 2, 1000)
    rule, *rows = text_of(task).splitlines()
    assert re.fullmatch(r"── task: Touch it ─+ 15 points ──", rule)
    assert len(rule) == 80
    assert rows == [
        "Write to it.",
        "  ·  3 points  the page is `mapped`",
        "  ✓ 12 points  EBX is 1",
        "within 1,000 steps; `hint` helps (2 hints); `check` tells how it stands; `task`",
        "shows it again",
    ]


def test_a_remark_stands_behind_a_bar_and_a_hint_behind_its_number() -> None:
    assert text_of(Remarked("DPL is 0.\n\nSo ...")) == "│ DPL is 0.\n│\n│ So ..."
    assert text_of(HintShown("x", 1, 3, "Look at `cr2`.")) == "hint 1 of 3: Look at `cr2`."
    assert text_of(HintShown("x", 3, 3, "Look.", again=True)) == "hint 3 of 3 again, there is no other: Look."


def test_what_was_said_stands_beside_what_the_machine_did() -> None:
    rows = (PredictedRow("Does it fault?", "yes", "yes", True), PredictedRow("Which code?", "7", "6", False))
    assert text_of(Predicted("p", rows, 1, 2, "")).splitlines() == [
        "",
        "   you said  the machine",
        "✓  yes       yes          Does it fault?",
        "✗  7         6            Which code?",
        "p: 1 of 2 points",
        "`lesson next` goes on",
    ]


def test_where_replies_are_sentences_they_stand_below_the_question() -> None:
    sentence = "the page is mapped, and the instruction executed"
    rows = (PredictedRow("What comes of it?", sentence, sentence, True), PredictedRow("Which `DS`?", "8", "0", False))
    assert text_of(Predicted("p", rows, 1, 2, "")).splitlines() == [
        "",
        "✓  What comes of it?",
        f"   {sentence}",
        "✗  Which `DS`?",
        "   you said     8",
        "   the machine  0",
        "p: 1 of 2 points",
        "`lesson next` goes on",
    ]


def test_a_wrong_reply_says_what_is_left() -> None:
    assert text_of(Wronged("x", "6", 1, "", "")) == "✗ 6 is not right; 1 reply may still count, and `hint` helps"
    assert text_of(Wronged("x", "0x64 (100)", 1, "", "")).startswith("✗ 0x64 (100) is not right;")
    assert text_of(Wronged("x", "the PDE", 1, "", "")).startswith('✗ "the PDE" is not right;')
    assert text_of(Wronged("x", "6", 0, "7", "So.")).splitlines() == [
        "✗ 6 is not right: right is 7", "", "So.", "`lesson next` goes on",
    ]  # fmt: skip


def test_the_end_of_a_lesson_names_what_was_missed() -> None:
    rows = (
        PartRow(1, "touch", "task", "", 10, 10, "solved", 1, False, False),
        PartRow(2, "", "", "", 0, 0, "", 0, False, False),
        PartRow(3, "code", "ask", "", 0, 2, "missed", 0, True, True),
    )
    shown = text_of(LessonShown("A lesson", "key", rows, 10, 12, True)).splitlines()
    assert shown[2:] == [
        "   1  touch  task      10 of 10  ✓ solved  1 hint",
        "→  3  code   question  0 of 2    ✗ missed  answer shown",
        "10 of 12 points",
        "not all points: code; what was missed counts no more",
    ]
    begun = (PartRow(4, "touch-all", "task", "", 1, 9, "begun", 0, False, False),)
    assert text_of(LessonShown("A lesson", "key", rows + begun, 11, 21, True)).endswith(
        "not all points: code, touch-all; `lesson goto touch-all` returns to what can\nstill be done"
    )
    assert "2  text" in text_of(LessonShown("A lesson", "key", rows, 10, 12, False))


def test_the_course_tells_states_by_sign_and_word() -> None:
    rows = (CourseRow(1, "One", "About one.", 30, 10, 10, "done"), CourseRow(12, "Two", "About two.", 5, 0, 9, "new"))
    shown = text_of(CourseShown(rows, 12), 100).splitlines()
    assert shown[0] == " 1  One  30 min  10 of 10 points  ✓ done  About one."
    assert shown[1] == "12  Two   5 min    0 of 9 points  · new   About two."
    assert "   About two." in shown
    assert any("pagefault-lab lesson 12 " in line for line in shown)
    assert "no lessons" in text_of(CourseShown((), None))


def test_prose_that_says_nothing_takes_no_room() -> None:
    assert text_of(ProseShown("<!-- nothing -->")) == ""
