"""Another task runs."""

from __future__ import annotations

from pagefault_lab.lab.tasks import Task, TaskSwitched
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.words import hex32, printable


def named(task: Task) -> str:
    """`hello[1]`, as the kernel's log has it."""
    return f"{printable(task.comm)}[{task.pid}]"


@view(TaskSwitched)
def task_switched(switched: TaskSwitched) -> Lines:
    """Who ran, who runs, and what the processor uses for them."""
    before, after = switched
    return Lines.of(
        Line.of(f"task {named(before)} -> ", Span(named(after), STRONG)),
        Line.of(f"  page directory  CR3       {hex32(before.cr3)} -> {hex32(after.cr3)}"),
        Line.of(f"  kernel stack    TSS.ESP0  {hex32(before.esp0)} -> {hex32(after.esp0)}"),
    )
