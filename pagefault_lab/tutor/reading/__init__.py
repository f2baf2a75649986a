"""Reading a lesson: Markdown with TOML front matter. Its blocks `lab`, `asm`, `show`, `task`, `ask` and `predict` act.

Lessons come from strangers: whatever a file holds, reading it ends soon, as a lesson or with Problems, all at once and
each with its place. What TOML may say stands in lesson.schema.json; here is what no schema can say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.editions import digest_of
from pagefault_lab.tutor.lesson import STUDENT, Draw, Lesson
from pagefault_lab.tutor.reading.exercises import is_optional
from pagefault_lab.tutor.reading.file import MOST_PROBLEMS, UNSEEN, File, sentence_of_unseen
from pagefault_lab.tutor.reading.front_matter import (
    FENCE,
    check_edition,
    check_format,
    end_of_front_matter,
    variants_of,
)
from pagefault_lab.tutor.reading.parts import PartsReader
from pagefault_lab.tutor.reading.table import Table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUDGET", "FENCE", "LONGEST", "MOST_PROBLEMS", "is_optional", "read_lesson"]

LONGEST: Final = 1 << 17  # characters of a lesson
BUDGET: Final = 1_000_000  # instructions for each line, unless the lesson says otherwise


def read_lesson(text: str, name: str, folder: Path | None = None) -> Lesson:
    """The lesson that a file of this name holds, whose lines may read the files of `folder`.

    Raises Problems with the places of everything that is wrong.
    """
    return _lesson(File(text, name), folder)


def _lesson(file: File, folder: Path | None) -> Lesson:
    if len(file.text) > LONGEST:
        raise Problem(f"a lesson has at most {LONGEST} characters", "make two of it", file=file.name)
    _check_characters(file)
    end = end_of_front_matter(file)
    head = Table(file, file.lines[1:end], 2)
    if head.is_sound:
        check_format(head)
        head.check("front_matter")
    variants: dict[str, Draw] = {}
    if head.is_sound:
        check_edition(head)
        variants = variants_of(head)
    table = head.table
    is_student_edition = head.is_sound and table.get("edition") == STUDENT
    parts = PartsReader(file, is_student_edition).read(end + 1)
    file.check()
    lesson = Lesson(
        name=file.name,
        key=table["key"],
        title=table["title"],
        summary=table.get("summary", ""),
        world=table.get("world", "linux"),
        minutes=table.get("minutes", 0),
        budget=table.get("budget", BUDGET),
        variants=variants,
        parts=parts,
        edition=table.get("edition", ""),
        digest="",
        source=file.text,
        folder=folder,
    )
    lesson = replace(lesson, digest=digest_of(lesson))
    if is_student_edition and lesson.digest != table["digest"]:
        head.complain(("digest",), "this is not what was published", "get the file once more")
        file.check()
    return lesson


def _check_characters(file: File) -> None:
    """Refuse a file with characters that nobody sees."""
    for match in UNSEEN.finditer(file.text):
        before = file.text[: match.start()]
        line, column = before.count("\n") + 1, match.start() - before.rfind("\n") - 1
        file.complain(sentence_of_unseen(match[0]), "delete it", line, column)
    file.check()
