"""What is wrong with the way in which faults are handled, and what to do about it: from state, with its numbers.

Each rule judges one thing that goes wrong. It is a function of a Case: a step of the machine that did not do what
somebody wanted, made in the past or (on a copy) about to be made. What it says comes from what that step really did.
To add a rule, write the function and mark it with @rule; one about what may go wrong later, of the present state alone,
is marked with @hazard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import frames
from pagefault_lab.lab.explain import Explanation, explain
from pagefault_lab.lab.hypotheses import let_nothing_come_before
from pagefault_lab.lab.story import tell
from pagefault_lab.lab.tables import idt, idt_entry
from pagefault_lab.lab.walks import is_refused, refusing, walk_now
from pagefault_lab.machine.delivery import CodeChosen, Delivery, GateRead, StackChosen
from pagefault_lab.machine.events import Check, Kind, SegmentNulled, TlbHit
from pagefault_lab.machine.faults import PAGE_FAULT, VECTORS
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.operands import ControlRegister, SegmentRegister
from pagefault_lab.machine.paging import CODE_PROTECTION, Mapped, PageWalk
from pagefault_lab.machine.registers import CS, PG, SEGMENT_NAMES, SS
from pagefault_lab.machine.segmentation import Descriptor, Segment
from pagefault_lab.machine.step import Interrupted, Step

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

NEXT_STEP: Final = "in the next step"
NEXT_FAULT: Final = "at the next page fault"
LARGEST_LEFTOVER: Final = 256  # bytes between ESP and the frame: with more, it is another stack
LONGEST_HANDLER: Final = 6000  # steps that are executed again to know whose CR2 is read
PAGES, PAGES_OF_TABLE = 1 << 20, 1 << 10
RETURNS: Final = 16  # to user mode, that are looked at for the one that made a segment register null
USER_CODE: Final = Segment.of(0x23, Descriptor(0x00CFFA000000FFFF))  # flat, as any kernel's


class Advice(NamedTuple):
    """One thing that is wrong, with the numbers that tell it, and what to do. `rule` names the rule that found it.

    `when` tells of what has not happened yet: NEXT_STEP, or NEXT_FAULT; "" of what has, or is so.
    """

    sentence: str
    numbers: dict[str, int]
    remedy: str
    rule: str = ""
    when: str = ""


class Advised(NamedTuple):
    """All advice about a fault, or about the present; there may be none."""

    advice: tuple[Advice, ...]


class Hint(NamedTuple):
    """The first of several pieces of advice, for one line."""

    advice: Advice


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


Rule = Callable[[Case], Iterator[Advice]]
Hazard = Callable[["Machine"], Iterator[Advice]]
RULES: list[Rule] = []
HAZARDS: list[Hazard] = []


def rule(judge: Rule) -> Rule:
    """Mark a rule about a step."""
    RULES.append(judge)
    return judge


def hazard(judge: Hazard) -> Hazard:
    """Mark a rule about a state in which nothing has gone wrong yet."""
    HAZARDS.append(judge)
    return judge


# --- what is asked


def about(session: Session, step: Step) -> Iterator[Advised]:
    """What to do about a step that was made, if anything; its machine is taken from the history."""
    found = _once(_judged(_case(session, session.history.machine_at(step.number), step)))
    if found:
        yield Advised(found)


def now(session: Session) -> Advised:
    """What is wrong now: in the last step, in the next one, at the next page fault, and what may become so."""
    cases = chain(_last_step(session), _next_step(session), _next_page_faults(session))
    hazards = (each._replace(rule=_name(judge)) for judge in HAZARDS for each in judge(session.machine))
    return Advised(_once(chain(*map(_judged, cases), hazards)))


def hint(session: Session) -> Iterator[Hint]:
    """The first advice about the last step, if it was told and a fault, or else about the next one."""
    cases = chain(_last_step(session) if _told_last(session) else (), _next_step(session))
    yield from map(Hint, islice(chain.from_iterable(map(_judged, cases)), 1))


def _told_last(session: Session) -> bool:
    told = session.runner.last
    return told is not None and told.number == session.machine.steps - 1


def _once(found: Iterable[Advice]) -> tuple[Advice, ...]:
    """The first advice of each rule."""
    first: dict[str, Advice] = {}
    for each in found:
        first.setdefault(each.rule, each)
    return tuple(first.values())


def _judged(case: Case) -> Iterator[Advice]:
    for judge in RULES:
        for advice in judge(case):
            yield advice._replace(rule=_name(judge), when=case.when)


def _name(judge: Callable[..., Any]) -> str:
    return judge.__name__.replace("_", " ")


# --- cases


def _case(session: Session, before: Machine, step: Step, when: str = "") -> Case:
    return Case(session, before, step, explain(tell(step, session.symbols.name), before), when)


def _last_step(session: Session) -> Iterator[Case]:
    """The last fault, if the last step was the one that made it."""
    step = session.fault
    if step is not None and session.history.first_step <= step.number == session.machine.steps - 1:
        yield _case(session, session.history.machine_at(step.number), step)


def _next_step(session: Session) -> Iterator[Case]:
    """The next step, made on a copy; none if there is nothing to execute."""
    machine = session.machine
    if machine.cpu.shutdown or machine.cpu.halted or session.code.ends_at_eip:
        return
    yield _case(session, machine, machine.copy().step(), NEXT_STEP)


def _next_page_faults(session: Session) -> Iterator[Case]:
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
        fault = _case(session, copy.copy(), copy.step(), NEXT_FAULT)
        yield fault
        if isinstance(fault.step.end, Interrupted):
            yield _case(session, copy.copy(), copy.step(), NEXT_FAULT)


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


# --- rules: the way back


@rule
def iret_without_the_frame_on_top(case: Case) -> Iterator[Advice]:
    """IRET takes EIP from the top of the stack. The error code, or an argument, has to be gone by then."""
    history = case.session.history
    if case.step.instruction is None and not case.when and case.step.number > history.first_step:
        case = case._replace(step=history.story(case.step.number - 1))  # what has led to where nothing is
    frame = case.frame() if case.mnemonic == "iret" else None
    eip = next((slot for slot in frame.slots if slot.meaning == "EIP"), None) if frame is not None else None
    if frame is None or eip is None or not 0 < eip.address - frame.esp < LARGEST_LEFTOVER:
        return
    top = next((slot for slot in frame.slots if slot.address == frame.esp), eip)
    what = "the error code" if top.meaning == "error code" else f"what {top.by} left" if top.by else "what lies on top"
    yield Advice(
        f"iret takes {what} for EIP",
        {"ESP": frame.esp, "on top": top.value or 0, "EIP lies at": eip.address},
        f"addl ${eip.address - frame.esp},%esp before the iret",
    )


@rule
def pop_of_what_another_pushed(case: Case) -> Iterator[Advice]:
    """A segment register is popped, and what lies there was pushed by something else: an argument that was left."""
    operands = case.step.instruction.operands if case.step.instruction is not None else ()
    if case.mnemonic != "pop" or case.why is None or not isinstance(operands[0], SegmentRegister):
        return
    name, frame = SEGMENT_NAMES[operands[0].number], case.frame()
    slots = {slot.address: slot for slot in frame.slots} if frame is not None else {}
    top = slots.get(frame.esp) if frame is not None else None
    pushed = next((slot for slot in reversed(slots.values()) if slot.meaning == name), None)
    if top is None or not top.by or pushed is None or pushed is top:
        return
    yield Advice(
        f"popl %{name} takes what {top.by} left",
        {"ESP": top.address, "on top": top.value or 0, f"{name.upper()} lies at": pushed.address},
        f"addl ${pushed.address - top.address},%esp: whoever pushes an argument takes it away",
    )


@rule
def kernel_segment_left_to_the_user(case: Case) -> Iterator[Advice]:
    """A return to an outer ring makes DS, ES, FS and GS null that hold a segment of the kernel's."""
    nulled = _nulled(case.step)
    access = case.why.segment if case.why is not None else None
    if not nulled and access is not None and access.fault is not None and not access.selector & 0xFFFC:
        nulled = _nulled_by_a_return(case, access.segment)
    if not nulled:
        return
    names = [SEGMENT_NAMES[each.segment] for each in nulled]
    selectors = {SEGMENT_NAMES[each.segment].upper(): each.selector for each in nulled}
    yield Advice(
        f"the return makes {' and '.join(selectors)} null, which held the kernel's selector",
        selectors | {"DPL": nulled[0].dpl, "CPL": nulled[0].cpl},
        "; ".join(f"popl %{name}" for name in names) + " before it, of what was pushed on entry",
    )


