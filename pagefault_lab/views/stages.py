"""A step stage by stage: what was read where, the rules with their numbers, and the stack as it grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pagefault_lab.lab.stages import Stages, StageShown
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, GateRead, Pushed, Source, StackChosen
from pagefault_lab.machine.events import Access, Check, Kind, PortAccess, Reason, SegmentAccess, SegmentNulled, TlbHit
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.views import (
    access,
    check,
    code_chosen,
    fault,
    page_walk,
    port_access,
    segment_access,
    segment_nulled,
    tlb_hit,
    view,
)
from pagefault_lab.views.delivery import entered, heading, idtr, old_stack, outcome, purpose, saved_eip, stack
from pagefault_lab.views.frame_picture import slots
from pagefault_lab.views.gate_read import leads_to
from pagefault_lab.views.lines import CODE, GOOD, NAME, STRONG, Line, Lines, Span, maybe, note
from pagefault_lab.views.story import changes, end
from pagefault_lab.views.words import doing, hex32, named


@view(Stages)
def stages(whole: Stages) -> Lines:
    """Every stage in order, numbered; each stack is drawn when it has grown to its end."""
    shown = [StageShown(whole, index, replayed=True) for index in range(len(whole.stages))]
    lines = [step_line(whole)]
    for place, each in enumerate(shown):
        following = shown[place + 1] if place + 1 < len(shown) else None
        lines += [Lines.of(Line.of(Span(f"{place + 1} {title(each)}", STRONG), indent=2)), body(each).indented(4)]
        if following is None or following.stage.attempt != each.stage.attempt:
            lines.append(stack_so_far(each).indented(4))
    return Lines.of(*lines)


def step_line(whole: Stages) -> Lines:
    """Which instruction it is, where it lies, and the ring that it runs in."""
    told = whole.told
    step = told.step
    text = told.text if step.instruction is not None else "no instruction"
    return Lines.of(
        Line.of(
            Span(text, CODE),
            f" at {hex32(step.eip)}",
            maybe(named(step.linear, told.names), NAME),
            f", CPL {step.cpl}",
        )
    )


# --- what a stage is called


def title(shown: StageShown) -> str:
    """What the processor does in a stage."""
    attempt = shown.attempt
    for event in reversed(shown.stage.events):
        name = _concluded(event) if attempt is None else _delivered(event, attempt)
        if name:
            return name
    return "the step ends" if shown.whole.told.step.instruction is None else "the instruction is done"


def _delivered(event: Any, attempt: Delivery) -> str:
    """The name of a stage of a delivery by its last event."""
    match event:
        case Delivery(source=Source.EXCEPTION):
            return f"raising {event.fault.row.mnemonic}"
        case Delivery():
            return f"taking interrupt {event.fault.vector:#x}"
        case GateRead(vector=vector):
            return f"reading gate {vector} of the IDT"
        case CodeChosen():
            return "choosing the code segment and the ring"
        case StackChosen(tss_address=address):
            return "keeping the stack" if address is None else "switching the stack"
        case Pushed(name=name):
            return f"pushing {name}"
        case Entered():
            return "entering the handler"
        case Access(reason=Reason.TABLE, kind=Kind.WRITE):
            return "marking the descriptor as accessed"
        case Check():
            return f"rules for {purpose(attempt)}"
    return purpose(attempt)


def _concluded(event: Any) -> str:
    """The name of a stage of an instruction by its last event."""
    match event:
        case Access(kind=Kind.FETCH) | PageWalk(kind=Kind.FETCH) | TlbHit(kind=Kind.FETCH):
            return "fetching the instruction"
        case Access(reason=Reason.STACK, kind=kind):
            return "pushing" if kind is Kind.WRITE else "popping"
        case Access(reason=Reason.TABLE, kind=kind):
            return f"{doing(kind).removesuffix('e')}ing an entry of a table"
        case Access(kind=kind) | PageWalk(kind=kind) | TlbHit(kind=kind):
            return f"{doing(kind).removesuffix('e')}ing an operand"
        case Check():
            return "rules of the instruction"
        case SegmentAccess():
            return "rules of the segment"
        case PortAccess():
            return "accessing a port"
        case SegmentNulled():
            return "leaving the inner ring"
    return ""


# --- what happens in it


def body(shown: StageShown) -> Lines:
    """All events of a stage, with their numbers; at the end of a step or of an attempt, what came of it."""
    attempt, step = shown.attempt, shown.whole.told.step
    lines = Lines.of(*_events(shown))
    if attempt is not None and attempt.failed is not None:
        raised = fault.line(attempt.failed, shown.whole.told.names) if attempt.becomes else None
        return Lines.of(lines, raised, outcome(attempt))
    if shown.stage.events:
        return lines
    ended = end(step)
    if ended is not None or step.instruction is None:
        return Lines.of(ended)
    changed = changes(step, shown.whole.told.names)
    return Lines.of(Line.of(", ".join(changed) if changed else "no register changed, but EIP"))


def _events(shown: StageShown) -> Iterator[Lines | Line | None]:
    told = shown.whole.told
    names = told.names
    pages = set()
    segments = [event for event in shown.stage.events if isinstance(event, SegmentAccess) and event.fault is None]
    first, further = (segments[0], segments[1:]) if segments else (None, [])
    for event in shown.stage.events:
        match event:
            case Delivery():
                yield heading(event, names)
                eip, means = f"{hex32(event.saved_eip)}{named(event.saved_eip, names)}", saved_eip(event)
                yield Line.of(f"EIP to save: {eip}", f", {means}" if means else None, hang=2)
            case GateRead():
                yield Line.of(*idtr(event, names))
                yield Line.of(*leads_to(event.gate, names))
            case CodeChosen():
                yield code_chosen.code_chosen(event, names)
            case StackChosen():
                yield Line.of(*stack(event, names), hang=2)
            case Entered():
                yield Line.of(*entered(event, names), hang=2)
            case PageWalk():
                yield page_walk.page_walk(event, names)
            case TlbHit(fault=None) if event.linear in told.stale:
                yield tlb_hit.outdated(event, told.stale[event.linear])
            case TlbHit():
                if event.linear >> 12 not in pages:
                    yield tlb_hit.tlb_hit(event)
                pages.add(event.linear >> 12)
            case SegmentAccess() if event is first or event.fault is not None:
                yield segment_access.segment_access(event, names)
                yield _others(further) if event is first else None
            case Access():
                yield access.access(event, names)
            case Check():
                yield check.check(event)
            case PortAccess():
                yield port_access.port_access(event)
            case SegmentNulled():
                yield segment_nulled.segment_nulled(event)


def _others(allowed: Iterable[SegmentAccess]) -> Line | None:
    """Further places that the segment was asked about before any of them was accessed, in a row."""
    places = "  ".join(map(segment_access.place, allowed))
    return Line.of(Span("✓ ", GOOD), f"and {places}", hang=6) if places else None


# --- the stack


def stack_so_far(shown: StageShown) -> Lines:
    """The places of the stack that were filled by the attempt to deliver, or by the instruction, up to a stage."""
    attempt, filled = shown.attempt, shown.stack
    chosen: StackChosen | None = attempt.stage(StackChosen) if attempt is not None else None
    switched = chosen is not None and chosen.tss_address is not None
    left = Line.of(note(", ".join(old_stack(chosen)))) if chosen is not None and switched else None
    if not filled:
        return Lines.of(left)
    is_top = bool(filled[-1].by) and (attempt is None or attempt.failed is None)
    return Lines.of(left, slots(filled, filled[-1].address if is_top else None))
