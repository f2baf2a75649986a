"""`pagefault-lab lesson check FILE...`: lessons are proved right, and whatever is not is said as compilers say it."""

from __future__ import annotations

import sys
import time
from argparse import Namespace

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.screen import JsonLines, Output, Screen
from pagefault_lab.terminal.script import GOOD, UNUSABLE, WRONG
from pagefault_lab.views.words import printable


def run(arguments: Namespace) -> int:
    """Prove `arguments.files`, with so many `seeds`, told as JSON Lines with `json`; the exit status: the worst of the
    files'."""
    screen = Screen(arguments.plain)
    output: Output = JsonLines() if arguments.json else screen
    begun = time.monotonic()
    status = max(_prove(file, arguments.seeds, output) for file in arguments.files)
    if sys.stdout.isatty() and not arguments.json:
        screen.say(f"  {time.monotonic() - begun:.1f} seconds")
    return status


def _prove(file: str, seeds: int | None, output: Output) -> int:
    """Prove one lesson; its exit status."""
    from pagefault_lab.bridges.plain_text import plain_text
    from pagefault_lab.tutor.course import find, load
    from pagefault_lab.tutor.proving import SEEDS, Finding, LessonProved, counted, proofs

    try:
        lesson = load(find(file))
    except Problem as problem:
        output.complain(problem)
        return UNUSABLE if problem.line is None else WRONG
    all_proofs = list(proofs(lesson, plain_text, seeds or SEEDS))
    failed = 0
    said: set[Finding | tuple[str, str]] = set()
    for number, proof in enumerate(all_proofs, 1):
        sign(f"{lesson.name} {number}/{len(all_proofs)} {proof.part}: {proof.name}")
        finding = proof.run()
        if finding is None:
            continue
        failed += 1
        # what is wrong with a block, all exercises behind it find as well; and one seed is as good as another
        cause, of_part = finding._replace(proof=""), (proof.part, finding.sentence)
        if cause not in said and not (proof.kind == "seed" and of_part in said):
            sign("")
            output.show(finding)
        said |= {cause, of_part}
    sign("")
    output.show(LessonProved(lesson.name, lesson.title, counted(all_proofs), failed))
    return WRONG if failed else GOOD


def sign(text: str) -> None:
    """Show someone who waits at a terminal how far it is."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{printable(text)[:79]}")
        sys.stderr.flush()
