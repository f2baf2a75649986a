"""What a submission may take before it is given up."""

from __future__ import annotations

from typing import Final, NamedTuple


class Limits(NamedTuple):
    """What a submission may be and do. The first four bounds strike at the same place on every computer.

    `instructions`: all that it lets machines execute, and whatever else takes time counted as that
    (machine/effort.py). `line`: what each line may execute, if that is less than the lesson's own budget; 0 for the
    lesson's. `lines` that it may have, `values` that these may tell. The others are last resorts, and depend on the
    computer: `memory` in MiB (where the platform can limit it) and `seconds` of processor time. `any_version`: it may
    have been made with another version of the lesson.
    """

    instructions: int = 20_000_000
    line: int = 0
    lines: int = 5_000
    values: int = 200_000
    memory: int = 2048
    seconds: int = 300
    any_version: bool = False


DEFAULT: Final = Limits()