def _nulled(step: Step) -> tuple[SegmentNulled, ...]:
    return tuple(event for event in step.events if isinstance(event, SegmentNulled))


def _nulled_by_a_return(case: Case, segment: int) -> tuple[SegmentNulled, ...]:
    """What the return to user mode has made null that did it to this segment register; () if none of the last did."""
    rings = case.session.chronicle.backwards(What.RING, end=case.step.number)
    for event in islice((event for event in rings if event.numbers[1] == 3), RETURNS):
        nulled = _nulled(case.session.history.story(event.step))
        if any(each.segment == segment for each in nulled):
            return nulled
    return ()


@rule
def users_segment_in_the_kernel(case: Case) -> Iterator[Advice]:
    """A handler begins with the user's DS, ES, FS and GS, and any user may make them null."""
    access = case.why.segment if case.why is not None else None
    if access is None or access.fault is None or case.before.cpu.cpl == 3 or access.segment in (CS, SS):
        return
    if access.selector & 0xFFFC and access.selector & 3 != 3:
        return
    name = SEGMENT_NAMES[access.segment]
    yield Advice(
        f"{name.upper()} is still the user's here, at CPL {case.before.cpu.cpl}",
        {name.upper(): access.selector, "SS": case.before.cpu.segments[SS].selector},
        f"movl %ss,%eax; movl %eax,%{name} after it was saved; %ss: before the operand where it is given back",
    )


