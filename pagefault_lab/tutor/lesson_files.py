"""The files that a lesson's own lines may read: those that it names, in its folder, and those that come with the lab.

Lessons come from strangers. Their lines write nothing, read nothing else, and never run the compiler of this computer.
What else lies in such a folder is not theirs: other lessons, what was handed in, whatever was there before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import lessons
from pagefault_lab.lab.recording import GivenFiles
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.submission import SUFFIX
from pagefault_lab.worlds.files import LARGEST, contents

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import Lesson
    from pagefault_lab.worlds.compiler import Compiled

_NAME: Final = re.compile(r"[\w./+-]+\.\w+")
_WITH_ANSWERS: Final = (".md", SUFFIX)  # lessons, and what was handed in


def named_files(lesson: Lesson) -> dict[str, bytes]:
    """The files below a lesson's folder that are named in it, or in such a file: all that its lines find there.

    A name is relative and leads down only, and to no hidden file, no lesson and no submission.
    """
    found: dict[str, bytes] = {}
    if lesson.folder is None:
        return found
    texts = [lesson.source]
    while texts:
        for name in sorted({each.removeprefix("./") for each in _NAME.findall(texts.pop())}):
            path = lesson.folder / name
            if name not in found and _leads_down(name) and _is_below(path, lesson.folder):
                found[name] = path.read_bytes()
                texts.append(found[name].decode("latin-1"))
    return found


def _leads_down(name: str) -> bool:
    return not (name.startswith(("/", ".")) or "/." in name or name.endswith(_WITH_ANSWERS))


def _is_below(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve()) and path.stat().st_size <= LARGEST
    except (OSError, ValueError):
        return False


class LessonFiles(GivenFiles):
    """The door for a lesson's lines."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__()
        self._lesson = lesson

    @property
    def repeats(self) -> bool:
        """What a lesson's lines would write is not written."""
        return True

    def found(self, file: Path, find: Callable[[Path], Path]) -> Path:
        return super().found(file, self._own)

    def read(self, file: Path) -> bytes:
        return super().read(self._own(file))

    def below(self, *folders: Path) -> Callable[[str], bytes | None]:
        return lambda name: self.given(lambda: self._included(folders, name))

    def compile(self, file: Path, optimization: str) -> Compiled:
        raise Problem(f"{file} is C: a lesson does not run the compiler of this computer", "write it in assembly")

    def _included(self, folders: tuple[Path, ...], name: str) -> bytes | None:
        for folder in folders:
            with suppress(Problem):
                return contents(self._own(folder / name))
        return None

    def _own(self, file: Path) -> Path:
        """Where a file lies that a lesson may read."""
        for root in filter(None, (self._lesson.folder, lessons.folder())):
            with suppress(OSError, ValueError):  # no file can have such a name
                path = (root / file).resolve()
                if path.is_file() and self._is_open(path):
                    return path
        raise Problem(
            f"there is no file {file} that a lesson may read",
            "the lesson names it as it is called, without a blank, and it lies in the lesson's own folder",
        )

    def _is_open(self, path: Path) -> bool:
        from pagefault_lab.worlds.modules import KERNEL_SOURCES

        ours = any(path.is_relative_to(root.resolve()) for root in (lessons.folder(), KERNEL_SOURCES))
        return path in self._named or (ours and path.suffix not in _WITH_ANSWERS)

    @cached_property
    def _named(self) -> frozenset[Path]:
        folder = self._lesson.folder
        return (
            frozenset()
            if folder is None
            else frozenset((folder / name).resolve() for name in named_files(self._lesson))
        )
