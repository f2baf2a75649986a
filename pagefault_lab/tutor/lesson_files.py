"""The files that a lesson's own lines may read: those in its folder, and those that come with the lab.

Lessons come from strangers. Their lines write nothing, read nothing else, and never run the compiler of this computer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pagefault_lab.lab import lessons
from pagefault_lab.lab.recording import GivenFiles
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.worlds.compiler import Compiled


class LessonFiles(GivenFiles):
    """The door for the lines of a lesson that lies in `folder`; None for one that lies nowhere."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self._roots = [root.resolve() for root in (folder, lessons.folder()) if root is not None]

    @property
    def repeats(self) -> bool:
        """What a lesson's lines would write is not written."""
        return True

    def found(self, file: Path, find: Callable[[Path], Path]) -> Path:
        return super().found(file, self._own)

    def read(self, file: Path) -> bytes:
        return super().read(self._own(file))

    def below(self, *folders: Path) -> Callable[[str], bytes | None]:
        return super().below(*self._roots)

    def compile(self, file: Path, optimization: str) -> Compiled:
        raise Problem(f"{file} is C: a lesson does not run the compiler of this computer", "write it in assembly")

    def _own(self, file: Path) -> Path:
        """Where a file lies that a lesson may read."""
        for root in self._roots:
            try:
                path = (root / file).resolve()
                if path.is_relative_to(root) and path.is_file():
                    return path
            except (OSError, ValueError):  # no file can have such a name
                break
        raise Problem(f"there is no file {file} that a lesson may read", "it must lie in the lesson's own folder")