@rule
def cr2_overwritten(case: Case) -> Iterator[Advice]:
    """A page fault inside the handler overwrites CR2 before the handler has read it."""
    operands = case.step.instruction.operands if case.step.instruction is not None else ()
    if case.step.deliveries or not operands or operands[0] != ControlRegister(2):
        return
    faults = case.session.chronicle.backwards(What.FAULT, end=case.step.number)
    before_last = next(islice((event.step for event in faults if event.numbers[0] == PAGE_FAULT), 1, None), None)
    if before_last is None:
        return
    frame, cr2 = case.frame(min(case.step.number - before_last, LONGEST_HANDLER)), case.before.cpu.cr2
    if frame is None or frame.fault is None or frame.fault.linear in (None, cr2):
        return
    yield Advice(
        "CR2 is that of a later page fault, inside the handler",
        {"CR2": cr2, "this fault's": frame.fault.linear or 0},
        "read CR2 first, before anything that can fault",
    )


# --- rules: the way into the handler


@rule
def handler_not_mapped(case: Case) -> Iterator[Advice]:
    """The handler of page faults has to be mapped in each directory: it is where its own absence would be handled."""
    refused = case.why.translation if case.why is not None else None
    gate = _gate(case.before, PAGE_FAULT)
    if refused is None or gate is None or refused.kind is not Kind.FETCH or case.before.cpu.cpl == 3:
        return
    if refused.linear >> 12 == gate.offset >> 12:
        yield Advice(
            "gate 14 leads to a handler that cannot be fetched in this page directory",
            {"gate 14": gate.offset} | _of_page(case, refused),
            "map its page in every directory before lidt, or let it lie in a page that is; it cannot do that itself",
        )


@rule
def idt_not_mapped(case: Case) -> Iterator[Advice]:
    """The processor reads the gate at once, whichever page directory is in use."""
    for attempt, last in case.stops:
        if is_refused(last) and attempt.stage(GateRead) is None:
            yield Advice(
                "the IDT lies in a page that is not mapped in this page directory",
                _of_page(case, last) | {"IDTR base": case.before.cpu.idtr.base},
                "let it lie in a page that every directory maps, or map it in each before lidt",
            )


