"""Reading a lesson: what it becomes, and for each thing that can be wrong with a file the sentence and its place."""

from __future__ import annotations

import dataclasses
import unicodedata
from pathlib import Path

import pytest
from taking import check_place, lesson_of, what_reading_gives

from pagefault_lab.lab import expressions
from pagefault_lab.problem import Problem, Problems
from pagefault_lab.tutor.lesson import (
    Ask,
    Computed,
    Lab,
    Lines,
    OneOf,
    Predict,
    Program,
    Prose,
    Range,
    Show,
    Task,
)
from pagefault_lab.tutor.questions import USUAL, usual
from pagefault_lab.tutor.reading import LONGEST, MOST_PROBLEMS, is_optional, read_lesson

SAMPLE = (Path(__file__).parent / "sample.md").read_text("utf-8")
SMALL = '+++\nformat = 1\nkey = "small"\ntitle = "Small"\n+++\n\nText.\n'


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(Problems) as caught:
        read_lesson(text, "sample.md")
    return caught.value.problems


def edited(old: str, new: str) -> str:
    assert old in SAMPLE
    return SAMPLE.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


# --- what it becomes


def test_the_front_matter_and_the_variants_are_read() -> None:
    lesson = read_lesson(SAMPLE, "sample.md", Path("somewhere"))
    assert (lesson.name, lesson.key, lesson.title) == ("sample.md", "sample", "A sample")
    assert (lesson.summary, lesson.world, lesson.minutes) == ("Everything that a lesson can have.", "linux", 20)
    assert (lesson.budget, lesson.edition, lesson.folder) == (10_000, "", Path("somewhere"))
    assert list(lesson.variants) == ["offset", "cause", "target"]
    assert lesson.variants["offset"] == Range(1, 15)
    assert lesson.variants["cause"] == OneOf((2, 4, 6))
    target = lesson.variants["target"]
    assert isinstance(target, Computed)
    assert target.value.text == "user_heap + $offset * 4"


def test_what_is_not_said_has_a_default() -> None:
    lesson = read_lesson(SMALL, "small.md")
    assert (lesson.world, lesson.summary, lesson.minutes, lesson.budget) == ("linux", "", 0, 1_000_000)
    assert (lesson.variants, lesson.edition, lesson.folder) == ({}, "", None)
    assert [part.exercise for part in lesson.parts] == [None]


def test_a_part_ends_with_its_exercise_or_at_a_pause() -> None:
    lesson = read_lesson(SAMPLE, "sample.md")
    assert [part.exercise.id if part.exercise else None for part in lesson.parts] == [
        "touch", "code", "who", "read-only", "more", None
    ]  # fmt: skip
    pauses = read_lesson(SMALL + "\n---\n\nMore.\n\n***\n\nStill.\n\n---\n---\n", "small.md")
    assert [[block.text for block in part.blocks if isinstance(block, Prose)] for part in pauses.parts] == [
        ["Text."], ["More.\n\n***\n\nStill."]
    ]  # fmt: skip


def test_blocks_keep_their_order_their_flags_and_their_lines() -> None:
    first, second, *_, last = read_lesson(SAMPLE, "sample.md").parts
    prose, lab, program, show = first.blocks
    assert isinstance(prose, Prose)
    assert prose.text.startswith("# A sample\n\nThe heap")
    assert prose.text.endswith("```c\nint answer = 42;\n```")
    assert prose.line == line_of(SAMPLE, "# A sample")
    where = line_of(SAMPLE, "# The address")
    assert lab == Lab(Lines(("# The address is {{ $target }}.", "movl $user_heap,%ebx"), where))
    assert program == Program(Lines(("again: jmp again",), line_of(SAMPLE, "again:")), aside=True, quiet=True)
    assert show == Show("walk user_heap write", ("old output {{ stays }}",), line_of(SAMPLE, "walk user"))
    assert second.blocks == (Lab(Lines(("movl $1,%eax",), line_of(SAMPLE, "movl $1")), fresh=True, aside=True),)
    assert last.blocks == (Prose("The end.", line_of(SAMPLE, "The end")),)


