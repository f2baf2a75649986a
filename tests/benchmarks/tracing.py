"""How much slower a run is while it is traced: `python tests/benchmarks/tracing.py [STEPS [TURNS [MANY]]]`.

The same guest program as in speed.py runs in a session, in turn free, traced as text, as JSON Lines, only the steps of
a ring in which it never is, and only the faults; each turn's figures are printed, with the median ratios to the free
run.
Where code is translated, the run makes more steps, so that this is done for most of them. At the end a trace of MANY
steps (3 million) goes to a file as text, and the most memory that the process had is printed before and after it.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from speed import PROGRAM

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.bridges.trace import TraceFile
from pagefault_lab.lab.session import Session

FREE = 100  # times as many steps where each is not told
TRACES = {  # name: (file, words of `trace`, times as many steps)
    "text": ("steps.txt", "", 1),
    "JSON": ("steps.jsonl", "", 1),
    "another ring": ("steps.txt", "ring 3", 1),
    "faults": ("steps.txt", "faults", FREE),
}


def steps_a_second(steps: int, trace: str = "") -> float:
    """The speed of `c` in the world `bare`, up to that many steps, behind a line that begins a trace."""
    session = Session("bare", budget=steps)
    session.trace.open_file = TraceFile
    for line in ("asm", *PROGRAM.strip().splitlines(), "end", trace):
        for _ in session.execute(line):
            pass
    start = time.perf_counter()
    for _ in session.execute("c"):
        pass
    seconds = time.perf_counter() - start
    session.trace.stop()
    assert session.machine.steps == steps
    return steps / seconds


def megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(steps: int = 30_000, turns: int = 3, many: int = 3_000_000) -> None:
    ratios: dict[str, list[float]] = {name: [] for name in TRACES}
    with TemporaryDirectory() as folder:
        for turn in range(1, turns + 1):
            free = steps_a_second(FREE * steps)
            said = [f"free {free:,.0f} steps a second"]
            for name, (file, words, times) in TRACES.items():
                path = Path(folder, file)
                speed = steps_a_second(times * steps, f"trace on {path} {words}")
                ratios[name].append(free / speed)
                said.append(f"{name} {speed:,.0f} ({path.stat().st_size / steps / times:,.0f} bytes a step)")
            print(f"turn {turn}: " + ", ".join(said))
        medians = (f"{name} {statistics.median(found):.1f} times slower" for name, found in ratios.items())
        print("median: " + ", ".join(medians))
        before = megabytes()
        path = Path(folder, "many.txt")
        speed = steps_a_second(many, f"trace on {path}")
        size = path.stat().st_size >> 20
        print(f"{many:,} steps: {speed:,.0f} a second, {size:,} MiB; memory {before:,.0f} MiB, then {megabytes():,.0f}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
