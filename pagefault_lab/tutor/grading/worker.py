"""A program that grades: it is told the lessons, then given one submission after the other.

What it reads and writes are JSON Lines. First come the lessons and the limits, and it answers when it is ready; then a
line comes in for each submission, and a line with its grade goes out. Where the system can fork, this process has
everything loaded, and a copy of it grades each submission; elsewhere it is meant for one submission, and grades it
itself. It has one thread. Lessons lie in a folder of its own here, with the files that they read.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from select import select
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, BinaryIO, Final

from pagefault_lab import __version__
from pagefault_lab.lab import lessons as lab_lessons
from pagefault_lab.machine.effort import EFFORT, TooMuch
from pagefault_lab.problem import Problem, count
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.grading import fence
from pagefault_lab.tutor.grading.grades import Grade, from_json, to_json
from pagefault_lab.tutor.grading.limits import Limits
from pagefault_lab.tutor.grading.replaying import grade, refused
from pagefault_lab.tutor.lesson import Lesson, Task
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.tutor.trials import Trials
from pagefault_lab.worlds import digest, keep_ready

CAN_FORK: Final = hasattr(os, "fork")
_HOME: Final = Path(__file__).parents[2]  # of the package
_LAYERS: Final = ("machine", "assembler", "worlds", "lab", "tutor", "commands")
_NOBODY: Final = f"{os.sep}home"  # whose home is ~ in a line: not the instructor's


def main() -> None:
    """Serve whoever started this process, until they have enough, or are no more."""
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(1)  # Python would try to write the rest once more


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Read what there is to grade, and write grades."""
    setup = json.loads(source.readline())
    limits = Limits(*setup["limits"])
    try:
        place = TemporaryDirectory(prefix="pagefault-lab-")
        lessons = _unpacked(setup["lessons"], Path(place.name))
    except OSError as error:
        _say(target, {"failed": f"it needs a folder for temporary files: {error.strerror}"})
        return
    with place as folder:
        _warm_up(lessons.values(), limits)
        _say(target, {"ready": __version__})
        practice = _practice(lessons.values(), limits)
        for line in source:
            next(practice, None)
            job = json.loads(line)
            file, data = job["file"], b64decode(job["data"])
            if CAN_FORK:
                found = _grade_in_copy(data, file, lessons, limits, Path(folder))
            else:
                found = _grade_here(data, file, lessons, limits, Path(folder))
            _say(target, to_json(found))


def _say(target: BinaryIO, content: dict[str, Any]) -> None:
    target.write(json.dumps(content).encode("ascii") + b"\n")
    target.flush()


def _unpacked(lessons: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, Lesson]:
    """The lessons by their keys; each has a folder for the files that it reads."""
    found = {}
    for number, each in enumerate(lessons):
        place = folder / str(number)
        place.mkdir()
        for name, data in each["files"].items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b64decode(data))
        lesson = read_lesson(each["text"], each["name"], place)
        found[lesson.key] = lesson
    return found


def _warm_up(lessons: Iterable[Lesson], limits: Limits) -> None:
    """Load and compute ahead what every submission needs."""
    for layer in _LAYERS:
        for module in walk_packages([str(_HOME / layer)], f"pagefault_lab.{layer}."):
            import_module(module.name)
    for lesson in lessons:
        keep_ready(lesson.world)
        digest(lesson.world)
        for part in range(len(lesson.parts)):
            with suppress(Problem, TooMuch), EFFORT.at_most(limits.instructions):  # told where they are met
                for _ in Attempt(lesson).begin(part):
                    pass
    for name in ("HOME", "USERPROFILE"):
        os.environ[name] = _NOBODY
    _share()


def _share() -> None:
    """Let copies of this process have what it has, and not look through it for what is not needed any more."""
    gc.collect()
    gc.freeze()


def _practice(lessons: Iterable[Lesson], limits: Limits) -> Iterator[None]:
    """Do what submissions do, an answer or a wrong answer at a time: a copy of this process begins with the guest code
    translated that was hot in them. A few submissions need not wait for all of it."""
    if not CAN_FORK:
        return
    for lesson in lessons:
        trials = Trials(lesson)
        for at, part in enumerate(lesson.parts):
            if isinstance(task := part.exercise, Task):
                for lines in (task.answer, *(wrong.lines for wrong in task.wrong)):
                    if lines is not None:
                        with suppress(Problem, TooMuch), EFFORT.at_most(limits.instructions):
                            trials.run(at, lines)
                        _share()
                        yield


def _grade_here(data: bytes, file: str, lessons: Mapping[str, Lesson], limits: Limits, folder: Path) -> Grade:
    """Grade in this process, which can do nothing else from then on."""
    readable = [folder, _HOME, lab_lessons.folder()]
    fence.bound(limits)
    fence.close(readable)
    try:
        return grade(data, file, lessons, limits)
    except fence.Fenced:
        return refused(file, "one of its lines reaches for this computer's files or programs", certain=False)
    except MemoryError:
        return refused(file, _memory(limits), certain=False)


def _grade_in_copy(data: bytes, file: str, lessons: Mapping[str, Lesson], limits: Limits, folder: Path) -> Grade:
    """Grade in a copy of this process."""
    ours, theirs = os.pipe()
    copy = os.fork()
    if not copy:
        _be_the_copy(theirs, data, file, lessons, limits, folder)
    os.close(theirs)
    text = _all_of(ours, copy, limits.seconds * 4 + 30)
    _, status = os.waitpid(copy, 0)
    if os.WIFEXITED(status) and not os.WEXITSTATUS(status):
        with suppress(ValueError):
            return from_json(json.loads(text))
    return refused(file, _end_of(status, limits), certain=False)


def _be_the_copy(
    target: int, data: bytes, file: str, lessons: Mapping[str, Lesson], limits: Limits, folder: Path
) -> None:
    """What a copy of this process does; it never returns."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        text = json.dumps(to_json(_grade_here(data, file, lessons, limits, folder))).encode("ascii")
        while text:
            text = text[os.write(target, text) :]
        status = 0
    finally:
        os._exit(status)


def _all_of(source: int, copy: int, seconds: float) -> bytes:
    """What the copy writes until it ends; it is killed if that takes too long."""
    pieces: list[bytes] = []
    end = monotonic() + seconds
    try:
        while True:
            if not select([source], [], [], max(0.0, end - monotonic()))[0]:
                os.kill(copy, signal.SIGKILL)
                return b""
            piece = os.read(source, 1 << 16)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    finally:
        os.close(source)


def _end_of(status: int, limits: Limits) -> str:
    """Why a copy has ended without a grade."""
    if not os.WIFSIGNALED(status):
        return _memory(limits)
    number = os.WTERMSIG(status)
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"it takes more than {count(limits.seconds, 'second')} of processor time"
    return f"the process that repeats it was ended by {signal.Signals(number).name}"


def _memory(limits: Limits) -> str:
    return f"it takes more than {limits.memory} MiB of memory"