@rule
def existing_idt_written(case: Case) -> Iterator[Advice]:
    """Some kernels map their IDT read-only. A new one is built, the old one is only read."""
    refused = case.why.translation if case.why is not None else None
    idtr = case.before.cpu.idtr
    if refused is None or refused.kind is not Kind.WRITE or case.before.cpu.cpl == 3:
        return
    is_protected = case.why is not None and (case.why.fault.error or 0) & CODE_PROTECTION
    if is_protected and idtr.base <= refused.linear <= idtr.base + idtr.limit:
        yield Advice(
            "the IDT in use is mapped read-only",
            _of_page(case, refused) | {"IDTR base": idtr.base},
            "copy it to a page of your own, change the copy, and lidt that",
        )


OTHER_SELECTOR: Final = "take the selector of the kernel's CS"
GATE_RULES: Final = {
    "the gate lies inside the IDT": ("lies outside of the IDT", "lidt with a limit of 0x7ff: all 256 gates"),
    "the entry is a gate": ("is no gate", "0x8e00 is P=1, DPL 0, 32-bit interrupt gate"),
    "the gate is present": ("is not present", "set P, bit 15 of the word with the type: 0x8e00, not 0x0e00"),
    "the gate's selector is not null": ("has the null selector", OTHER_SELECTOR),
    "the selector lies inside its table": ("has a selector outside of the table", OTHER_SELECTOR),
    "the gate leads to a code segment": ("leads to no code segment", OTHER_SELECTOR),
    "code DPL <= CPL": ("leads to an outer ring", OTHER_SELECTOR),
    "the code segment is present": ("leads to a segment that is not present", OTHER_SELECTOR),
    "the handler lies inside its segment": ("leads beyond its segment", "the handler's address in its two halves"),
}


@rule
def wrong_gate(case: Case) -> Iterator[Advice]:
    """What a delivery demands of the gate, and of the code segment that it names."""
    for attempt, last in case.stops:
        if isinstance(last, Check) and last.rule in GATE_RULES and not _is_of_the_stack(attempt):
            wrong, remedy = GATE_RULES[last.rule]
            gate: GateRead | None = attempt.stage(GateRead)
            numbers = dict(last.numbers)
            if gate is not None and remedy is OTHER_SELECTOR:
                numbers = {"selector": gate.gate.selector} | numbers
                remedy = _about_selector(case, gate.gate.selector)
            yield Advice(f"gate {attempt.fault.vector} {wrong}", numbers, remedy)


def _is_of_the_stack(attempt: Delivery) -> bool:
    """Whether a delivery has come to the selector of the inner stack, of which the same rules are judged."""
    return attempt.stage(CodeChosen) is not None and attempt.stage(StackChosen) is None


def _about_selector(case: Case, wrong: int) -> str:
    """Which selector a gate should have, by the other ones; or the descriptor, if it has that."""
    gates = (entry.gate for entry in idt(case.before, lambda _: None).entries)
    selectors = [gate.selector for gate in gates if gate is not None and gate.present and gate.belongs_in_idt]
    usual = max(selectors, key=selectors.count, default=wrong)
    if usual == wrong:
        return f"look at the descriptor of {wrong:#x}: 0x00cf9a000000ffff is flat code of CPL 0"
    return f"{OTHER_SELECTOR}: {usual:#x}, as most gates"


@rule
def int_refused(case: Case) -> Iterator[Advice]:
    """INT n asks for the gate's DPL; exceptions and external interrupts do not."""
    for attempt, last in case.stops:
        if isinstance(last, Check) and last.rule == "gate DPL >= CPL":
            vector = attempt.fault.vector
            if vector in VECTORS:
                remedy = f"leave the gate: int ${vector} is no way for a user to have an exception, which needs no DPL"
            else:
                remedy = "DPL 3 in the gate (0xee00 or 0xef00), if users shall say it"
            yield Advice(f"gate {vector} is not for int at CPL {case.before.cpu.cpl}", dict(last.numbers), remedy)