def test_a_task_is_read() -> None:
    lesson = read_lesson(SAMPLE, "sample.md")
    task = lesson.exercises[0]
    assert isinstance(task, Task)
    assert (task.id, task.title, task.text) == ("touch", "Touch the heap", "Write to {{/x $target}}.")
    assert [(goal.holds.text, goal.points) for goal in task.goals] == [
        ("ever(fault(14)) && pte(user_heap).present", 10)
    ]
    assert task.hints == ("Which instruction writes?", "`movl`, to {{ $target }}.")
    assert (task.budget, task.continues, task.after) == (100, False, "The kernel gave you a page.")
    assert task.answer == Lines(("movl %eax,{{ $target }}", "c  # optional"), line_of(SAMPLE, "movl %eax,{{"))
    assert [(remark.when.text, remark.say) for remark in task.remarks] == [("eax == 5", "EAX is {{ eax }}.")]
    assert [(wrong.lines, wrong.earns, wrong.says) for wrong in task.wrong] == [
        (Lines(("movl {{ $target }},%eax",), line_of(SAMPLE, "movl {{")), 0, "EAX"),
        (Lines(("nop", "nop"), line_of(SAMPLE, "nop")), 10, ""),
    ]
    assert task.line == line_of(SAMPLE, "```task")
    more = lesson.exercises[-1]
    assert isinstance(more, Task)
    assert more.continues
    assert [(goal.holds.text, goal.points, goal.text) for goal in more.goals] == [
        ("ecx == 7", 3, "ECX is 7"), ("ecx > 5", 1, "")
    ]  # fmt: skip


def test_an_ask_is_read_and_counts_one_reply_of_two_choices() -> None:
    code, who = (each for each in read_lesson(SAMPLE, "sample.md").exercises if isinstance(each, Ask))
    assert (code.points, code.tries, code.question.text, code.question.choices) == (2, 3, "Which error code?", ())
    assert code.question.answer is not None
    assert code.question.answer.text == "$cause"
    assert [remark.when.text for remark in code.remarks] == ["$said == 5"]
    assert (who.tries, who.question.choices) == (1, ("the PDE", "the PTE"))
    usual_tries = read_lesson(edited("tries = 3\n", ""), "sample.md").exercises[1]
    assert isinstance(usual_tries, Ask)
    assert usual_tries.tries == 2


def test_a_prediction_asks_the_usual_questions_and_then_its_own() -> None:
    (predict,) = (each for each in read_lesson(SAMPLE, "sample.md").exercises if isinstance(each, Predict))
    assert (predict.each, predict.points, predict.text) == (2, 8, "Think first.")
    assert predict.lines.lines == ("movl %eax,user_rodata",)
    assert [question.text for question in predict.questions] == [
        usual("fault").text, usual("error").text, "How many longs?", "Which ring?"
    ]  # fmt: skip
    assert predict.questions[-1].choices == ("0", "1")


@pytest.mark.parametrize("line", ["c # optional", "c #optional  ", "c\t# optional"])
def test_a_line_that_may_be_left_out_says_so_at_its_end(line: str) -> None:
    assert is_optional(line)
    assert not is_optional(line + " no")


def test_line_ends_a_mark_at_the_begin_and_indentation_are_no_difference() -> None:
    lesson = read_lesson(SAMPLE, "sample.md")
    other = read_lesson("\ufeff" + SAMPLE.replace("\n", "\r\n"), "sample.md")
    assert (other.digest, other.source) == (lesson.digest, lesson.source)
    block = SAMPLE[SAMPLE.index('```ask\nid = "who"') : SAMPLE.index("```predict")]
    indented = edited(block, "".join(f"  {line}\n" if line else "\n" for line in block.splitlines()))
    assert read_lesson(indented, "sample.md").digest == lesson.digest


