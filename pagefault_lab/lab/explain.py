"""Why the last fault happened, from the checks that really ran: nothing here judges anything anew.

The step in which it happened has been executed with the recorder on; the explanation is a path through its events, from
the instruction to the handler.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pagefault_lab.lab.decode import Decoded, page_fault_error, selector_error
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.delivery import Delivery, Source
from pagefault_lab.machine.events import Check, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import Class, Fault
from pagefault_lab.machine.paging import PageWalk


class Explanation(NamedTuple):
    """The way from an instruction to its fault, and from there to a handler.

    `held` are the rules that were judged before and held. `segment` is the access by a segment register that the fault
    is about; `translation` the walk or the TLB entry that refused; `check` the rule that failed. What played no part is
    None. `error` explains the error code, if there is one. `deliveries` are the attempts to enter a handler.
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


def explain(story: Story) -> Explanation | None:
    """The explanation of a step that ended in an exception; None if it did not."""
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
        segment = _covering(events, translation.linear)
    elif segment is not None and segment.fault is None:
        segment = None
    held = tuple(event for event in events if isinstance(event, Check) and event.holds)
    restarts = fault.row.kind is Class.FAULT and not fault.trap
    return Explanation(story, fault, held, segment, translation, check, _error(fault), deliveries, restarts)


def _before(events: tuple[Any, ...], delivery: Delivery) -> tuple[Any, ...]:
    found = []
    for event in events:
        if event is delivery:
            break
        found.append(event)
    return tuple(found)


def _covering(events: tuple[Any, ...], linear: int) -> SegmentAccess | None:
    """The segment access whose bytes include a linear address: the last one."""
    for event in reversed(events):
        if isinstance(event, SegmentAccess) and event.linear <= linear < event.linear + event.size:
            return event
    return None


def _error(fault: Fault) -> Decoded | None:
    if fault.error is None:
        return None
    if fault.vector == 14:
        return page_fault_error(fault.error)
    return selector_error(fault.error) if fault.vector in (10, 11, 12, 13) else None
