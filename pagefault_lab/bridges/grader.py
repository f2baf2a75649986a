"""The program that grades submissions (tutor/grading/worker.py), with the commands that their lines use."""

from __future__ import annotations

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.tutor.grading.worker import main

__all__ = ["main"]
PROGRAM = __name__