def test_the_digest_is_of_the_content_and_not_of_the_file_or_its_answers() -> None:
    digest = read_lesson(SAMPLE, "sample.md").digest
    assert read_lesson(SAMPLE, "other.md", Path()).digest == digest
    assert read_lesson(edited("c  # optional", "c"), "sample.md").digest == digest
    assert read_lesson(edited("points = 10", "points = 11"), "sample.md").digest != digest
    assert read_lesson(edited("The end.", "The End."), "sample.md").digest != digest


# --- a student edition


def test_a_student_edition_may_lack_answers_and_must_be_as_it_was_published() -> None:
    start, end = SAMPLE.index("answer = '''"), SAMPLE.index("[[messages]]")
    digest = read_lesson(SAMPLE, "sample.md").digest
    text = SAMPLE[:start] + SAMPLE[end:]
    text = text.replace('world = "linux"', f'edition = "student"\nlab = "0.1.0"\ndigest = "{digest}"', 1)
    lesson = read_lesson(text, "sample.md")
    assert (lesson.edition, lesson.digest) == ("student", digest)
    task = lesson.exercises[0]
    assert isinstance(task, Task)
    assert task.answer is None
    (problem,) = problems(text.replace("The end.", "Changed."))
    assert problem.sentence == "this is not what was published"
    assert problem.line == line_of(text, "digest = ")


def test_an_edition_for_another_version_of_the_lab_is_refused_and_all_that_is_said() -> None:
    text = SAMPLE.replace('world = "linux"', 'edition = "student"\nlab = "9.9"\ndigest = "00"', 1)
    (problem,) = problems(text.replace("points = 10\n", ""))
    assert "is for pagefault-lab 9.9" in problem.sentence
    assert problem.line == line_of(text, "lab = ")
    found = problems(text.replace('"9.9"', '"9.9; rm -r /"'))
    assert not any("rm" in problem.sentence + (problem.hint or "") for problem in found)


def test_an_answer_known_by_its_digest_is_for_student_editions_only() -> None:
    text = edited('answer = "$cause"', 'digest = "0123456789abcdef"')
    (problem,) = problems(text)
    assert "only a student edition" in problem.sentence
    student = 'edition = "student"\nlab = "0.1.0"\ndigest = "00"'
    (problem,) = problems(text.replace('world = "linux"', student, 1))
    assert problem.sentence == "this is not what was published"


# --- what can be wrong with it: (what is replaced, by what, what is said, what the caret points to)

