"""A plugin of pytest: the proofs of lessons as tests.

    pytest lessons/                                  every proof of every lesson there
    pytest "lessons/01-first-fault.md::touch"        those of one exercise
    pytest lessons/ -k "without"                     that no line of an answer can be left out

A Markdown file is a lesson if its front matter says `format =`; others are left alone. One that cannot be read may be a
lesson, so it is an error. Nothing of the lab is imported before there is one.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.tutor.proving import Finding, Proof

_LESSON = re.compile(rb"(?:\xef\xbb\xbf)?\+\+\+[ \t]*\r?\n(?:(?!\+\+\+).*\n)*?[ \t]*format[ \t]*=")
_LONGEST = 65536  # bytes in which the front matter must say it


def pytest_addoption(parser: pytest.Parser) -> None:
    meaning = "with how many seeds each lesson's variants are tried"
    parser.getgroup("pagefault-lab").addoption("--lesson-seeds", type=_number_of_seeds, metavar="N", help=meaning)
    parser.addini("lesson_seeds", meaning)


def pytest_configure(config: pytest.Config) -> None:
    try:
        _seeds(config)
    except ArgumentTypeError as error:
        raise pytest.UsageError(f"lesson_seeds: {error}") from None


def _seeds(config: pytest.Config) -> int | None:
    """With how many seeds variants are tried, if that is said."""
    chosen: int | None = config.getoption("--lesson-seeds")
    written = config.getini("lesson_seeds")
    return chosen or (_number_of_seeds(written) if written else None)


def _number_of_seeds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a number of seeds")
    return int(text)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".md" and _is_lesson(file_path):
        return LessonFile.from_parent(parent, path=file_path)
    return None


def _is_lesson(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _LESSON.match(stream.read(_LONGEST)) is not None
    except OSError:
        return True


class LessonFile(pytest.File):
    """A lesson: a collector for each of its parts that has something to be proved."""

    def collect(self) -> Iterator[pytest.Collector]:
        import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
        from pagefault_lab.bridges.plain_text import plain_text
        from pagefault_lab.tutor.course import load
        from pagefault_lab.tutor.proving import SEEDS, proofs

        seeds = _seeds(self.config) or SEEDS
        for part, found in groupby(proofs(load(self.path), plain_text, seeds), key=lambda proof: proof.part):
            yield LessonPart.from_parent(self, name=part, proofs=list(found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return _told(excinfo.value) or super().repr_failure(excinfo)


class LessonPart(pytest.Collector):
    """A part of a lesson, by the name of its exercise."""

    def __init__(self, proofs: list[Proof], **others: Any) -> None:
        super().__init__(**others)
        self.proofs = proofs

    def collect(self) -> Iterator[pytest.Item]:
        for proof in self.proofs:
            yield ProofItem.from_parent(self, name=proof.name, proof=proof)


class ProofItem(pytest.Item):
    """One proof."""

    def __init__(self, proof: Proof, **others: Any) -> None:
        super().__init__(**others)
        self.proof = proof

    def runtest(self) -> None:
        if finding := self.proof.run():
            raise Unproved(finding)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return _told(excinfo.value) or super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.proof.line - 1, f"{self.proof.part}::{self.proof.name}"


class Unproved(Exception):
    """A proof has failed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def _told(error: BaseException) -> str | None:
    """What is said of what is wrong with a lesson; None for a bug of ours, which has a traceback."""
    from pagefault_lab.bridges.plain_text import plain_text

    match error:
        case Unproved():
            return "\n".join(plain_text(error.finding))
        case Problem():
            return str(error)
    return None
