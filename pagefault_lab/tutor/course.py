"""The course: the lessons that come with the lab, in their order, and any other file that holds one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import lessons
from pagefault_lab.problem import Problem, closest
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.worlds.files import contents

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import Lesson

_NUMBERED: Final = re.compile(r"(\d+)-(.+)\.md")


def files() -> list[Path]:
    """The lessons of the course: whatever in its folder is called like `01-first-fault.md`, by number."""
    return sorted(path for path in lessons.folder().glob("*.md") if _NUMBERED.fullmatch(path.name))


def find(name: str) -> Path:
    """The file of a lesson: by its number, its name with or without it, or by a path. A Problem if there is none."""
    path = Path(name)
    if path.suffix == ".md":
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):
            pass
    course = files()
    fitting = [each for each in course if name in _names(each)]
    fitting = fitting or [each for each in course if any(known.startswith(name) for known in _names(each)[1:])]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        raise Problem(f"{name} could be several lessons", ", ".join(each.stem for each in fitting))
    every = [known for each in course for known in _names(each)]
    hint = closest(name, every) or "`pagefault-lab lesson` lists them; another one is named by its file, x.md"
    raise Problem(f"there is no lesson {name}", hint)


def number(path: Path) -> int:
    """The number of a lesson of the course."""
    return int(path.name.partition("-")[0])


def _names(path: Path) -> list[str]:
    """What a lesson of the course can be called."""
    match = _NUMBERED.fullmatch(path.name)
    assert match is not None
    return [str(number(path)), match[1], match[2], path.stem, path.name]


def load(path: Path) -> Lesson:
    """The lesson in a file; Problems with their places if it is none."""
    try:
        text = contents(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not a text file: byte {error.start + 1} is no UTF-8") from None
    return read_lesson(text, str(path), path.parent)