FRONT = [
    ("format = 1\n", "", "this front matter has no format", "+++"),
    ("format = 1", "format = 2", "format 2", "format = 2"),
    ("format = 1", 'format = "1"', "format must be 1", "format = "),
    ("format = 1", "format = true", "format must be 1", "format = "),
    ('key = "sample"', 'key = "A b"', "key must be small letters and digits, joined by hyphens", "key = "),
    ('key = "sample"', f'key = "{"k" * 61}"', "at most 60 characters", "key = "),
    ('key = "sample"', 'key = "-"', "key must be small letters", "key = "),
    ('key = "sample"', 'kye = "sample"', "there is no key kye in this front matter", "kye = "),
    ('title = "A sample"', 'title = ""', "title must be a line of text", "title = "),
    ('title = "A sample"', 'title = "A\\nB"', "title must be a line of text", "title = "),
    ('title = "A sample"', "title = 5", "title must be a line of text", "title = "),
    ('world = "linux"', 'world = "linus"', "world must be one of linux, bare", "world = "),
    ('world = "linux"', 'world = ["linux"]', "world must be one of linux, bare", "world = "),
    ("minutes = 20", "minutes = -1", "minutes must be a whole number from 1 to 600", "minutes = "),
    ("minutes = 20", "minutes = 2.5", "minutes must be a whole number", "minutes = "),
    ("minutes = 20", "minutes = 2024-01-01", "minutes must be a whole number", "minutes = "),
    ("budget = 10_000", "budget = 0", "budget must be a whole number from 1 to", "budget = "),
    ("budget = 10_000", "budget = 0x7fffffffffffffff", "budget must be a whole number", "budget = "),
    ("budget = 10_000", f"budget = {'9' * 5000}", "a number in this TOML has thousands of digits", "format"),
    ("minutes = 20", 'edition = "student"', "has edition but no lab", "edition = "),
    ("minutes = 20", 'lab = "0.1.0"', "has lab but no edition", "lab = "),
    ("minutes = 20", "minutes = ", "this is not TOML: Invalid value", "\n"),
    ("minutes = 20", "minutes = 20 30", "this is not TOML: Expected newline", "30"),
    ("minutes = 20", "minutes = 20\nminutes = 30", "this is not TOML: Cannot overwrite a value", "\n"),
    ("minutes = 20", f"minutes = {'[' * 3000}", "nested too deeply", 'format = 1'),
    ("minutes = 20", f"minutes.{'a.' * 3000}b = 1", "nested too deeply", "minutes.a.a"),
    ("[variants]", "[variant]", "there is no key variant in this front matter", "[variant]"),
    ("[variants]", "[[variants]]", "variants must be a table", "[[variants]]"),
    ("{ from = 1, to = 15 }", "{ from = 1 }", "has from but no to", "from = 1 }"),
    ("{ from = 1, to = 15 }", "{ from = 1, upto = 15 }", "there is no key upto in this variant", "upto"),
    ("{ from = 1, to = 15 }", "{ from = 15, to = 1 }", "there is no number from 15 to 1", "offset = "),
    ("{ from = 1, to = 15 }", "{ from = 1.0, to = 15 }", "from must be a whole number", "from = 1.0"),
    ("{ from = 1, to = 15 }", "{ }", "neither from and to nor one_of nor value", "offset = "),
    ("{ from = 1, to = 15 }", "[1, 2]", "offset must be a table", "offset = "),
    ("{ from = 1, to = 15 }", '{ from = 1, to = 2, value = "3" }', "has both from and value", "value = "),
    ("{ one_of = [2, 4, 6] }", "{ one_of = [] }", "one_of must be a list of 1 to 1000 whole numbers", "one_of"),
    ("{ one_of = [2, 4, 6] }", '{ one_of = [2, "4"] }', "number 2 of one_of must be a whole number", '"4"'),
    ("offset = {", "eax = {", "a variant cannot be called eax", "eax = {"),
    ("offset = {", "said = {", "a variant cannot be called said", "said = {"),
    ("offset = {", '"a b" = {', "a b cannot be a key here", '"a b" = {'),
    ("user_heap + $offset * 4", "user_heap + $ofset * 4", "$ofset is not known here", "$ofset"),
    ("user_heap + $offset * 4", "user_heap + $target", "$target is not known here", "$target"),
    ("user_heap + $offset * 4", "user_heap + * 4 +", "a value is missing here", '" }'),
    ("user_heap + $offset * 4", "user_heap + pte(1).presnt", "presnt", "presnt"),
]  # fmt: skip

