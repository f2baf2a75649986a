"""Rules about the way back out of a handler, and what a handler does with what it found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from pagefault_lab.lab.advice.cases import Case
from pagefault_lab.lab.advice.rules import Advice, rule
from pagefault_lab.machine.events import SegmentNulled
from pagefault_lab.machine.faults import PAGE_FAULT
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.operands import ControlRegister, SegmentRegister
from pagefault_lab.machine.registers import CS, SEGMENT_NAMES, SS
from pagefault_lab.machine.step import Step

LARGEST_LEFTOVER: Final = 256  # bytes between ESP and the frame: with more, it is another stack
LONGEST_HANDLER: Final = 6000  # steps that are executed again to know whose CR2 is read
RETURNS: Final = 16  # to user mode, that are looked at for the one that made a segment register null


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
