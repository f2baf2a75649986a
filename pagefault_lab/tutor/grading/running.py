"""A run: all that was handed in is graded and kept, and then put in order."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import Grade
from pagefault_lab.tutor.grading.keeping import Kept
from pagefault_lab.tutor.grading.workers import Job, read_job

Grader: TypeAlias = Callable[[Iterable[Job]], Iterator[tuple[Job, Grade]]]


class File(NamedTuple):
    """A file that was handed in, and what it is called in reports: its place below the folder."""

    path: Path
    name: str


class Entry(NamedTuple):
    """A grade that is kept, as far as it is needed to put grades in order. `counts` as for a Grade."""

    kept: str
    name: str
    file: str
    identity: tuple[str, str]
    points: int
    counts: bool = True


def handed_in(folder: Path, but_not: Path) -> list[File]:
    """The files in a folder and below it, but hidden ones, links, and those in the folder `but_not`. A folder below it
    that cannot be looked into is one of them: it may hold what somebody has handed in."""
    if not folder.is_dir():
        raise Problem(f"there is no folder {folder}", "--submissions names the one with the files that were handed in")
    found: list[File] = []

    def closed(error: OSError) -> None:
        path = Path(error.filename)
        if path == folder:
            raise Problem(f"{folder} cannot be read: {error.strerror}") from None
        found.append(File(path, path.relative_to(folder).as_posix()))

    for place, folders, names in os.walk(folder, onerror=closed):
        here = Path(place)
        folders[:] = sorted(
            each for each in folders if not each.startswith((".", "__MACOSX")) and (here / each).resolve() != but_not
        )
        for name in names:
            path = here / name
            if not name.startswith(".") and _is_file(path):
                found.append(File(path, path.relative_to(folder).as_posix()))
    return sorted(found, key=lambda file: os.fsencode(file.name))


def _is_file(path: Path) -> bool:
    """Whether something is a file and no link, as far as one may know."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


def graded(files: Iterable[File], kept: Kept, resume: bool, grader: Grader) -> Iterator[Entry]:
    """Grade files and keep the grades; gives each when it is kept. With `resume`, those that are kept stay."""
    todo = []
    for file in files:
        name = kept.name(read_job(*file))
        found = kept.get(name) if resume else None
        if found is not None and found.certain:
            yield _entry(name, found)
        else:
            todo.append(file)
    for job, grade in grader(read_job(*file) for file in todo):
        name = kept.name(job)
        kept.put(name, grade)
        yield _entry(name, grade)


def _entry(kept: str, grade: Grade) -> Entry:
    return Entry(kept, grade.name, grade.file, grade.identity, grade.points)


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By lesson and student. Of several that a student has handed in for a lesson, the one with the most points counts,
    of equal ones the first by name."""
    best: dict[tuple[str, str], Entry] = {}
    ordered = sorted(entries, key=lambda entry: (entry.identity, entry.file, entry.kept))
    for entry in ordered:
        if entry.identity not in best or entry.points > best[entry.identity].points:
            best[entry.identity] = entry
    return [entry._replace(counts=best[entry.identity] is entry) for entry in ordered]