TEXT = [
    ("{{ user_heap }}", "{{ user_heap", "this {{ is never closed", "{{ user_heap"),
    ("{{ user_heap }}", "{{ user_heap + }}", "a value is missing here", "}}"),
    ("{{ user_heap }}", "{{ (1 }}", "a ) is missing", "(1 }}"),
    ("{{ user_heap }}", "{{ 1 \n 2 }}", "2 is more than can stand here", "2 }}"),
    ("{{/z cr3}}", "{{/q cr3}}", "there is no format /q", "/q cr3"),
    ("The end.", "<!-- one\n{{ -->\n\nThe end. {{/q 1}}   ", "there is no format /q", "/q 1"),
    ("The end.", "The end. <!-- {{ --> {{/q 1}}", "there is no format /q", ""),
    ("{{/z cr3}}", "{{}}", "a value is missing here", "}}"),
    ("The end.", "The\u202e end.", "U+202E cannot stand here: right-to-left override", "? end."),
    ("The end.", "The\x1b[31m end.", "U+001B cannot stand here: a control character", "?[31m end."),
    ("The end.", "The\x00 end.", "U+0000 cannot stand here", "? end."),
    ("The end.", "The\u2028 end.", "U+2028 cannot stand here", "? end."),
    ("The end.", "The\r end.", "U+000D cannot stand here", "? end."),
    ("The end.", "The end.\n\n```c\nint", "this block is never closed", "```c"),
    ("The end.", "The end.\n\n```lab\nnop", "this block is never closed", "```lab"),
    ("The end.", "```lab\nnop\n\n```show\np 1\n1\n```\nThe end.", "this block is not closed before another", "```lab"),
    ("The end.", "> ```lab\n> nop\n> ```", "a lab block cannot stand in a list or a quotation", "lab"),
    ("The end.", "- one\n\n  ```task\n  x\n  ```", "a task block cannot stand in a list", "task"),
]

BLOCKS = [
    ("```lab\n", "```labs\n", "there is no block labs", "labs"),
    ("```lab\n", "```Lab\n", "there is no block Lab", "Lab"),
    ("```task\n", "```tsak\n", "there is no block tsak", "tsak"),
    ("```predict\n", "```prediction\n", "there is no block prediction", "prediction"),
    ("```lab fresh", "```lab frsh", "lab takes no frsh", "frsh"),
    ("```asm aside", "```asm fresh", "asm takes no fresh", "fresh"),
    ("```show\n", "```show quiet\n", "show takes no quiet", "quiet"),
    ("```task\n", "```task aside\n", "task takes no aside", "aside"),
    ("movl $1,%eax\n", "", "this lab block is empty", "lab fresh"),
    ("again: jmp again\n", "  \n", "this asm block is empty", "asm aside"),
    ("walk user_heap write\n", "\n", "this show block is empty", "show"),
    ("movl $1,%eax\n", "\tmovl ${{ cs + }},%eax\n", "a value is missing here", "}},"),
    ("movl $1,%eax\n", "movl ${{ cs ,%eax\n", "this {{ is never closed", "{{ cs"),
    ("walk user_heap", "walk {{/q 1}}", "there is no format /q", "/q 1"),
]

