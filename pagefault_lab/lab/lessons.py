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


def names(*suffixes: str) -> list[str]:
    """The files, relative to that folder; of those suffixes, if any are given."""
    files = (each for each in folder().rglob("*") if each.is_file() and (not suffixes or each.suffix in suffixes))
    return sorted(each.relative_to(folder()).as_posix() for each in files)


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
    every = names()
    named = [each for each in every if path.name in (Path(each).name, Path(each).stem)]
    alike = named or [each for each in every if Path(each).suffix == path.suffix]
    hint = None if named else closest(path.as_posix(), alike or every)
    if alike and hint is None:
        hint = f"there {'is' if len(alike) == 1 else 'are'} {', '.join(alike[:8])}"
    raise Problem(f"there is no file {path}, neither here nor among the lessons", hint)
