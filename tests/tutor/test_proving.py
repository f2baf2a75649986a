"""Each proof fails on a lesson that is wrong in just that way, and on no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefault_lab.bridges.plain_text import plain_text
from pagefault_lab.terminal.lesson_tools.new import lesson_called
from pagefault_lab.tutor.proving import KINDS, Finding, proofs, shown
from pagefault_lab.tutor.reading import read_lesson

RIGHT = """\
+++
format = 1
key = "right"
title = "A lesson that is right"
budget = 5_000

[variants]
page = { from = 1, to = 3 }
place = { value = "user_heap + $page * 0x1000" }
+++
The heap is at {{ user_heap }}.

```lab
movl $user_heap,%ebx
```

```show
p user_heap
user_heap = 0x804c000 (134529024)
```

```task
id = "touch"
text = "Write to {{ $place }}."
hints = ["A read of the page will not do.", "Then let it go on."]
budget = 3_000
after = "Now it is at {{ pte($place).frame }}."
answer = '''
movl %eax,{{ $place }}
c
nop  # optional
'''
[[goals]]
holds = "pte($place).present"
points = 3
[[goals]]
holds = "ever(fault(14, error == 6 && cr2 == $place))"
points = 2
[[messages]]
when = "pte(ebx).present"
say = "That is page {{ ebx }}."
[[wrong]]
lines = '''
movl {{ $place }},%eax
c
'''
earns = 3
[[wrong]]
lines = '''
movl %eax,(%ebx)
c
'''
earns = 0
says = "That is page"
```

```task
id = "go-on"
continues = true
points = 1
goal = "eax == eip && u8[eip - 5] == 0xe8 && pte($place).present"
answer = '''
asm
where:  movl    (%esp),%eax
        ret
end
call where
c
'''
```

```ask
id = "code"
points = 2
question = "Which page directory entry is that of the heap?"
answer = "user_heap >> 22"
[[messages]]
when = "$said == 0"
say = "Zero is the first one."
```

```ask
id = "which"
points = 1
question = "Which one?"
choices = ["the PDE", "the PTE"]
answer = "pde($place).present ? 2 : 1"
```

```predict
id = "what"
lines = "movl %eax,user_rodata"
asks = ["fault", "error", "cr2", "entry", "ring"]
hints = ["It is at {{ user_rodata }}."]
[[questions]]
text = "How many?"
answer = "cpl == 0 ? 1 : 2"
choices = ["{{ 2 * 3 }}", "7"]
```

---

