"""What is judged: steps that were made, and on copies of the machine those that are about to be made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import frames
from pagefault_lab.lab.explain import Explanation, explain
from pagefault_lab.lab.hypotheses import let_nothing_come_before
from pagefault_lab.lab.story import tell
from pagefault_lab.lab.tables import idt_entry
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.registers import CS, PG
from pagefault_lab.machine.segmentation import Descriptor, Segment
from pagefault_lab.machine.step import Interrupted, Step

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

NEXT_STEP: Final = "in the next step"
NEXT_FAULT: Final = "at the next page fault"
PAGES, PAGES_OF_TABLE = 1 << 20, 1 << 10
USER_CODE: Final = Segment.of(0x23, Descriptor(0x00CFFA000000FFFF))  # flat, as any kernel's


class Case(NamedTuple):
    """A step, and `before`, the machine that is about to make it. `why` explains its fault, None if it had none.

    `when` is "" if it was made, else when it will be.
    """

    session: Session
    before: Machine
    step: Step
    why: Explanation | None
    when: str

    @property
    def stops(self) -> Iterator[tuple[Delivery, Any]]:
        """The deliveries that failed, each with the event that stopped it."""
        for attempt in self.step.deliveries:
            if attempt.failed is not None:
                yield attempt, attempt.events[-1]

    @property
    def mnemonic(self) -> str:
        """The instruction's, without a size; "" if none was fetched."""
        return self.step.instruction.form.stem if self.step.instruction is not None else ""

    def frame(self, reach: int = frames.MOST_STEPS) -> frames.FramePicture | None:
        """The exception frame on the stack before the step, if it was made at most `reach` steps ago."""
        return frames.frame(self.session, self.step.number, reach)


def case_of(session: Session, before: Machine, step: Step, when: str = "") -> Case:
    return Case(session, before, step, explain(tell(step, session.symbols.name), before), when)


def last_step(session: Session) -> Iterator[Case]:
    """The last fault, if the last step was the one that made it."""
    step = session.fault
    if step is not None and session.history.first_step <= step.number == session.machine.steps - 1:
        yield case_of(session, session.history.machine_at(step.number), step)


def next_step(session: Session) -> Iterator[Case]:
    """The next step, made on a copy; none if there is nothing to execute."""
    machine = session.machine
    if machine.cpu.shutdown or machine.cpu.halted or session.code.ends_at_eip:
        return
    yield case_of(session, machine, machine.copy().step(), NEXT_STEP)


def next_page_faults(session: Session) -> Iterator[Case]:
    """A page fault of a user, and what its handler does first, on copies: for each task's page directory."""
    from pagefault_lab.lab import tasks

    machine = session.machine
    if machine.cpu.shutdown or not machine.cpu.cr0 & PG:
        return
    for directory in dict.fromkeys((machine.cpu.cr3, *tasks.directories(session))):
        copy = machine.copy()
        if directory != machine.cpu.cr3:
            copy.cpu.write_cr3(directory)
        if not _stand_where_no_page_is(copy):
            continue
        fault = case_of(session, copy.copy(), copy.step(), NEXT_FAULT)
        yield fault
        if isinstance(fault.step.end, Interrupted):
            yield case_of(session, copy.copy(), copy.step(), NEXT_FAULT)


def _stand_where_no_page_is(machine: Machine) -> bool:
    """Let a user's next instruction lie where nothing is mapped (the supervisor's, if TR names no way inward)."""
    cpu = machine.cpu
    let_nothing_come_before(cpu)
    for page in chain(range(0, PAGES, PAGES_OF_TABLE), range(PAGES)):
        if page not in cpu.tlb.entries and not isinstance(walk_now(machine, page << 12).end, Mapped):
            break
    else:
        return False
    if cpu.tr.valid and cpu.cpl != 3:
        cpu.set_segment(CS, USER_CODE)
    cpu.eip = (page << 12) - cpu.segments[CS].base & 0xFFFFFFFF
    return True


def gate_of(machine: Machine, vector: int) -> Gate | None:
    """A vector's gate, if there is one by which it can be delivered."""
    gate = idt_entry(machine, vector, lambda _: None).gate if 8 * vector + 7 <= machine.cpu.idtr.limit else None
    return gate if gate is not None and gate.belongs_in_idt and gate.present else None