BODIES = [
    ('id = "touch"\n', "", "this task has no id", "```task"),
    ('id = "touch"', "id = 5", "id must be small letters", "id = 5"),
    ('id = "touch"', 'id = "Touch"', "id must be small letters", "id = "),
    ('id = "code"', 'id = "touch"', "there are two exercises touch", 'id = "touch"'),
    ('title = "Touch the heap"', "title = []", "title must be a line of text", "title = "),
    ("points = 10\n", "", "this task has goal but no points", "goal = "),
    ("points = 10\n", "points = -1\n", "points must be a whole number from 0 to 1000", "points = -1"),
    ("points = 10\n", "points = 1001\n", "points must be a whole number from 0 to 1000", "points = "),
    ("points = 10\n", "points = true\n", "points must be a whole number", "points = true"),
    ("points = 10\n", "pionts = 10\n", "there is no key pionts in this task", "pionts"),
    ("points = 10\n", "points = 1_000_\n", "this is not TOML", "_"),
    ("points = 10\n", "points = 9\n", "this wrong answer cannot earn 10", "earns = 10"),
    ("goal = ", "gaol = ", "there is no key gaol in this task", "gaol"),
    ("ever(fault(14)) &&", "ever(fualt(14)) &&", "fualt is no event", "fualt"),
    ("ever(fault(14)) &&", "ever(fault(14)) & &", "only a symbol, memory or a structure there has", "& pte"),
    ('hints = ["Which', 'hints = [5, "Which', "number 1 of hints must be a text", "5, "),
    ('hints = ["Which', 'hints = ["", "Which', "number 1 of hints must be a text", '"", '),
    ("`movl`, to {{ $target }}.", "`movl`, to {{ $target .", "this {{ is never closed", "{{ $target ."),
    ("budget = 100\n", "budget = 0\n", "budget must be a whole number from 1", "budget = 0"),
    ('after = "The kernel', 'after = "\\u202eThe kernel', "U+202E cannot stand here", "\\u202eThe"),
    ('after = "The kernel', 'after = "\\t\\"{{ 1 + }}The kernel', "a value is missing here", "}}The"),
    (
        "answer = '''\nmovl %eax,{{ $target }}",
        "answer = '''\nmovl %eax,{{ 2 $target }}",
        "$target is more",
        "$target }}",
    ),
    ("answer = '''\nmovl %eax,{{ $target }}\nc  # optional\n'''", "answer = '''\n\n'''", "answer must be", "answer = "),
    ("answer = '''\nmovl %eax,{{ $target }}\nc  # optional\n'''\n", "", "this task has no answer", "```task"),
    ("answer = '''\nmovl %eax,{{ $target }}\nc  # optional\n'''", "answer = '''", "this is not TOML", "\n"),
    ("[[messages]]\n", "[messages]\n", "messages must be a list of 0 to 50 tables", "[messages]"),
    ("[[messages]]\n", "[[mesages]]\n", "there is no key mesages in this task", "[[mesages]]"),
    ('when = "eax == 5"', 'whem = "eax == 5"', "there is no key whem in this message", "whem"),
    ('when = "eax == 5"', 'when = "eax = 5"', "= assigns", "= 5"),
    ('say = "EAX is {{ eax }}."', "", "this message has no say", "[[messages]]"),
    ("earns = 10\n", "earn = 10\n", "there is no key earn in this wrong answer", "earn = "),
    ("nop\nnop\n", "nop\n{{nop\n", "this {{ is never closed", "{{nop"),
    ("tries = 3", "tries = 0", "tries must be a whole number from 1", "tries = "),
    ('answer = "$cause"', "answer = 4", "answer must be an expression in quotes", "answer = 4"),
    ('answer = "$cause"', "", "this ask has neither answer nor digest", "```ask"),
    ('answer = "$cause"', 'answer = ""', "a value is missing here", '"'),
    ('answer = "1"', 'answer = "3"', "there is no choice 3", "answer = "),
    ('answer = "1"', 'answer = "1 / 0"', "division by zero", "/ 0"),
    ('["the PDE", "the PTE"]', '["the PDE"]', "choices must be a list of 2 to 20 texts", "choices = "),
    ('["the PDE", "the PTE"]', '["it", "it"]', "choices has it twice", '"it"]'),
    ('question = "Who refuses?"\n', "", "this ask has no question", "```ask"),
    ('asks = ["fault", "error"]', 'asks = ["fault", "eror"]', "number 2 of asks must be one of", '"eror"'),
    ('asks = ["fault", "error"]', 'asks = ["fault", "fault"]', "asks has fault twice", '"fault"]'),
    ('asks = ["fault", "error"]', "asks = []", "asks must be a list of 1 to 8", "asks = "),
    ('lines = "movl %eax,user_rodata"\n', "", "this predict has no lines", "```predict"),
    ('answer = "cpl + 1"', 'answer = "cpl + "', "a value is missing here", '"'),
    ('answer = "cpl + 1"', 'answr = "cpl + 1"', "there is no key answr in this question", "answr"),
    ("continues = true", "continues = 1", "continues must be true or false", "continues"),
    ('holds = "ecx == 7"', "", "this goal has no holds", "[[goals]]"),
    ('holds = "ecx == 7"', 'holds = "ecx = 7"', "= assigns", "= 7"),
    ('id = "more"', 'id = "more"\npoints = 3\ngoal = "1"', "this task has both goal and goals", "[[goals]]"),
]