@rule
def inner_stack_unusable(case: Case) -> Iterator[Advice]:
    """A fault in an outer ring is pushed on the stack that the TSS names, which has to be there whenever it happens."""
    for attempt, last in case.stops:
        chosen: StackChosen | None = attempt.stage(StackChosen)
        code: CodeChosen | None = attempt.stage(CodeChosen)
        if chosen is not None and chosen.tss_address is not None and is_refused(last):
            yield Advice(
                f"ESP{code.new_cpl if code is not None else 0} in the TSS leads to a page that cannot be written",
                {"SS0": chosen.ss, "ESP0": chosen.esp, "TSS": chosen.tss_base} | _of_page(case, last),
                "write the top of a stack that is always mapped to the TSS; vector 8 needs a stack of its own to tell",
            )
        elif chosen is not None and is_refused(last):
            yield Advice(
                "there is no room left to push on, and in the same ring no other stack",
                {"ESP": chosen.esp} | _of_page(case, last),
                "give ESP room before; vector 8 needs a stack of its own, by a task gate, to tell of it",
            )
        elif code is not None and chosen is None and is_refused(last):
            yield Advice(
                "the TSS lies in a page that is not mapped in this page directory",
                {"TSS": case.before.cpu.tr.base} | _of_page(case, last),
                "let it lie in a page that every directory maps",
            )
        elif code is not None and chosen is None and isinstance(last, Check) and last.rule not in GATE_RULES:
            yield Advice(
                f"the stack that the TSS names is wrong: not so that {last.rule}",
                {"TR": case.before.cpu.tr.selector, "TSS": case.before.cpu.tr.base} | dict(last.numbers),
                f"put the kernel's data selector into SS{code.new_cpl} of the TSS that TR names",
            )


def _of_page(case: Case, refused: PageWalk | TlbHit) -> dict[str, int]:
    """The address, the directory, and the entry that refused."""
    tables = refused.tables if isinstance(refused, TlbHit) else refused
    numbers = {"address": refused.linear, "CR3": case.before.cpu.cr3}
    entry = refusing(tables)
    if entry is not None:
        numbers[entry.level] = entry.entry
    return numbers


# --- hazards


@hazard
def gate_open_to_users(machine: Machine) -> Iterator[Advice]:
    """INT n pushes no error code, so that the handler of an exception that has one takes EIP for it."""
    for vector, row in VECTORS.items():
        gate = _gate(machine, vector) if row.has_error_code else None
        if gate is not None and gate.dpl == 3:
            yield Advice(
                f"a user can say int ${vector}, which pushes no error code: the handler's frame is off by one",
                {f"gate {vector}": gate.raw, "DPL": gate.dpl},
                "DPL 0 in the gate: 0x8e00",
            )


def _gate(machine: Machine, vector: int) -> Gate | None:
    """A vector's gate, if there is one by which it can be delivered."""
    gate = idt_entry(machine, vector, lambda _: None).gate if 8 * vector + 7 <= machine.cpu.idtr.limit else None
    return gate if gate is not None and gate.belongs_in_idt and gate.present else None


@hazard
def page_fault_by_a_trap_gate(machine: Machine) -> Iterator[Advice]:
    """A trap gate leaves IF as it is: an interrupt may come, and fault, before CR2 is read."""
    gate = _gate(machine, PAGE_FAULT)
    if gate is not None and not (gate.is_interrupt_gate or gate.is_task_gate):
        yield Advice(
            "gate 14 is a trap gate: with IF=1 an interrupt may fault before CR2 is read",
            {"gate 14": gate.raw, "type": gate.type},
            "an interrupt gate: 0x8e00",
        )


@hazard
def page_open_to_users(machine: Machine) -> Iterator[Advice]:
    """Whoever can write the IDT, or the handler that it leads to, runs at CPL 0."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return
    gate = _gate(machine, PAGE_FAULT)
    places = {"the IDT": cpu.idtr.base + 8 * PAGE_FAULT}
    if gate is not None and not gate.is_task_gate:
        places["the handler of page faults"] = gate.offset
    for what, address in places.items():
        end = walk_now(machine, address & 0xFFFFFFFF).end
        if isinstance(end, Mapped) and end.user:
            can = "read and written" if end.writable else "read"
            yield Advice(
                f"{what} can be {can} by any user",
                {"address": address, "U/S": 1, "R/W": int(end.writable)},
                "U/S=0 in its page table entry",
            )
