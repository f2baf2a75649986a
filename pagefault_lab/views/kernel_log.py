"""`dmesg`: what the guest kernel has printed."""

from __future__ import annotations

from pagefault_lab.lab.results import KernelLog
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import lines_of


@view(KernelLog)
def kernel_log(log: KernelLog) -> Lines:
    """Its lines."""
    lost = note(f"({log.lost} bytes before this are lost)") if log.lost else None
    lines = [Line.of(text) for text in lines_of(log.text)]
    return Lines.of(Line.of(lost) if lost else None, *(lines or [Line.of(note("the log is empty"))]))
