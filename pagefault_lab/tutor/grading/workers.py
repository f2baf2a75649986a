"""Workers on this computer: each is a program (worker.py) that is handed one submission after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import Queue
from threading import Lock, Thread, Timer
from typing import Any, Final, NamedTuple

from pagefault_lab import __version__
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import Grade, from_json
from pagefault_lab.tutor.grading.limits import Limits
from pagefault_lab.tutor.grading.replaying import refused
from pagefault_lab.tutor.grading.worker import CAN_FORK
from pagefault_lab.tutor.lesson import Lesson
from pagefault_lab.tutor.lesson_files import named_files
from pagefault_lab.tutor.submission import LARGEST

# Python begins isolated, and then looks for modules where this process does: never in the folder that it stands in,
# which may hold what was handed in.
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)
_WAIT: Final = 120  # seconds more than a submission may take, before a worker is given up


class Job(NamedTuple):
    """A submission: what it is called in reports, and its contents (more than LARGEST bytes are cut)."""

    file: str
    data: bytes


def setup_of(lessons: Iterable[Lesson], limits: Limits) -> bytes:
    """What a worker needs to know first, as a line: the lessons with the files that they read, and the limits."""
    told = [
        {
            "name": Path(lesson.name).name,
            "text": lesson.source,
            "files": {name: b64encode(data).decode("ascii") for name, data in named_files(lesson).items()},
        }
        for lesson in lessons
    ]
    return json.dumps({"lessons": told, "limits": list(limits)}).encode("ascii") + b"\n"


class Worker:
    """One such program, started when it is first needed, and anew when it has ended."""

    def __init__(self, program: str, setup: bytes, limits: Limits) -> None:
        self._program = program
        self._setup = setup
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def grade(self, job: Job) -> Grade:
        """The grade of a submission. A Problem if no worker can be started."""
        self._start()
        timer = Timer(self._limits.seconds * 4 + _WAIT, self.stop)
        timer.start()
        try:
            return from_json(self._ask({"file": job.file, "data": b64encode(job.data).decode("ascii")}))
        except (OSError, ValueError, KeyError, TypeError):
            self.stop()
            return refused(job.file, "the process that repeats it has ended without a grade", certain=False)
        finally:
            timer.cancel()
            if not CAN_FORK:
                self.stop()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        words = [sys.executable, "-I", "-c", _START, json.dumps(sys.path), self._program]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )  # Ctrl-C is ours  # fmt: skip
        try:
            answer = self._ask(None)
        except (OSError, ValueError) as error:
            answer = {"failed": str(error)}
        version = answer.get("ready")
        if version != __version__:
            self.stop()
            if version is None:
                raise Problem("a process that grades could not be started", answer.get("failed"))
            raise Problem(f"a worker has pagefault-lab {version}, and this is {__version__}", "install the same")

    def _ask(self, content: dict[str, Any] | None) -> Any:
        """What it answers to a submission; to the lessons, without one."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise OSError("it has ended")
        process.stdin.write(self._setup if content is None else json.dumps(content).encode("ascii") + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise OSError("it has ended")
        return json.loads(answer)

    def stop(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def grade_all(jobs: Iterable[Job], start: Callable[[], Worker], count: int) -> Iterator[tuple[Job, Grade]]:
    """These submissions with their grades, as they are found, by so many workers. No more are held than a few."""
    waiting, lock = iter(jobs), Lock()
    found: Queue[tuple[Job, Grade] | BaseException | None] = Queue()
    workers = [start() for _ in range(count)]
    stopped = False

    def work(worker: Worker) -> None:
        try:
            while not stopped:
                with lock:
                    job = next(waiting, None)
                if job is None:
                    break
                found.put((job, worker.grade(job)))
        except BaseException as error:
            found.put(error)
        finally:
            worker.stop()
            found.put(None)

    threads = [Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        left = count
        while left:
            each = found.get()
            if isinstance(each, BaseException):
                raise each
            if each is None:
                left -= 1
            else:
                yield each
    finally:
        stopped = True
        for worker in workers:
            worker.stop()


def read_job(path: Path, file: str) -> Job:
    """A file that was handed in; what cannot be read is as empty."""
    try:
        with path.open("rb") as stream:
            return Job(file, stream.read(LARGEST + 1))
    except OSError:
        return Job(file, b"")
