"""The way through the IDT into a handler, as numbered steps with the numbers that were read, and the frame drawn.

IDTR -> gate -> code segment and ring -> (TR -> TSS -> the inner stack) -> what is pushed -> CS:EIP and EFLAGS
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from pagefault_lab.machine.delivery import (
    CodeChosen,
    Delivery,
    Entered,
    GateRead,
    Pushed,
    Source,
    StackChosen,
)
from pagefault_lab.machine.events import Access, Check, Reason, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import Class, Contribution, Fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.views import check, fault, page_walk, segment_access, tlb_hit, view
from pagefault_lab.views.code_chosen import ring_decision
from pagefault_lab.views.gate_read import leads_to
from pagefault_lab.views.lines import BAD, NOTE, STRONG, Line, Lines, Row, Span, maybe, note
from pagefault_lab.views.words import NO_NAMES, Names, flag_changes, hex16, hex32, named, sized

LEFT: Final = 25  # columns for the stack that was left
FRAME: Final = 40  # for the frame that was pushed, without names


@view(Delivery)
def delivery(attempt: Delivery, names: Names = NO_NAMES) -> Lines:
    """One attempt to enter a handler: its heading, its stages, and what stopped it if it was stopped."""
    return Lines.of(heading(attempt, names), stages(attempt, names), outcome(attempt))


def heading(attempt: Delivery, names: Names) -> Line:
    """What is delivered."""
    raised = attempt.fault
    if attempt.source is Source.EXCEPTION:
        return fault.line(raised, names)
    return Line.of(Span(f"interrupt {raised.vector:#x}", STRONG), f" ({attempt.source.value}), no error code")


def stages(attempt: Delivery, names: Names = NO_NAMES) -> Lines:
    """The stages that were reached, numbered; behind the last one, what failed."""
    lines: list[Line | Lines] = []
    number = 0
    since: list[Any] = []
    drawn = False
    for event in attempt.events:
        match event:
            case GateRead():
                number += 2
                lines.append(_step(number - 1, *idtr(event, names)))
                lines.append(_step(number, *leads_to(event.gate, names)))
            case CodeChosen():
                number += 1
                lines.append(_step(number, *ring_decision(event, descriptor_address(event, since), names)))
            case StackChosen():
                number += 1
                lines.append(_step(number, *stack(event, names)))
            case Pushed() if not drawn:
                drawn = True
                number += 1
                saved = saved_eip(attempt)
                lines.append(_step(number, "the CPU pushes", note(f" (EIP: {saved})") if saved else None))
                lines.append(frame(attempt, names).indented(4))
            case Entered():
                number += 1
                lines.append(_step(number, *entered(event, names)))
            case _:
                since.append(event)
                continue
        since.clear()
    if attempt.failed is not None:
        lines.append(failure(attempt, names).indented(4))
    return Lines.of(*lines)


def _step(number: int, *parts: str | Span | None) -> Line:
    return Line.of(Span(f"{number} ", STRONG), *parts, indent=2, hang=2)


# --- the stages, each a list of parts


def idtr(stage: GateRead, names: Names = NO_NAMES) -> tuple[str | Span, ...]:
    """Where the gate lies."""
    base = stage.address - 8 * stage.vector & 0xFFFFFFFF
    where = maybe(named(base, names))
    return f"IDTR base {hex32(base)}", where, f" + {stage.vector}*8: gate at {hex32(stage.address)}"


def descriptor_address(stage: CodeChosen, before: Sequence[Any]) -> int | None:
    """Where the code descriptor was read: the first table access for it."""
    return next((event.linear for event in before if isinstance(event, Access) and event.reason is Reason.TABLE), None)


def stack(stage: StackChosen, names: Names) -> tuple[str | Span | None, ...]:
    """Which stack is pushed on, and where its address came from."""
    if stage.tss_address is None:
        return (f"the ring stays, so does the stack: SS:ESP {hex16(stage.ss)}:{hex32(stage.esp)}",)
    distance = stage.tss_address - stage.tss_base & 0xFFFFFFFF
    return (
        f"TR {hex16(stage.tr)}: TSS {hex32(stage.tss_base)}",
        maybe(named(stage.tss_base, names)),
        f" + {distance:#x}: new SS:ESP ",
        Span(f"{hex16(stage.ss)}:{hex32(stage.esp)}", STRONG),
    )


def entered(stage: Entered, names: Names) -> tuple[str | Span | None, ...]:
    """Where the processor goes on, and what became of the flags."""
    flags = flag_changes(stage.eflags_before, stage.eflags)
    return (
        "CS:EIP ",
        Span(f"{hex16(stage.cs)}:{hex32(stage.eip)}{named(stage.eip, names)}", STRONG),
        f", CPL {stage.cpl}",
        f", EFLAGS {flags}" if flags else ", EFLAGS unchanged",
    )


def saved_eip(attempt: Delivery) -> str:
    """Which instruction the EIP that is saved belongs to; "" for an abort, where it is of no use."""
    row = attempt.fault.row
    if attempt.source is Source.EXCEPTION and row.kind is Class.FAULT and not attempt.fault.trap:
        return "the faulting instruction, so that iret restarts it"
    if attempt.source is not Source.EXCEPTION or row.kind in (Class.TRAP, Class.INTERRUPT):
        return "the next instruction"
    return ""


# --- the frame


def frame(attempt: Delivery, names: Names = NO_NAMES) -> Lines:
    """The frame with its addresses, first pushed first, beside the old stack when the stack was switched."""
    pushed = attempt.frame
    chosen: StackChosen | None = attempt.stage(StackChosen)
    lines = []
    for number, slot in enumerate(pushed):
        is_last = number == len(pushed) - 1 and attempt.failed is None
        lines.append(
            Line.of(
                Span("ESP-> ", STRONG) if is_last else "      ",
                f"{hex32(slot.linear)}  {sized(slot.value, slot.size):<10}  {slot.name}",
                Span(named(slot.value, names), NOTE) if slot.name == "EIP" else None,
            )
        )
    if chosen is None or chosen.tss_address is None:
        return Lines(tuple(lines))
    return Lines.of(SideBySide(old_stack(chosen), (Line.of(f"      new stack, ring {chosen.ss & 3}"), *lines)))


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A few words to the left of lines; above them where there is no room."""

    left: tuple[str, ...]
    right: tuple[Line, ...]
    indent: int = 0

    def indented(self, by: int) -> SideBySide:
        return replace(self, indent=self.indent + by)

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        beside = width >= self.indent + LEFT + FRAME
        if not beside:
            for text in self.left:
                yield from Line.of(Span(text, NOTE), indent=self.indent).rows(width, ascii_only)
        for number, line in enumerate(self.right):
            text = self.left[number] if beside and number < len(self.left) else ""
            line = replace(line, spans=(Span(text.ljust(LEFT) if beside else "", NOTE), *line.spans))
            yield from line.indented(self.indent).rows(width, ascii_only)