The end.
"""


def findings(text: str, seeds: int = 3) -> list[Finding]:
    lesson = read_lesson(text, "right.md", Path(__file__).parent)
    return [finding for proof in proofs(lesson, plain_text, seeds) if (finding := proof.run())]


def flawed(before: str, after: str) -> str:
    assert RIGHT.count(before) == 1, before
    return RIGHT.replace(before, after)


def test_a_right_lesson_passes_and_tries_every_kind_of_proof() -> None:
    lesson = read_lesson(RIGHT, "right.md")
    assert {proof.kind for proof in proofs(lesson, plain_text, 3)} == set(KINDS)
    assert findings(RIGHT) == []


def test_names_of_proofs_are_telling_and_none_is_twice() -> None:
    lesson = read_lesson(RIGHT, "right.md")
    names = [f"{proof.part}::{proof.name}" for proof in proofs(lesson, plain_text, 3)]
    assert len(set(names)) == len(names)
    assert {
        "touch::begin", "touch::show 1", "touch::answer", "touch::without line 2", "touch::wrong 2", "touch::hint 1",
        "touch::message 1", "touch::another variant", "touch::unsolved", "go-on::without line 1", "code::answer",
        "go-on::without line 4", "what::answer", "part 6::begin", "touch::answer without what is optional",
    } <= set(names)  # fmt: skip
    assert "touch::without line 3" not in names
    assert any(name.startswith("touch::seed ") for name in names)
    assert not any(name.startswith(("part 6::seed", "code::seed")) for name in names), "these do not vary"


# what is changed in the right lesson; the proof that then fails, the place, and a word of what is said
FLAWS = {
    "a lab line is wrong": (
        "movl $user_heap,%ebx\n```", "movl $user_heap,%ebz\n```", "touch::begin", "movl $user_heap,%ebz", "ebz"
    ),
    "a lab block is not finished": (
        "movl $user_heap,%ebx\n```", "asm\n```", "touch::begin", "asm", "not finished",
    ),
    "a lab line never ends": (
        "movl $user_heap,%ebx\n```", "self: jmp self\n```", "touch::begin", "self: jmp self", "broken off",
    ),
    "prose quotes what is not there": (
        "{{ user_heap }}", "{{ usr_heap }}", "touch::begin", "The heap", "usr_heap is not defined"
    ),
    "a hint quotes what is not there": (
        "{{ user_rodata }}", "{{ rodata }}", "what::begin", "hints", "rodata is not defined"
    ),
    "output is stale": (
        "(134529024)", "(134529025)", "touch::show 1", "user_heap = 0x804c000", "not what the command says"
    ),
    "a goal holds before": (
        'holds = "pte($place).present"', 'holds = "!ever(fault(14, cr2 != $place))"', "touch::unsolved", "```task",
        "before anything is done",
    ),
    "an answer does not solve": (
        "movl %eax,{{ $place }}\nc", "movl {{ $place }},%eax\nc", "touch::answer", "movl {{ $place }}", "does not solve"
    ),
    "an answer's line is wrong": (
        "{{ $place }}\nc\nnop", "{{ $place }}\ncc\nnop", "touch::answer", "cc", "cc is neither"
    ),
    "an answer takes too long": (
        "budget = 3_000", "budget = 300", "touch::answer", "movl %eax,{{ $place }}", "does not solve"
    ),
    "an answer's block is not finished": (
        "end\ncall where\nc", "nop", "go-on::answer", "asm", "not finished"
    ),
    "an answer has a line too many": (
        "nop  # optional", "nop", "touch::without line 3", "nop", "without this line"
    ),
    "a block in an answer has a line too many": (
        "        ret\nend", "        nop\n        ret\nend", "go-on::without line 3", "nop", "without this line"
    ),
    "what is needed is marked as optional": (
        "{{ $place }}\nc\nnop", "{{ $place }}\nc  # optional\nnop", "touch::answer without what is optional",
        "movl %eax,{{ $place }}", "does not solve",
    ),
    "a wrong answer earns something else": (
        "earns = 3", "earns = 2", "touch::wrong 1", "movl {{ $place }},%eax", "earns 3"
    ),
    "a wrong answer is right": (
        "movl %eax,(%ebx)\nc", "movl %eax,{{ $place }}\nc", "touch::wrong 2", "movl %eax,{{ $place }}", "solves"
    ),
    "a wrong answer cannot be executed": (
        "movl %eax,(%ebx)\nc", "movl %eax,(%ebz)\nc", "touch::wrong 2", "movl %eax,(%ebz)", "ebz"
    ),
    "nothing is said to a wrong answer": (
        'says = "That is page"', 'says = "This is page"', "touch::wrong 2", "movl %eax,(%ebx)", "not said"
    ),
    "a hint gives the answer away": (
        "Then let it go on.", "`MOVL  %eax, {{ $place }}` does it.", "touch::hint 2", "hints", "gives a line"
    ),
    "a message asks for what is not there": (
        'when = "pte(ebx).present"', 'when = "pte(ebx + heap).present"', "touch::message 1", 'when', "heap is not"
    ),
    "a message cannot be said": (
        "{{ ebx }}", "{{ ebz }}", "touch::wrong 2", "say", "ebz is not"
    ),
    "what is said after it cannot be": (
        "{{ pte($place).frame }}", "{{ frme }}", "touch::answer", "after", "frme is not"
    ),
    "a question's answer cannot be evaluated": (
        "user_heap >> 22", "usr_heap >> 22", "code::begin", "answer", "usr_heap is not"
    ),
    "a question's answer is no choice": (
        "pde($place).present ? 2 : 1", "pde($place).present ? 3 : 1", "which::answer", "answer", "none of the choices"
    ),
    "a prediction's answer is no choice": (
        "cpl == 0 ? 1 : 2", "cpl == 0 ? 3 : 2", "what::answer", "answer", "none of the choices"
    ),
    "a prediction's line is wrong": (
        "movl %eax,user_rodata", "movl %eax,user_rodat", "what::answer", "lines", "user_rodat"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "proof", "place", "word"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_found_where_it_is(before: str, after: str, proof: str, place: str, word: str) -> None:
    found = findings(flawed(before, after), 1)
    (finding,) = [each for each in found if each.proof == proof]
    assert finding.text.strip().startswith(place)
    assert finding.text == flawed(before, after).splitlines()[finding.line - 1]
    assert word in finding.sentence
    if not proof.endswith("::begin"):  # which all that comes behind depends on
        part = proof.partition("::")[0]
        assert {each.proof.partition("::")[0] for each in found} <= {part, "go-on"}


def test_the_answer_of_one_seed_must_not_solve_the_task_of_another() -> None:
    whatever = RIGHT.replace('pte($place).present"\npoints = 3', 'ever(fault(14))"\npoints = 3')
    whatever = whatever.replace("error == 6 && cr2 == $place", "error == 6")
    whatever = whatever.replace("earns = 0\nsays", "earns = 5\nsays").replace("\nc\nnop", "\nnop")
    found = {each.proof: each for each in findings(whatever)}
    assert "the answer of one variant solves another one" in found["touch::another variant"].sentence
    assert "page = " in found["touch::another variant"].happened


def test_a_seed_whose_task_cannot_be_solved_is_found() -> None:
    too_far = flawed("to = 3", "to = 5")  # the heap has four pages
    assert {each.proof.partition(" ")[0] for each in findings(too_far, 20)} >= {"touch::seed"}


def test_proofs_end_at_the_same_place_when_they_take_too_much_and_say_it_once() -> None:
    lesson = read_lesson(RIGHT, "right.md", Path(__file__).parent)
    told = [[proof.run() for proof in proofs(lesson, plain_text, 3, effort=300_000)] for _ in range(2)]
    assert told[0] == told[1]
    given_up = told[0].index(next(filter(None, told[0])))
    assert 0 < given_up < len(told[0])
    causes = {finding and finding._replace(proof="") for finding in told[0][given_up:]}
    assert [(cause.line, cause.sentence) for cause in causes if cause] == [
        (1, "the lines of this lesson take too long, and were given up")
    ]
    assert len(causes) == 1


def test_what_happened_is_told_by_the_values_of_the_goal() -> None:
    found = findings(flawed("{{ $place }}\nc\nnop", "{{ $place }}\nnop"), 1)
    (finding,) = [each for each in found if each.proof == "touch::answer"]
    assert finding.expected == "all points"
    assert finding.happened == "2 of 5 points\npte($place).present = 0"


def test_lines_of_a_lesson_reach_no_file_outside_of_its_folder_and_write_none(tmp_path: Path) -> None:
    (tmp_path / "secret.s").write_text("nop\n")
    folder = tmp_path / "lesson"
    folder.mkdir()
    (folder / "own.s").write_text("movl $5,%eax\nmovl (%esp),%eax\n")
    for line, is_wrong in (
        ("load ../secret.s", True), (f"load {tmp_path}/secret.s", True), ("insmod /etc/passwd", True),
        ("save took.lab", False), ("load own.s", False),
    ):  # fmt: skip
        text = flawed("movl %eax,{{ $place }}\nc\n", f"{line}\nmovl %eax,{{{{ $place }}}}\nc\n")
        lesson = read_lesson(text, "right.md", folder)
        answers = [each for each in proofs(lesson, plain_text, 1) if each.name == "answer"]
        finding, continued, *_ = [proof.run() for proof in answers]
        assert is_wrong or continued is None
        assert (finding is not None) == is_wrong, line
        assert finding is None or "a lesson may read" in finding.sentence
    assert sorted(path.name for path in folder.iterdir()) == ["own.s"]


def test_the_lesson_to_begin_with_is_right_and_shows_every_kind_of_block() -> None:
    text = lesson_called("07-my own")
    assert 'key = "my-own"' in text
    assert findings(text, 20) == []
    for fence in ("lab", "lab aside", "asm", "show", "task", "ask", "predict"):
        assert f"\n```{fence}\n" in text
    lesson = read_lesson(text, "07-my own.md")
    assert {proof.kind for proof in proofs(lesson, plain_text, 3)} == set(KINDS)
    assert [output for show, output in shown(lesson, plain_text)] == [
        block.output for part in lesson.parts for block in part.blocks if type(block).__name__ == "Show"
    ]
