"""Work that is counted, not timed: the same on every machine, however fast or busy it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pagefault_lab.machine.effort import EFFORT, LINE


class Calls:
    """How many functions, of Python's and of the interpreter's own, were called so far."""

    made = 0


@contextmanager
def at_most(calls: int) -> Iterator[Calls]:
    """Allow so many calls, and fail with the next one: what would take forever ends too."""
    counted = Calls()

    def count(frame: FrameType, event: str, argument: object) -> None:
        counted.made += event in ("call", "c_call")
        if counted.made > calls:
            raise AssertionError(f"this makes more than {calls:,} calls")

    with _at_each_call(count):
        yield counted


@contextmanager
def while_it_runs(comes: Callable[[], object], effort: int = 2_000) -> Iterator[None]:
    """Let something come in the middle of the next line, as Ctrl-C does: when it has taken so much effort."""
    begun = EFFORT.spent + LINE + effort

    def look(frame: FrameType, event: str, argument: object) -> None:
        if EFFORT.spent > begun:
            sys.setprofile(None)
            comes()

    with _at_each_call(look):
        yield


@contextmanager
def _at_each_call(look: Callable[[FrameType, str, object], None]) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
