"""Files that come with the lab: modules, scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pagefault_lab.problem import Problem, closest

_PACKAGE: Final = Path(__file__).parents[1]
_PLACES: Final = (_PACKAGE / "lessons", _PACKAGE.parent / "lessons")  # in a wheel, and in a clone


def folder() -> Path:
    """The folder of lessons."""
    return next((place for place in _PLACES if place.is_dir()), _PLACES[0])


def find(path: Path) -> Path:
    """The file that is meant: relative to the current folder, else among the lessons. A Problem if there is none."""
    for candidate in (path, folder() / path):
        try:
            if candidate.is_file():
                return candidate
        except (OSError, ValueError):  # no file can have such a name
            break
    if path.is_dir():
        raise Problem(f"{path} is a folder")
    if path.is_absolute():
        raise Problem(f"there is no file {path}")
    alike = sorted(each for each in folder().rglob("*") if each.is_file() and each.suffix == path.suffix)
    lessons = [each.relative_to(folder()).as_posix() for each in alike]
    hint = closest(path.as_posix(), lessons) or (f"there are {', '.join(lessons[:8])}" if lessons else None)
    raise Problem(f"there is no file {path}, neither here nor among the lessons", hint)
