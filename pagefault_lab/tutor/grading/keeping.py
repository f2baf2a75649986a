"""Finished grades in a folder: what a run that was broken off has found is there for the next one.

A grade's name is a digest of all that it depends on: the lab's own source, the lessons, the limits, the submission. It
is written wholly or not at all.
"""

from __future__ import annotations

import json
import os
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import Grade, from_json, to_json
from pagefault_lab.tutor.grading.workers import Job

_SOURCES: Final = (".py", ".s", ".h")


@cache
def lab_digest() -> str:
    """What this lab grades by: the contents of its sources."""
    home = Path(__file__).parents[2]
    found = blake2b(digest_size=16)
    for path in sorted(home.rglob("*"), key=lambda path: path.relative_to(home).as_posix()):
        if path.suffix in _SOURCES:
            found.update(f"{path.relative_to(home).as_posix()}\n".encode())
            found.update(blake2b(path.read_bytes()).digest())
    return found.hexdigest()


class Kept:
    """The finished grades in a folder."""

    def __init__(self, folder: Path, setup: bytes) -> None:
        self.folder = folder
        self._setup = setup
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"{folder} cannot be written: {error.strerror}") from None

    def name(self, job: Job) -> str:
        """What the grade of a submission goes by."""
        found = blake2b(digest_size=16)
        for part in (lab_digest().encode(), self._setup, job.file.encode("utf-8", "surrogateescape"), job.data):
            found.update(b"%d\n" % len(part) + part)
        return found.hexdigest()

    def put(self, name: str, grade: Grade) -> None:
        """Keep a grade."""
        path = self.folder / f"{name}.json"
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            unfinished.write_text(json.dumps(to_json(grade)), "ascii")
            unfinished.replace(path)
        except OSError as error:
            raise Problem(f"{path} cannot be written: {error.strerror}") from None

    def get(self, name: str) -> Grade | None:
        """A grade that was kept; None if there is none that is whole."""
        try:
            return from_json(json.loads((self.folder / f"{name}.json").read_text("ascii")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