@pytest.mark.parametrize(("old", "new", "said", "there"), FRONT + TEXT + BLOCKS + BODIES, ids=lambda text: text[:40])
def test_what_is_wrong_is_said_with_its_place_and_the_line_as_it_is_written(
    old: str, new: str, said: str, there: str
) -> None:
    text = edited(old, new)
    lines = text.replace("\r", " ").replace("\u2028", " ").split("\n")
    for problem in problems(text):
        check_place(problem, lines)
        if said in problem.sentence and f"{problem.text}\n"[problem.column :].startswith(there):
            return
    pytest.fail("\n".join(f"{each} at {each.text!r}[{each.column}]" for each in problems(text)))


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ('world = "linux"', 'world = "linus"', "did you mean linux?"),
        ("minutes = 20", "minuets = 20", "did you mean minutes?"),
        ("```lab\n", "```labs\n", "did you mean lab?"),
        ("```lab fresh", "```lab frsh", "did you mean fresh?"),
        ("points = 10\n", "pionts = 10\n", "did you mean points or hints?"),
        ("ever(fault(14)) &&", "ever(fualt(14)) &&", "did you mean fault?"),
        ("+ $offset * 4", "+ $ofset * 4", "did you mean offset?"),
        ('asks = ["fault", "error"]', 'asks = ["fault", "eror"]', "did you mean error?"),
    ],
)
def test_the_nearest_word_is_named(old: str, new: str, hint: str) -> None:
    assert hint in [problem.hint for problem in problems(edited(old, new))]


