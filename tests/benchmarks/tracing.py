"""How much slower a run is while it is traced: `python tests/benchmarks/tracing.py [STEPS [TURNS]]`.

The same guest program as in speed.py runs in a session, in turn free, traced as text, and traced as JSON Lines into a
file; each turn's figures are printed, with the median ratios to the free run. The free run makes more steps, so that
its code is translated for most of them.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from speed import PROGRAM

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.bridges.trace import TraceFile
from pagefault_lab.lab.session import Session

FREE = 100  # times as many steps in the free run


def steps_a_second(steps: int, trace: Path | None = None) -> float:
    """The speed of `c` in the world `bare`, up to that many steps."""
    session = Session("bare", budget=steps)
    session.trace.open_file = TraceFile
    for line in ("asm", *PROGRAM.strip().splitlines(), "end"):
        for _ in session.execute(line):
            pass
    if trace is not None:
        session.trace.start(trace)
    start = time.perf_counter()
    for _ in session.execute("c"):
        pass
    seconds = time.perf_counter() - start
    session.trace.stop()
    assert session.machine.steps == steps
    return steps / seconds


def main(steps: int = 30_000, turns: int = 3) -> None:
    ratios: dict[str, list[float]] = {"text": [], "JSON": []}
    with TemporaryDirectory() as folder:
        for turn in range(1, turns + 1):
            free = steps_a_second(FREE * steps)
            said = [f"free {free:,.0f} steps a second"]
            for kind, name in (("text", "steps.txt"), ("JSON", "steps.jsonl")):
                path = Path(folder, f"{turn}-{name}")
                speed = steps_a_second(steps, path)
                ratios[kind].append(free / speed)
                said.append(f"{kind} {speed:,.0f} ({path.stat().st_size / steps:,.0f} bytes a step)")
            print(f"turn {turn}: " + ", ".join(said))
    medians = (f"{kind} {statistics.median(found):.0f} times slower" for kind, found in ratios.items())
    print("median: " + ", ".join(medians))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
