"""A step in a trace: one line, and one or two more for each attempt to enter a handler.

    address bytes instruction  # register: before->after, [linear address]: before->after
      #PF error code ... cr2=...
      -> CS:EIP of the handler, and the ring, the stack and the flags that it begins with

Without an instruction (an interrupt before it, a fetch that fails) what came instead stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.tracing import Traced
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, Source, StackChosen
from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.machine.step import Step
from pagefault_lab.views import view
from pagefault_lab.views.delivery import heading, outcome
from pagefault_lab.views.lines import ADDRESS, STRONG, Line, Lines, Span, glued, maybe, note
from pagefault_lab.views.story import COMMENT, changes, end, instruction
from pagefault_lab.views.words import Names, flag_changes, hex16, hex32, named


@view(Traced)
def traced(trace: Traced) -> Lines:
    """The step in as few lines as it takes; only the first begins at the margin, with an address."""
    step, names = trace.told.step, trace.told.names
    behind = [line for attempt in step.deliveries for line in _attempt(attempt, names)]
    if (ended := end(step)) is not None:
        behind.append(ended)
    if step.instruction is not None:
        first = instruction(trace.told, None, *_comment(step, names))
    else:
        first = Line.of(Span(hex32(step.eip), ADDRESS), "  ", *behind.pop(0).spans)
    return Lines.of(first, *(line.indented(2) for line in behind))


def _comment(step: Step, names: Names) -> Iterator[Span]:
    """What has changed. Beside registers, memory is told only where there is room: so a push is one line of 80."""
    registers, memory = ", ".join(changes(step, names)), ", ".join(written(step, names))
    if registers:
        yield note(COMMENT + registers)
    if memory:
        yield maybe(f", {memory}") if registers else note(COMMENT + memory)


def written(step: Step, names: Names) -> Iterator[str]:
    """What the instruction wrote to memory, unless a fault has taken it back."""
    if any(attempt.source is Source.EXCEPTION and not attempt.fault.trap for attempt in step.deliveries):
        return
    for event in step.events:
        if isinstance(event, Access) and event.kind is Kind.WRITE and event.reason in (Reason.OPERAND, Reason.STACK):
            assert event.before is not None
            yield glued(f"[{hex32(event.linear)}{named(event.linear, names)}]: {event.before:#x}->{event.value:#x}")


def _attempt(attempt: Delivery, names: Names) -> Iterator[Line]:
    """What is delivered, unless the instruction says so, and what became of it."""
    if attempt.source is not Source.SOFTWARE:
        yield heading(attempt, names)
    failed = outcome(attempt)
    yield failed if failed is not None else _entered(attempt, names)


def _entered(attempt: Delivery, names: Names) -> Line:
    """`-> 0x0010:0xc010a22f <page_fault>, CPL 3->0, SS:ESP 0x0018:0xc0111fe8, IF 1->0`."""
    place: Entered = attempt.stage(Entered)
    code: CodeChosen = attempt.stage(CodeChosen)
    stack: StackChosen = attempt.stage(StackChosen)
    flags = flag_changes(place.eflags_before, place.eflags)
    return Line.of(
        "-> ",
        Span(f"{hex16(place.cs)}:{hex32(place.eip)}{named(place.eip, names)}", STRONG),
        f", CPL {code.old_cpl}->{place.cpl}" if place.cpl != code.old_cpl else None,
        f", ESP {hex32(place.esp)}" if stack.tss_address is None else f", SS:ESP {hex16(place.ss)}:{hex32(place.esp)}",
        f", {flags}" if flags else None,
        hang=3,
    )
