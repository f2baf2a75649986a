"""`why`: the reason of a fault, link by link, each with the numbers that were judged."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.explain import Explanation, Term, When
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, GateRead, Source, StackChosen
from pagefault_lab.machine.faults import Class
from pagefault_lab.views import check, fault, segment_access, view
from pagefault_lab.views.delivery import failure, outcome
from pagefault_lab.views.gate_read import leads_to
from pagefault_lab.views.lines import GOOD, STRONG, Block, Line, Lines, Span
from pagefault_lab.views.links import because, error_code, judged, link
from pagefault_lab.views.words import Names, count, doing, error_words, hex16, hex32, named


@view(Explanation)
def explanation(why: Explanation) -> Lines:
    """The links from the instruction to the handler."""
    raised, names = why.fault, why.story.names
    title = f"{raised.row.mnemonic} {raised.row.name}"
    if raised.linear is not None:
        title += f" at {hex32(raised.linear)}{named(raised.linear, names)}"
    return Lines.of(
        Line.of("why ", Span(title, STRONG), f": {_when(why.when)}" if why.when is not None else None, hang=2),
        _instruction(why),
        *_operand(why),
        *_judgement(why),
        *error_code(why.fault.error, why.error, error_words(why.fault)),
        *(part for place in range(len(why.deliveries)) for part in _delivery(why, place, names)),
    )


def _when(when: When) -> str:
    """`fault 2 of 3, 57 steps ago`; as few words as tell it."""
    which = f"fault {when.number} of {when.faults}, " if when.faults > 1 else ""
    return f"{which}{count(when.steps_ago, 'step')} ago"


def _instruction(why: Explanation) -> Line:
    """Which instruction, where, at which privilege."""
    step = why.story.step
    first = why.deliveries[0]
    if first.source is Source.EXTERNAL:
        came_before = f"{hex32(step.eip)}{named(step.linear, why.story.names)}, CPL {step.cpl}"
        return link("instruction", f"none: interrupt {first.fault.vector:#x} came before the one at {came_before}")
    place = f"at {hex32(step.eip)}{named(step.linear, why.story.names)}, CPL {step.cpl}"
    if step.instruction is None:
        unknown = why.fault.row.mnemonic == "#UD"
        reason = "its bytes are no instruction" if unknown else "it could not be fetched"
        return link("instruction", f"{place}: {reason}")
    return link("instruction", Span(why.story.text, STRONG), f" {place}")


def _operand(why: Explanation) -> Iterator[Block | Lines]:
    """The bytes that were wanted: by segment and offset, then linear."""
    access = why.segment
    if access is None:
        return
    doing_it = f"{doing(why.translation.kind)} " if why.translation is not None else ""
    place = f"{doing_it}{count(access.size, 'byte')} at {segment_access.place(access)}"
    yield link("operand", place, f" = {_sum(why.formed)}" if why.formed else None)
    if access.fault is not None:
        yield link("segment", segment_access.hidden(access))
        yield link("verdict", *segment_access.verdict(access).spans)
        return
    yield link("segment", segment_access.hidden(access), Span(": ✓ allows it", GOOD))
    yield link("linear", f"{access.base:#x} + {hex32(access.offset)} = ", Span(hex32(access.linear), STRONG))


def _sum(terms: tuple[Term, ...]) -> str:
    """`ebx 0x08049000 + esi 0x3*4 - 0x10`."""
    text = ""
    for register, value, scale in terms:
        sign = (" - " if value < 0 and not register else " + ") if text else ""
        times = f"*{scale}" if scale > 1 else ""
        text += f"{sign}{register} {hex32(value)}{times}" if register else f"{sign}{abs(value):#x}"
    return text


def _judgement(why: Explanation) -> Iterator[Block | Lines]:
    """What was judged: the walk or the TLB's entry, or the instruction's own rules; and what failed."""
    if why.translation is not None:
        yield from judged(why.translation, why.written)
    else:
        held = check.in_a_row(why.held)
        if held is not None:
            yield link("held", *held.spans)
        if why.check is not None:
            yield link("verdict", *check.spans(why.check))


def _delivery(why: Explanation, place: int, names: Names) -> Iterator[Block | Lines]:
    """What the processor then did: which gate, which ring, which stack and why."""
    attempt = why.deliveries[place]
    if place:
        yield link("then", *fault.line(attempt.fault, names).spans)
    gate: GateRead | None = attempt.stage(GateRead)
    if gate is not None:
        yield link(
            "gate", f"{attempt.fault.vector} of the IDT, at {hex32(gate.address)}: ", *leads_to(gate.gate, names)
        )
    code: CodeChosen | None = attempt.stage(CodeChosen)
    stack: StackChosen | None = attempt.stage(StackChosen)
    if code is not None and stack is not None:
        yield _stack(code, stack)
    entered: Entered | None = attempt.stage(Entered)
    if entered is not None:
        yield _saved(why, attempt, names)
        return
    yield Line.of(Span("but", STRONG))
    yield failure(attempt, names).indented(2)
    for blamed in why.blamed:
        if blamed.delivery == place:
            yield from because(blamed.written)
    ended = outcome(attempt)
    if ended is not None:
        yield link("so", *ended.spans)


def _stack(code: CodeChosen, stack: StackChosen) -> Line:
    chosen = Span(f"{hex16(stack.ss)}:{hex32(stack.esp)}", STRONG)
    if stack.tss_address is None:
        return link("stack", f"the handler runs at CPL {code.new_cpl} as before: the stack stays ", chosen)
    distance, ring = stack.tss_address - stack.tss_base & 0xFFFFFFFF, code.new_cpl
    return link(
        "stack",
        f"CPL {code.old_cpl} -> {ring}, so another stack: TR {hex16(stack.tr)} -> "
        f"TSS {hex32(stack.tss_base)} + {distance:#x} -> SS{ring}:ESP{ring} = ",
        chosen,
    )


def _saved(why: Explanation, attempt: Delivery, names: Names) -> Line:
    eip = f"{hex32(attempt.saved_eip)}{named(attempt.saved_eip, names)}"
    row = attempt.fault.row
    if row.kind is Class.ABORT:
        return link("saved EIP", eip, f": of no use, since a {row.name} is an abort: nothing is to be tried again")
    if attempt.saved_eip == why.story.step.eip:
        return link("saved EIP", eip, ": the instruction itself, so that iret tries it again")
    return link("saved EIP", eip, ": the next instruction")
