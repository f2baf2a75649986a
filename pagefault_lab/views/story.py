"""A step: the instruction, what it changed, what it accessed and why, the rules that were judged, and how it ended.

Short when nothing happens that a reader must see, complete when the processor refuses something:

    address bytes instruction  # register: before->after
      an access, and if the TLB did not know the page, the walk with its entries
      ✓ the rules that were judged, with their numbers
      ✗ the rule that failed
    #PF error code ... and the delivery in numbered steps
"""

from __future__ import annotations

from typing import Final

from pagefault_lab.lab.story import Story, tell
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.operands import Target
from pagefault_lab.machine.registers import MASK
from pagefault_lab.machine.step import Change, Interrupted, Retired, ShutDown, Step, Unsupported, Waiting
from pagefault_lab.views import view
from pagefault_lab.views.delivery import delivery
from pagefault_lab.views.events import events_before_delivery
from pagefault_lab.views.lines import ADDRESS, BAD, CODE, NAME, NOTE, Line, Lines, Span, glued, maybe, note
from pagefault_lab.views.words import NO_NAMES, Names, data_bytes, flag_changes, hex32, label, named


@view(Story)
def story(told: Story) -> Lines:
    """The whole step."""
    step, names = told.step, told.names
    return Lines.of(
        headline(told),
        events_before_delivery(told).indented(2),
        _deliveries(step, names),
        end(step),
    )


def of_step(step: Step) -> Lines:
    """A step without names."""
    return story(tell(step))


# --- the first line

COMMENT: Final = "  " + glued("# ")  # goes on with the first word behind it


def headline(told: Story) -> Line | None:
    """`address bytes instruction  # eax: 0x0->0x1`; None if there was nothing to fetch."""
    step = told.step
    if step.instruction is None:
        failed_fetch = isinstance(step.end, Interrupted | ShutDown) and step.events
        if not failed_fetch or any(event.source is Source.EXTERNAL for event in step.deliveries):
            return None
        unknown = bool(step.deliveries) and step.deliveries[0].fault.row.mnemonic == "#UD"
        where = maybe(named(step.linear, told.names), NAME)
        return Line.of(Span(hex32(step.eip), ADDRESS), where, "  (no instruction)" if unknown else "  (not fetched)")
    changed = changes(step, told.names)
    where = maybe(label(step.linear, told.names), NAME)
    return instruction(told, where, note(COMMENT + ", ".join(changed)) if changed else None)


def instruction(told: Story, where: Span | None, *comment: Span | None) -> Line:
    """The line of an instruction that was fetched: `where` stands behind its address, the comment at the end."""
    step = told.step
    assert step.instruction is not None
    text, _, symbol = told.text.partition(" <")
    return Line.of(
        Span(hex32(step.eip), ADDRESS),
        where,
        "  ",
        Span(f"{data_bytes(step.instruction.bytes):<17}  ", NOTE),
        Span(text, CODE),
        Span(f" <{symbol}", NAME) if symbol else None,
        *comment,
        hang=12,
    )


DELIVERED = frozenset({"eip", "esp", "eflags", "cs", "ss", "cpl", "cr2"})  # what the story of a delivery tells


def changes(step: Step, names: Names = NO_NAMES) -> list[str]:
    """The registers that the instruction changed, EIP only if it did not fall through."""
    assert step.instruction is not None
    told = DELIVERED if step.deliveries else frozenset()
    behind = step.eip + step.instruction.length & 0xFFFFFFFF
    found = []
    for change in step.changes:
        if change.register in told or (change.register == "eip" and change.after == behind):
            continue
        if change.register == "eip" and _target(step) == change.after:
            found.append("jumps")
        else:
            found.append(_change(change, names))
    return found


def _target(step: Step) -> int | None:
    """Where the instruction's text says that it may jump."""
    assert step.instruction is not None
    for operand in step.instruction.operands:
        if isinstance(operand, Target):
            return step.eip + step.instruction.length + operand.displacement & MASK[operand.size]
    return None


def _change(change: Change, names: Names) -> str:
    register, before, after = change
    if register == "eflags":
        return ", ".join(map(glued, f"eflags: {flag_changes(before, after)}".split(", ")))
    return glued(f"{register}: {before:#x}->{after:#x}{named(after, names) if register == 'eip' else ''}")


# --- deliveries and the end


def _deliveries(step: Step, names: Names) -> Lines:
    return Lines.of(*(delivery(attempt, names) for attempt in step.deliveries))


def end(step: Step) -> Line | None:
    """How a step ended, where neither its instruction nor a delivery tells it."""
    match step.end:
        case Waiting():
            return Line.of("halted: nothing is done until an interrupt comes")
        case ShutDown() if not step.deliveries:
            return Line.of(Span("the processor is shut down", BAD), ": only a reset or going back helps")
        case Unsupported(what):
            return Line.of(Span("not simulated", BAD), f": {what}; nothing was done", hang=2)
        case Retired() | Interrupted() | ShutDown():
            return None
