from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Assignment
from pagefault_lab.lab.results import Assigned
from pagefault_lab.lab.stale_translations import Staleness
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("set", group="changing")
def set_(session: Session, assignment: Assignment) -> Iterator[object]:
    """Change a register, memory, a field of a structure, or a variable: set EXPRESSION = EXPRESSION.

      set $eax = 5     set u32[0x08049000] = 7     set $count = fault.count
      set pte(0x08049000).writable = 0     set frame.eip += 2
      set eflags.if = 0

    Registers are set as an instruction would: a new CR3 empties the TLB. Memory is changed behind the processor's back:
    the TLB entries that a changed page-table entry makes stale are told.
    """
    target, source = assignment
    value = source.value(session)
    before: int | None
    try:
        before = target.value(session)
    except Problem:
        before = None  # not yet a variable, or nothing that can be read: `assign` says
    stale = Staleness(session)
    session.changing()
    target.assign(session, value)
    session.changed_by_host()
    yield Assigned(target.text, before, target.value(session))
    yield from stale.told()
