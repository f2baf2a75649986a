"""`why`: the reason of a fault, link by link, each with the numbers that were judged."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.explain import Explanation
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, GateRead, Source, StackChosen
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.faults import Class
from pagefault_lab.machine.paging import PageWalk, Rule
from pagefault_lab.views import check, fault, page_walk, segment_access, tlb_hit, view
from pagefault_lab.views.delivery import failure, outcome
from pagefault_lab.views.gate_read import leads_to
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Block, Line, Lines, Span, table
from pagefault_lab.views.words import Names, count, doing, error_words, hex16, hex32, named, rights, who

WIDTH = 12  # of the links' titles


@view(Explanation)
def explanation(why: Explanation) -> Lines:
    """The links from the instruction to the handler."""
    raised, names = why.fault, why.story.names
    title = f"{raised.row.mnemonic} {raised.row.name}"
    if raised.linear is not None:
        title += f" at {hex32(raised.linear)}{named(raised.linear, names)}"
    return Lines.of(
        Line.of("why ", Span(title, STRONG)),
        _instruction(why),
        *_operand(why),
        *_judgement(why),
        *_error_code(why),
        *(part for attempt in why.deliveries for part in _delivery(why, attempt, names)),
    )


def _link(title: str, *parts: str | Span | None) -> Line:
    return Line.of(Span(title.ljust(WIDTH), STRONG), *parts, hang=WIDTH)


def _instruction(why: Explanation) -> Line:
    """Which instruction, where, at which privilege."""
    step = why.story.step
    first = why.deliveries[0]
    if first.source is Source.EXTERNAL:
        came_before = f"{hex32(step.eip)}{named(step.linear, why.story.names)}, CPL {step.cpl}"
        return _link("instruction", f"none: interrupt {first.fault.vector:#x} came before the one at {came_before}")
    place = f"at {hex32(step.eip)}{named(step.linear, why.story.names)}, CPL {step.cpl}"
    if step.instruction is None:
        unknown = why.fault.row.mnemonic == "#UD"
        reason = "its bytes are no instruction" if unknown else "it could not be fetched"
        return _link("instruction", f"{place}: {reason}")
    return _link("instruction", Span(why.story.text, STRONG), f" {place}")


def _operand(why: Explanation) -> Iterator[Block | Lines]:
    """The bytes that were wanted: by segment and offset, then linear."""
    access = why.segment
    if access is None:
        return
    doing_it = f"{doing(why.translation.kind)} " if why.translation is not None else ""
    yield _link("operand", f"{doing_it}{count(access.size, 'byte')} at {segment_access.place(access)}")
    if access.fault is not None:
        yield _link("segment", segment_access.hidden(access))
        yield _link("verdict", *segment_access.verdict(access).spans)
        return
    yield _link("segment", segment_access.hidden(access), Span(": ✓ allows it", GOOD))
    yield _link("linear", f"{access.base:#x} + {hex32(access.offset)} = ", Span(hex32(access.linear), STRONG))


def _judgement(why: Explanation) -> Iterator[Block | Lines]:
    """What was judged: the walk or the TLB's entry, or the instruction's own rules; and what failed."""
    match why.translation:
        case PageWalk() as walk:
            yield _link("walk", f"{hex32(walk.linear)}: {page_walk.split(walk)}")
            yield from page_walk.lookups(walk).indented(2).blocks
            yield _link("rights", *page_walk.rules_judged(walk).spans[1:])
            yield _link("rule", _demand(walk))
            yield _link(
                "verdict",
                Span(
                    f"✗ {who(walk.user)} {doing(walk.kind)} refused: {page_walk.failed_bit(_failed(walk))} "
                    f"in the {_failed(walk).level}",
                    BAD,
                ),
            )
        case TlbHit() as hit:
            yield _link("TLB", tlb_hit.entry(hit)[4:], f"  {rights(True, hit.page_writable, hit.page_user)}")
            yield from tlb_hit.tables(hit).indented(2).blocks
            yield _link("verdict", *tlb_hit.refusal(hit).spans)
    if why.translation is None:
        held = check.in_a_row(why.held)
        if held is not None:
            yield _link("held", *held.spans)
        if why.check is not None:
            yield _link("verdict", *check.spans(why.check))


def _failed(walk: PageWalk) -> Rule:
    rule = walk.verdict
    assert rule is not None
    return rule


def _demand(walk: PageWalk) -> str:
    """What the failed rule asks for, and of whom."""
    rule = _failed(walk)
    if rule.bit == "R/W":
        whose = "a user's write" if walk.user else f"a write of the supervisor, as CR0.WP={int(walk.write_protect)},"
        return f"{whose} needs R/W=1 in both levels"
    if rule.bit == "U/S":
        return "an access at CPL 3 needs U/S=1 in both levels"
    return rule.text + ("; a fetch counts as a read" if walk.kind is Kind.FETCH else "")


def _error_code(why: Explanation) -> Iterator[Block | Lines]:
    """The error code bit by bit."""
    raised = why.fault
    if raised.error is None:
        yield _link("error code", "none: this exception has no error code")
        return
    words = error_words(raised)
    yield _link("error code", f"{raised.error:#x}", f" [{words}]" if words else None)
    if why.error is None:
        return
    cells = []
    for bit in why.error.fields:
        if bit.meaning and (bit.value or bit.name not in ("I/D", "RSVD")):
            value = str(bit.value) if bit.high == bit.low else f"{bit.value:#x}"
            cells.append((Span(f"{bit.name}={value}", STRONG), bit.meaning))
    yield table(cells, indent=WIDTH)


def _delivery(why: Explanation, attempt: Delivery, names: Names) -> Iterator[Block | Lines]:
    """What the processor then did: which gate, which ring, which stack and why."""
    if attempt is not why.deliveries[0]:
        yield _link("then", *fault.line(attempt.fault, names).spans)
    gate: GateRead | None = attempt.stage(GateRead)
    if gate is not None:
        yield _link(
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
    ended = outcome(attempt)
    if ended is not None:
        yield _link("so", *ended.spans)


def _stack(code: CodeChosen, stack: StackChosen) -> Line:
    chosen = Span(f"{hex16(stack.ss)}:{hex32(stack.esp)}", STRONG)
    if stack.tss_address is None:
        return _link("stack", f"the handler runs at CPL {code.new_cpl} as before: the stack stays ", chosen)
    distance = stack.tss_address - stack.tss_base & 0xFFFFFFFF
    return _link(
        "stack",
        f"CPL {code.old_cpl} -> {code.new_cpl}: that ring has a stack of its own, ",
        chosen,
        f", read from the TSS {hex32(stack.tss_base)} + {distance:#x} that TR {hex16(stack.tr)} names",
    )


def _saved(why: Explanation, attempt: Delivery, names: Names) -> Line:
    eip = f"{hex32(attempt.saved_eip)}{named(attempt.saved_eip, names)}"
    row = attempt.fault.row
    if row.kind is Class.ABORT:
        return _link("saved EIP", eip, f": of no use, since a {row.name} is an abort: nothing is to be tried again")
    if attempt.saved_eip == why.story.step.eip:
        return _link("saved EIP", eip, ": the instruction itself, so that iret tries it again")
    return _link("saved EIP", eip, ": the next instruction")