def old_stack(chosen: StackChosen) -> tuple[str, str, str]:
    """The stack that was switched away from: whose, where its top is, what becomes of it."""
    return (
        f"old stack, ring {chosen.old_ss & 3}",
        f"SS:ESP {hex16(chosen.old_ss)}:{hex32(chosen.old_esp)}",
        "left as it is",
    )


# --- what went wrong


def failure(attempt: Delivery, names: Names) -> Lines:
    """The check, the segment or the translation that ended an attempt.

    Its fault is told with it if it will not be delivered itself: no handler will see its error code.
    """
    failed = attempt.failed
    assert failed is not None
    return Lines.of(_refused(attempt, failed, names), fault.line(failed, names) if attempt.becomes else None)


def _refused(attempt: Delivery, failed: Fault, names: Names) -> Lines:
    for event in reversed(attempt.events):
        match event:
            case Check(holds=False):
                return check.check(event)
            case SegmentAccess(fault=Fault()):
                return segment_access.segment_access(event, names)
            case PageWalk(end=Fault()):
                return Lines.of(_wanted(attempt), page_walk.page_walk(event, names))
            case TlbHit(fault=Fault()):
                return Lines.of(_wanted(attempt), tlb_hit.tlb_hit(event))
    return Lines.of(Line.of(Span("✗ ", BAD), f"{failed.row.mnemonic} {failed.row.name}"))


def _wanted(attempt: Delivery) -> Line:
    """What the access that failed was for, and by whose rights it was judged."""
    judged = "" if attempt.stage(StackChosen) is not None else " (a table: a supervisor access at any CPL)"
    return Line.of(purpose(attempt), judged or None)


def purpose(attempt: Delivery) -> str:
    """What the processor is about: the first stage that was not reached."""
    if attempt.stage(GateRead) is None:
        return f"reading gate {attempt.fault.vector} of the IDT"
    if attempt.stage(CodeChosen) is None:
        return "reading the code segment's descriptor"
    if attempt.stage(StackChosen) is None:
        return "reading the stack segment's descriptor" if _knows_ss(attempt) else "finding the inner stack by the TSS"
    return "pushing the frame"


def _knows_ss(attempt: Delivery) -> bool:
    """Whether the inner SS:ESP was read: behind the ring's choice, rules are judged again after something was read."""
    place = next(place for place, event in enumerate(attempt.events) if isinstance(event, CodeChosen))
    return any(isinstance(read, Access) and isinstance(rule, Check) for read, rule in pairwise(attempt.events[place:]))


def outcome(attempt: Delivery) -> Line | None:
    """What a failed attempt leads to, by the double-fault table; None if the handler was entered."""
    if attempt.failed is None:
        return None
    first, second = attempt.fault.row, attempt.failed.row
    if attempt.source is Source.SOFTWARE:
        return Line.of(f"the instruction itself faults with {second.mnemonic}")
    old = first.contribution if attempt.source is Source.EXCEPTION else Contribution.BENIGN
    event = first.mnemonic if attempt.source is Source.EXCEPTION else attempt.source.value
    reason = f" ({old.value}, then {second.contribution.value})"
    if attempt.becomes == "shutdown":
        return Line.of(
            Span(f"{second.mnemonic} while {event} was delivered: triple fault, the processor shuts down", BAD),
            hang=2,
        )
    if attempt.becomes:
        return Line.of(Span(f"{second.mnemonic} while {event} was delivered: {attempt.becomes}", BAD), reason, hang=2)
    return Line.of(
        f"{second.mnemonic} while {event} was delivered: {second.mnemonic} is delivered instead", note(reason), hang=2
    )
