"""Grading on a Dask cluster that is there: its workers start the processes that grade, and are handed all contents.

Needs the extra `cluster`. The workers need the same pagefault-lab, and no file of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from socket import create_connection
from threading import local
from typing import Any, Final

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import Grade, from_json, to_json
from pagefault_lab.tutor.grading.keeping import lab_digest
from pagefault_lab.tutor.grading.limits import Limits
from pagefault_lab.tutor.grading.workers import Job, Worker

AHEAD: Final = 3  # submissions on their way for each thread of the cluster
SECONDS: Final = 20  # to reach it

_here = local()  # of a worker of the cluster: each of its threads has a process that grades


def grade_on_cluster(
    jobs: Iterable[Job], address: str, program: str, setup: bytes, limits: Limits
) -> Iterator[tuple[Job, Grade]]:
    """These submissions with their grades, as a Dask cluster finds them. A Problem if there is none at the address, or
    if it has another lab."""
    try:
        from distributed import Client, as_completed
        from distributed.comm import get_address_host_port
    except ImportError:
        raise Problem("a Dask cluster needs more packages", "pip install 'pagefault-lab[cluster]'") from None
    try:
        create_connection(get_address_host_port(address), SECONDS).close()  # a Client alone tries for long
        client = Client(address, timeout=SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise Problem(f"no Dask cluster answers at {address}", str(error).partition("\n")[0] or None) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise Problem(f"the Dask cluster at {address} has no workers")
        _check_same(client)
        waiting = iter(jobs)
        known = client.scatter([setup], broadcast=True)[0]  # a list: what is scattered is the whole of it

        def begin() -> Any:
            """The next submission on its way; None if there is none."""
            job = next(waiting, None)
            if job is None:
                return None
            future = client.submit(grade_there, program, known, tuple(limits), tuple(job), pure=False)
            jobs_of[future.key] = job
            return future

        jobs_of: dict[str, Job] = {}
        first = [future for _ in range(AHEAD * threads) if (future := begin()) is not None]
        running = as_completed(first)
        for future in running:
            grade = from_json(future.result())
            yield jobs_of.pop(future.key), grade
            more = begin()
            if more is not None:
                running.add(more)


def grade_there(program: str, setup: bytes, limits: tuple[Any, ...], job: tuple[str, bytes]) -> dict[str, Any]:
    """What a worker of the cluster does: the grade of a submission, as JSON has it."""
    known = (program, setup, limits)
    if getattr(_here, "known", None) != known:
        if (before := getattr(_here, "worker", None)) is not None:
            before.stop()
        _here.known, _here.worker = known, Worker(program, setup, Limits(*limits))
    return to_json(_here.worker.grade(Job(*job)))


def _check_same(client: Any) -> None:
    """A Problem if a worker grades by another lab than this one."""
    ours = lab_digest()
    try:
        theirs = client.run(lab_digest)
    except Exception as error:  # whatever a computer says that has not what it takes
        raise Problem("the workers of the cluster cannot grade", f"{type(error).__name__}: {error}") from None
    for worker, digest in sorted(theirs.items()):
        if digest != ours:
            raise Problem(f"the Dask worker {worker} has another pagefault-lab than this one", "install the same there")