def test_every_problem_of_a_file_is_found_at_once_and_in_its_order() -> None:
    text = SAMPLE
    for old, new in (
        ("minutes = 20", "minutes = 0"), ("{{/z cr3}}", "{{/q cr3}}"), ("```asm aside", "```asm frsh"),
        ("points = 10\n", "points = -1\n"), ("eax == 5", "eax = 5"), ("tries = 3", "tires = 3"), ("cpl + 1", "cpl +"),
        ("The end.", "{{"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new, 1)
    found = problems(text)
    assert len(found) == 8
    places = [(problem.line or 0, problem.column or 0) for problem in found]
    assert places == sorted(places)


def test_an_unknown_format_is_all_that_is_said_of_a_file() -> None:
    other = "\n".join(f"shape{number} = 5" for number in range(100))
    (problem,) = problems(edited("format = 1", "format = 7").replace('title = "A sample"', other))
    assert problem.sentence == "this lesson is of format 7"
    assert problem.hint is not None
    assert "reads format 1" in problem.hint


@pytest.mark.parametrize(
    "text", ["", "\n", "# A sample\n", "+++", "+++\n", "+++\nformat = 1\n", "++\n", " +++\n+++\n", "\ufeff"]
)
def test_a_file_without_front_matter_says_so(text: str) -> None:
    (problem,) = problems(text)
    assert "front matter" in problem.sentence
    assert problem.line == 1


def test_a_lesson_of_nothing_says_so() -> None:
    (problem,) = problems(SMALL.replace("Text.", "---"))
    assert problem.sentence == "this lesson is empty"


def test_a_task_that_continues_needs_one_before_it() -> None:
    start, end = SAMPLE.index("```task"), SAMPLE.index("---\n\n```lab fresh")
    text = SAMPLE[:start] + SAMPLE[end:]
    (problem,) = problems(text)
    assert "no task before this one" in problem.sentence
    assert problem.line == line_of(text, "continues")


@pytest.mark.parametrize(
    "language", ["c", "text", "sh", "console", "toml", "bash", "gas", "nasm", "lua", "ts", "as", "python", ""]
)
def test_the_fences_of_other_languages_are_prose(language: str) -> None:
    lesson = read_lesson(f"{SMALL}\n```{language}\nlab\n```\n", "small.md")
    (block,) = lesson.parts[0].blocks
    assert isinstance(block, Prose)


def test_the_body_of_a_fence_is_not_looked_at_as_markdown() -> None:
    text = edited("nop\nnop\n", "nop # ---\n- ```task\n> +++\n")
    task = read_lesson(text, "sample.md").exercises[0]
    assert isinstance(task, Task)
    assert task.wrong[1].lines.lines == ("nop # ---", "- ```task", "> +++")


# --- whatever a file holds


def many(piece: str) -> str:
    """A text of as many of these as a lesson has room for, about."""
    return piece * ((LONGEST - 1000) // len(piece))


def test_nothing_unseen_is_ever_said() -> None:
    text = edited("[variants]", '"\\u202e\\u001b[31m" = 1\n"a\\u2066" = 2\n[variants]')
    for problem in problems(text):
        for said in (problem.sentence, problem.hint or "", problem.text or ""):
            assert not [each for each in said if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_letters_of_any_script_may_stand_in_a_text() -> None:
    text = "Ünïcödé, ελληνικά, עברית, فارسی\u200cها, 日本語, 👩\u200d💻, a\u00a0b"
    lesson = read_lesson(SMALL.replace("Text.", text), "small.md")
    assert lesson.parts[0].blocks == (Prose(text, 7),)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LONGEST + 1),
        *(SMALL + many(piece) for piece in (
            "{{ 1 +", "{{ 1 }}", "{{ + }}\n\n---\n", "```lab frsh\nnop\n```\n", "```task\n```\n", "> ", "- a\n", "[",
            "`", "a <!-- ", "<!-- {{ -->\n", "``` ", "\n", "[a]: b\n",
        )),
        SMALL + "".join("a" + "`" * number for number in range(400)),
        *(SMALL.replace("+++\n\n", f"{text}\n+++\n") for text in (
            f"x = {many('[')}", f"x = {many('{a=')}", f"{many('a.')}b = 1", f"{many('a .')}b = 1", f"[{many('a.')}b]",
            f"x = {many('9')}", f"{many('k')} = 1", f"x = '{many('a')}'", f"x = [{many('1,')}]", many("[[x]]\n"),
            "\n".join(f"titl{number} = 1" for number in range(9_000)),
            "[variants]\n" + "\n".join(f"v{number} = {{}}" for number in range(9_000)),
            "[variants]\n" + "\n".join(f"v{number}.value = '$v'" for number in range(6_000)),
            "[variants]\n" + "\n".join(f"v{number}.one_of = [1]" for number in range(6_000)),
        )),
    ],
    ids=lambda text: f"{text[-24:]!r} {len(text)}",
)  # fmt: skip
def test_reading_ends_soon_whatever_a_file_holds(text: str) -> None:
    found = what_reading_gives(text, 20_000_000)
    if isinstance(found, Problem):
        assert len(getattr(found, "problems", ())) <= MOST_PROBLEMS
        assert len(found.sentence) < 500


def test_expressions_that_would_take_long_are_refused_where_they_stand() -> None:
    for goal in ("(" * 500 + "1", "1" + "+1" * 900, "~" * 999 + "1"):
        (problem,) = problems(edited("ever(fault(14)) && pte(user_heap).present", goal))
        assert problem.line == line_of(SAMPLE, "goal = ")
    assert expressions.LONGEST == 2000


def test_the_usual_questions_are_all_known_to_the_reader() -> None:
    text = edited('asks = ["fault", "error"]', f"asks = {list(USUAL)}")
    (predict,) = (each for each in read_lesson(text, "sample.md").exercises if isinstance(each, Predict))
    assert len(predict.questions) == len(USUAL) + 2


def test_a_lesson_is_a_value() -> None:
    lesson = read_lesson(SAMPLE, "sample.md")
    with pytest.raises(dataclasses.FrozenInstanceError):
        lesson.title = "other"  # type: ignore[misc]


def test_a_lesson_of_endless_parts_is_refused_at_the_first_too_many() -> None:
    part = "Text.\n\n---\n\n"
    assert len(lesson_of(part * 200).parts) == 200
    with pytest.raises(Problems) as raised:
        lesson_of(part * 201)
    assert "at most 200 parts" in str(raised.value)
