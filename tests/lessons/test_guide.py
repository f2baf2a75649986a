"""The instructors' guide is right: its lesson is proved, its commands lead from that to a grade, and what it says of
errors is what the tools say."""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pagefault_lab.bridges.plain_text import plain_text
from pagefault_lab.lab import lessons
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.proving import Finding, proofs
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.tutor.variants import seed_of

ROOT = Path(__file__).parents[2]
GUIDE = (lessons.folder() / "instructors-guide.md").read_text("utf-8")
[LESSON] = re.findall(r"^````markdown\n(.*?)^````$", GUIDE, re.DOTALL | re.MULTILINE)
ADA = "Ada Lovelace"


def commands() -> list[list[str]]:
    """The commands of the guide, in their order, as words."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for block in blocks for line in block.splitlines()]


def run(words: list[str], folder: Path, typed: str = "") -> str:
    """Run `pagefault-lab` with these words in a folder, as someone whose home that is; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pagefault_lab", *words], cwd=folder, input=typed, capture_output=True, text=True,
        encoding="utf-8", timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def findings(text: str) -> list[Finding]:
    found = (proof.run() for proof in proofs(read_lesson(text, "stack.md"), plain_text))
    return [each for each in found if each is not None]


def test_the_lesson_of_the_guide_is_proved() -> None:
    assert findings(LESSON) == []


def test_the_commands_of_the_guide_lead_from_its_lesson_to_a_grade(tmp_path: Path) -> None:
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    for folder in (teacher / "handed-in", student):
        folder.mkdir(parents=True)
    (teacher / "stack.md").write_text(LESSON, "utf-8")
    check, try_it, render, publish, take, submit, grade = commands()

    run(check, teacher)
    assert "The stack grows" in run(try_it, teacher)
    run(render, teacher)
    assert "<html" in (teacher / "stack.html").read_text("utf-8")
    run(publish, teacher)
    published = (teacher / "student" / "stack.md").read_text("utf-8")
    assert "answer" not in published

    (student / "stack.md").write_text(published, "utf-8")
    assert ADA in take
    place = Attempt(read_lesson(LESSON, "stack.md"), seed_of(ADA, "stack-growth")).values["place"]
    typed = ["say yes, 6", "lesson next", f"movl ${place + 16},%esp", "pushl %eax", "c"]
    assert "6/6" in run(take, student, "\n".join(typed) + "\n")
    run(submit, student)
    handed_in = "stack-growth-ada-lovelace.submission"
    assert handed_in in GUIDE
    (student / handed_in).rename(teacher / "handed-in" / handed_in)

    run(grade, teacher)
    with (teacher / "grades" / "grades.csv").open(encoding="utf-8") as table:
        [row] = csv.DictReader(table)
    assert (row["student"], row["points"], row["of"]) == (ADA, "6", "6")


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('goal = "pte($place).present"', 'goal = "!pte($place).present"', "this earns points before anything is done"),
        ("pushl %eax\nc\n", "pushl %eax\nc\nnop\n", "without this line the answer solves the task as well"),
    ],
)
def test_what_goes_wrong_is_told_in_the_words_of_the_guide(right: str, wrong: str, sentence: str) -> None:
    assert right in LESSON
    assert sentence in " ".join(GUIDE.split())
    assert sentence in {finding.sentence for finding in findings(LESSON.replace(right, wrong))}
