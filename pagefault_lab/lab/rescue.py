"""What would have saved a fault that became a double or a triple fault: changes tried on copies of the machine.

Each change is one that lab/candidates.py proposes from what refused, or takes back what was written last to it. It is
kept if, on a copy from just before the step, the same faults came up to one attempt, and that attempt then entered its
handler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pagefault_lab.lab.candidates import candidates
from pagefault_lab.lab.hypotheses import EntryBits, Hypothesis, PageMapped, RegisterBits, TableField, TranslationDropped
from pagefault_lab.lab.walks import is_refused
from pagefault_lab.machine.delivery import Delivery, Entered
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.segmentation import TableRegister
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.authors import Written
    from pagefault_lab.lab.explain import Explanation
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.step import Step

# what a system can be set up with; the others of whatif change what the program does
OF_THE_SYSTEM: Final = (EntryBits, PageMapped, RegisterBits, TableField, TranslationDropped)
MOST_EVENTS: Final = 10_000  # writes to page tables that are looked through


class TableRestored(NamedTuple):
    """Bytes of a table, at a physical `address`, are as they were before step number `step` wrote them, or the user's
    `line` there: 8 of them if one of the numbers needs so many, else 4. `what` is `PTE of 0xc2800070`, or `gate 14`."""

    what: str
    address: int
    before: int
    after: int
    step: int
    line: str = ""

    def apply(self, machine: Machine) -> None:
        size = 8 if max(self.before, self.after) >> 32 else 4
        machine.memory.write_bytes(self.address, self.after.to_bytes(size, "little"))


class TableRegisterRestored(NamedTuple):
    """IDTR or GDTR (`register` is its name in lower case) holds what it did before step number `step` has loaded it."""

    register: str
    before: TableRegister
    after: TableRegister
    step: int

    def apply(self, machine: Machine) -> None:
        setattr(machine.cpu, self.register, self.after)


Repair: TypeAlias = Hypothesis | TableRestored | TableRegisterRestored


class Saving(NamedTuple):
    """A change, and the handler that was entered after it; `symbol` names that, "" without a name."""

    repair: Repair
    entered: Entered
    symbol: str


class Lost(NamedTuple):
    """An attempt to deliver that failed, and what would have let it enter its handler."""

    attempt: Delivery
    savings: tuple[Saving, ...]


class Rescue(NamedTuple):
    """The attempts of a step that led to a double or a triple fault, those that failed; and how many changes were
    tried."""

    lost: tuple[Lost, ...]
    tried: int

    @property
    def first(self) -> Saving | None:
        """What would have saved the earliest attempt that can be saved: the change that reaches least."""
        return next((saving for lost in self.lost for saving in lost.savings), None)


class GivenUp(NamedTuple):
    """The processor has given up in the last step: what would have saved it, None if no single change.

    `cr2` is whether one of the faults was a page fault: only such a one leaves something behind, its address.
    """

    saving: Saving | None
    cr2: bool


def about(session: Session, why: Explanation) -> Iterator[Rescue]:
    """What would have saved a fault that is explained, if it met a double fault."""
    found = rescue(session, why.story.step, [each.written for each in why.blamed])
    if found is not None:
        yield found


def rescue(session: Session, step: Step, blamed: Iterable[Written] = ()) -> Rescue | None:
    """What would have saved a step that met a double fault; None if it did not. `blamed` are writes to suspect."""
    attempts = step.deliveries
    if not any(attempt.becomes for attempt in attempts):
        return None
    machine = session.history.machine_at(step.number)
    savings: dict[int, list[Saving]] = {}
    tried = 0
    for repair in dict.fromkeys(_repairs(session, machine, step, blamed)):
        made = _made(machine, repair)
        tried += made is not None
        saved = _saved(attempts, made.deliveries) if made is not None else None
        if saved is not None:
            place, entered = saved
            savings.setdefault(place, []).append(Saving(repair, entered, session.symbols.name(entered.eip) or ""))
    lost = (
        Lost(attempt, tuple(sorted(savings.get(place, ()), key=_ring)))
        for place, attempt in enumerate(attempts)
        if attempt.failed is not None
    )
    return Rescue(tuple(lost), tried)


def given_up(session: Session, step: Step) -> GivenUp:
    """What is to be said of a step that shut the processor down."""
    found = rescue(session, step)
    raised = (fault for attempt in step.deliveries for fault in (attempt.fault, attempt.failed) if fault is not None)
    cr2 = any(fault.linear is not None for fault in raised)
    return GivenUp(found.first if found is not None else None, cr2)


def _made(machine: Machine, repair: Repair) -> Step | None:
    """The step as a copy of the machine makes it after a change; None if that cannot be made."""
    copy = machine.copy()
    with suppress(Problem, FaultRaised):
        repair.apply(copy)
        return copy.step()
    return None


def _saved(lost: tuple[Delivery, ...], made: tuple[Delivery, ...]) -> tuple[int, Entered] | None:
    """Which of the lost attempts has entered its handler, after the same faults as before it; None if none has."""
    place = len(made) - 1
    if not 0 <= place < len(lost) or lost[place].failed is None:
        return None
    entered: Entered | None = made[-1].stage(Entered)
    same = [attempt.fault for attempt in made] == [attempt.fault for attempt in lost[: place + 1]]
    return (place, entered) if same and entered is not None else None


def _ring(saving: Saving) -> int:
    """The ring in which the handler was entered: an inner one is where handlers belong."""
    return saving.entered.cpl


def _repairs(session: Session, machine: Machine, step: Step, blamed: Iterable[Written]) -> Iterator[Repair]:
    """What has a chance: the last changes taken back, then each field that was judged, then pages mapped anew."""
    refused = [event for event in step.all_events() if is_refused(event)]
    proposed = candidates(machine, step, None, None)
    yield from _entries_restored(session, proposed, step)
    yield from _registers_restored(session, step)
    for what, address, origin in blamed:
        if what not in ("PDE", "PTE"):
            yield TableRestored(what, address, origin.after, origin.before, origin.step, origin.line)
    yield from (each for each in proposed if isinstance(each, OF_THE_SYSTEM))
    yield from (PageMapped(linear) for linear in dict.fromkeys(event.linear for event in refused))


def _entries_restored(session: Session, proposed: Iterable[Hypothesis], step: Step) -> Iterator[TableRestored]:
    """The entries of page tables that are proposed, as they were before the guest has written them last."""
    wanted = {each.address: each for each in proposed if isinstance(each, EntryBits)}
    for event in islice(session.chronicle.backwards(What.TABLE, end=step.number), MOST_EVENTS):
        address, before, after = event.numbers
        if (found := wanted.pop(address, None)) is not None:
            yield TableRestored(f"{found.level} of {found.linear:#010x}", address, after, before, event.step)


def _registers_restored(session: Session, step: Step) -> Iterator[TableRegisterRestored]:
    """IDTR and GDTR, as they were before the guest has loaded them last."""
    for register, what in (("idtr", What.IDT), ("gdtr", What.GDT)):
        event = session.chronicle.last(what, end=step.number)
        if event is not None:
            base, limit = event.numbers
            earlier: TableRegister = getattr(session.history.machine_at(event.step).cpu, register)
            yield TableRegisterRestored(register, TableRegister(base, limit), earlier, event.step)
