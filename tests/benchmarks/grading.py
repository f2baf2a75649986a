"""Grading a class of 500: seconds, memory, and whether every way of doing it finds the same, byte by byte.

    python tests/benchmarks/grading.py [--students N] [--lesson FILE] [--python PYTHON]... [--dask]
    python tests/benchmarks/grading.py --course [--students N] [--lesson FILE]

Without a lesson it is the small one of the tests. Each further Python needs the packages that the lab needs, and takes
the lab itself from here. With --course it is the first lesson of the course, with --jobs 2 only: how fast that is
beside plain grading in one process, and what memory a quarter of the class takes, and all of it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tutor")]


def hand_in(lesson_file: Path, folder: Path, students: int) -> None:
    """Let a class take the lesson."""
    from simulated_class import handed_in

    from pagefault_lab.tutor.course import load
    from pagefault_lab.worlds import keep_ready

    lesson = load(lesson_file)
    keep_ready(lesson.world)
    for number in range(students):
        (folder / f"{number:04}.submission").write_bytes(handed_in(lesson, number))


def grade(lesson: Path, submissions: Path, out: Path, *words: str, python: str = sys.executable, **env: str) -> str:
    """Grade with the program; what it took."""
    command = [python, "-m", "pagefault_lab", "grade", str(lesson), "--submissions", str(submissions), "-o", str(out)]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, *words], env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdout=subprocess.DEVNULL, cwd=ROOT
    )
    most = 0
    while process.poll() is None:
        most = max(most, own_memory(process.pid))
        time.sleep(0.05)
    assert process.returncode in (0, 1), process.returncode
    return f"{time.monotonic() - began:7.1f} s   parent {most:4} MiB"


def own_memory(process: int) -> int:
    """The most MiB that a process has had in memory, without its children."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) >> 10
    return 0


