"""Why a fault happened, from the checks that really ran: nothing here judges anything anew.

The step in which it happened has been executed with the recorder on; the explanation is a path through its events, from
the instruction to the handler. What the history knows is added: when it was, and who wrote what refused.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import authors
from pagefault_lab.lab.authors import Written
from pagefault_lab.lab.decode import Decoded, page_fault_error, selector_error
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.walks import covering
from pagefault_lab.machine.delivery import Delivery, Source
from pagefault_lab.machine.events import Check, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import PAGE_FAULT, SELECTOR_ERRORS, Class, Fault
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.operands import Memory
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import ESP, MASK, NAMES_32, SS
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.step import Step

TRY: Final = "a write to address 0 would be one: movl %eax,0"
LARGEST_STRUCTURE: Final = 8  # bytes: what one operand of an instruction can be
LARGEST_FRAME: Final = 64  # bytes that one instruction moves over the stack, and more


class Term(NamedTuple):
    """A part of an offset: what a register held, and what it is multiplied with; a displacement has no `register`."""

    register: str
    value: int
    scale: int = 1


class When(NamedTuple):
    """Which of the faults in the history it is, from 1 on, of how many; and how many steps ago it was.

    A double fault is one of its own, though the same step made the fault that it came of.
    """

    number: int
    faults: int
    steps_ago: int


class Blamed(NamedTuple):
    """Who last wrote what stopped one of the deliveries: its place among them, from 0 on."""

    delivery: int
    written: Written


class Explanation(NamedTuple):
    """The way from an instruction to its fault, and from there to a handler.

    `held` are the rules that were judged before and held. `segment` is the access by a segment register that the fault
    is about, `formed` the registers that gave its offset; `translation` the walk or the TLB entry that refused; `check`
    the rule that failed. What played no part is None. `error` explains the error code, if there is one. `deliveries`
    are the attempts to enter a handler. `when`, `written` (the last write to the entry that refused) and `blamed` are
    what the history adds.
    """

    story: Story
    fault: Fault
    held: tuple[Check, ...]
    segment: SegmentAccess | None
    translation: PageWalk | TlbHit | None
    check: Check | None
    error: Decoded | None
    deliveries: tuple[Delivery, ...]
    restarts: bool  # the saved EIP is the instruction's own
    formed: tuple[Term, ...] = ()
    when: When | None = None
    written: Written | None = None
    blamed: tuple[Blamed, ...] = ()


def why(session: Session, number: int | None = None) -> Explanation:
    """Why the last fault happened, or the one of that number in the history; a Problem if there is none."""
    step = fault_in(session, number)
    found = explain(tell(step, session.symbols.name), session.history.machine_at(step.number))
    assert found is not None
    blamed = []
    for place, attempt in enumerate(found.deliveries):
        written = authors.of_failure(session, attempt, step.number)
        if written is not None:
            blamed.append(Blamed(place, written))
    return found._replace(
        when=_when(session, step.number, number),
        written=authors.of_refusal(session, found.translation, step.number),
        blamed=tuple(blamed),
    )


def fault_in(session: Session, number: int | None = None, otherwise: str = TRY) -> Step:
    """The step of the last fault, or of the one of that number in the history, told in full.

    A Problem if there is none; `otherwise` is what to do where there has been none at all.
    """
    count = session.chronicle.count(What.FAULT)
    if not count:
        raise Problem("there has been no fault yet", otherwise)
    if number is None:
        step = session.fault
        assert step is not None
        return step
    event = next(islice(session.chronicle.events(What.FAULT), number - 1, None), None)
    if event is None:
        hint = f"the last one is number {count}: `why fault {count}`; `timeline` shows them all"
        raise Problem(f"there has been no fault {number}", hint)
    return session.history.story(event.step)


def _when(session: Session, step: int, number: int | None) -> When:
    faults = session.chronicle.count(What.FAULT)
    return When(faults if number is None else number, faults, session.machine.steps - step)


def explain(story: Story, before: Machine | None = None) -> Explanation | None:
    """The explanation of a step that ended in an exception; None if it did not. `before` is the machine as it began."""
    deliveries = story.step.deliveries
    # an interrupt, by INT n or from outside, that was refused: the fault is what its delivery has met
    first = next((attempt for attempt in deliveries if attempt.source is Source.EXCEPTION), None)
    if first is None:
        return None
    fault = first.fault
    events = _before(story.step.events, first)
    interrupt = deliveries[0]
    if interrupt.source is not Source.EXCEPTION and interrupt.failed == fault:
        events = (*events, *interrupt.events)
    segment = translation = check = None
    for event in events:
        match event:
            case SegmentAccess():
                segment = event
            case PageWalk(end=Fault()) | TlbHit(fault=Fault()):
                translation = event
            case Check(holds=False):
                check = event
    if translation is not None:
        segment = covering(events, translation.linear)
    elif segment is not None and segment.fault is None:
        segment = None
    held = tuple(event for event in events if isinstance(event, Check) and event.holds)
    restarts = fault.row.kind is Class.FAULT and not fault.trap
    formed = () if segment is None or before is None else _formed(story, segment, before)
    return Explanation(story, fault, held, segment, translation, check, _error(fault), deliveries, restarts, formed)


def _before(events: tuple[Any, ...], delivery: Delivery) -> tuple[Any, ...]:
    found = []
    for event in events:
        if event is delivery:
            break
        found.append(event)
    return tuple(found)


def _error(fault: Fault) -> Decoded | None:
    if fault.error is None:
        return None
    if fault.vector == PAGE_FAULT:
        return page_fault_error(fault.error)
    return selector_error(fault.error) if fault.vector in SELECTOR_ERRORS else None


def _formed(story: Story, access: SegmentAccess, before: Machine) -> tuple[Term, ...]:
    """The registers, as they were, that give the offset of an access together; () if they do not."""
    instruction, cpu = story.step.instruction, before.cpu
    if instruction is None:
        return ()
    for operand in instruction.operands:
        if isinstance(operand, Memory) and (operand.base is not None or operand.index is not None):
            distance = access.offset - operand.offset(cpu) & MASK[operand.address_size]
            if operand.segment == access.segment and distance < LARGEST_STRUCTURE:
                terms = [
                    Term(NAMES_32[number], cpu.registers[number] & MASK[operand.address_size], scale)
                    for number, scale in ((operand.base, 1), (operand.index, operand.scale))
                    if number is not None
                ]
                rest = operand.displacement + distance
                return (*terms, Term("", rest)) if rest else tuple(terms)
    distance = access.offset - cpu.registers[ESP]
    if access.segment == SS and abs(distance) <= LARGEST_FRAME:
        return (Term("esp", cpu.registers[ESP]), *((Term("", distance),) if distance else ()))
    return ()