def children(process: int) -> list[int]:
    with suppress(OSError):
        tasks = Path(f"/proc/{process}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


class Took(NamedTuple):
    """What grading took: seconds of the clock and of the processors, and the most MiB that its process had, one of the
    workers, and one of their copies."""

    seconds: float
    processor: float
    parent: int
    worker: int
    copy: int


def measured(lesson: Path, submissions: Path, out: Path) -> Took:
    """Grade with the program and two processes."""
    command = [sys.executable, "-m", "pagefault_lab", "grade", str(lesson), "--submissions", str(submissions)]
    began, before = time.monotonic(), os.times()
    process = subprocess.Popen(
        [*command, "-o", str(out), "--jobs", "2"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    parent = worker = copy = 0
    while process.poll() is None:
        workers = children(process.pid)
        parent = max(parent, own_memory(process.pid))
        worker = max([worker, *map(own_memory, workers)])
        copy = max([copy, *(own_memory(each) for found in workers for each in children(found))])
        time.sleep(0.05)
    assert process.returncode in (0, 1), process.returncode
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.monotonic() - began, processor, parent, worker, copy)


def of_the_course(lesson: Path, folder: Path, students: int) -> None:
    """Grade a quarter of a class, and all of it."""
    all_of_them, quarter = folder / "all", folder / "quarter"
    all_of_them.mkdir()
    quarter.mkdir()
    hand_in(lesson, all_of_them, students)
    for path in sorted(all_of_them.iterdir())[: students // 4]:
        shutil.copy(path, quarter)
    for submissions in (quarter, all_of_them):
        count = len(list(submissions.iterdir()))
        took = measured(lesson, submissions, folder / f"grades-{count}")
        print(
            f"{count} submissions of {lesson.name}, --jobs 2: {took.seconds:.1f} s ({count / took.seconds:.1f} a second"
            f"), {took.processor:.1f} s of processors; MiB: parent {took.parent}, worker {took.worker}, "
            f"copy {took.copy}",
            flush=True,
        )
    began = time.process_time()
    sequentially(lesson, all_of_them)
    alone = time.process_time() - began
    print(f"one process, no limits: {alone:.1f} s of a processor; with workers {took.processor / alone:.2f} times that")


def reports(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".finished" not in path.parts
    }


def sequentially(lesson_file: Path, submissions: Path) -> float:
    """Seconds that plain grading in one process takes."""
    import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
    from pagefault_lab.tutor.course import load
    from pagefault_lab.tutor.grading.limits import DEFAULT
    from pagefault_lab.tutor.grading.replaying import grade
    from pagefault_lab.worlds import keep_ready

    lesson = load(lesson_file)
    keep_ready(lesson.world)
    began = time.monotonic()
    for path in sorted(submissions.iterdir()):
        grade(path.read_bytes(), path.name, {lesson.key: lesson}, DEFAULT)
    return time.monotonic() - began


def broken_off(lesson: Path, submissions: Path, out: Path, students: int) -> str:
    """Grade, be killed in the middle, and go on."""
    command = [sys.executable, "-m", "pagefault_lab", "grade", str(lesson), "--submissions", str(submissions)]
    process = subprocess.Popen(
        [*command, "-o", str(out), "--jobs", "2"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    while len(list((out / ".finished").glob("*.json"))) < students // 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list((out / ".finished").glob("*.json")))
    return f"killed behind {done}; then {grade(lesson, submissions, out, '--resume')}"


def on_dask(lesson: Path, submissions: Path, out: Path, folder: Path) -> str:
    """Grade on a cluster of this computer."""
    where = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    quiet["env"] = {**os.environ, "PYTHONPATH": str(ROOT)}
    common = ["--scheduler-file", str(where)]
    dask = [sys.executable, "-m"]
    scheduler = subprocess.Popen(
        [*dask, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *common],
        **quiet,
    )
    worker = subprocess.Popen(
        [*dask, "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard", *common], **quiet
    )
    try:
        address = ""
        while not address:
            with suppress(OSError, ValueError):
                address = json.loads(where.read_text())["address"]
            time.sleep(0.2)
        time.sleep(5)
        return grade(lesson, submissions, out, "--dask", address)
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--lesson", type=Path)
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--course", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.course:
            of_the_course(arguments.lesson or ROOT / "lessons" / "01-first-fault.md", folder, arguments.students)
            return
        submissions = folder / "submissions"
        submissions.mkdir()
        lesson = arguments.lesson
        if lesson is None:
            from simulated_class import LESSON

            lesson = folder / "small-class.md"
            lesson.write_text(LESSON, "utf-8")
        lesson = lesson.resolve()
        began = time.monotonic()
        hand_in(lesson, submissions, arguments.students)
        print(f"{arguments.students} attempts were made in {time.monotonic() - began:.1f} s", flush=True)
        first: dict[str, bytes] | None = None

        def compared(what: str, out: Path, took: str) -> None:
            nonlocal first
            found = reports(out)
            first = first or found
            print(f"{what:32} {took}   {'the same' if found == first else 'NOT THE SAME'}", flush=True)

        for jobs, seed, locale in ((2, "0", "C.UTF-8"), (1, "1", "C"), (3, "4711", "en_US.UTF-8")):
            out = folder / f"jobs-{jobs}"
            took = grade(lesson, submissions, out, "--jobs", f"{jobs}", PYTHONHASHSEED=seed, LC_ALL=locale)
            compared(f"--jobs {jobs}, hash seed {seed}, {locale}", out, took)
        for number, python in enumerate(arguments.python):
            out = folder / f"python-{number}"
            version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()
            compared(version, out, grade(lesson, submissions, out, "--jobs", "2", python=python, TZ="Asia/Tokyo"))
        out = folder / "broken"
        compared("broken off", out, broken_off(lesson, submissions, out, arguments.students))
        if arguments.dask:
            compared("on Dask", folder / "dask", on_dask(lesson, submissions, folder / "dask", folder))
        print(f"one process, no limits of memory {sequentially(lesson, submissions):7.1f} s")


if __name__ == "__main__":
    main()
