"""Exceptions and interrupts through the IDT (SDM vol. 2, INT n; vol. 3, 6.12 and 6.15).

`deliver` is for what interrupts a program: it never raises, a fault on the way becomes a second exception, a double
fault or a shutdown. `software_interrupt` is INT n: its faults belong to the instruction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.machine.events import Reason
from pagefault_lab.machine.faults import (
    DOUBLE_FAULT,
    Class,
    Contribution,
    Fault,
    FaultRaised,
    NotSimulated,
    general_protection,
    invalid_tss,
    not_present,
    stack_fault,
)
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.registers import CS, ESP, IF, NT, RF, SS, TF, VM
from pagefault_lab.machine.segmentation import (
    Descriptor,
    Segment,
    is_null,
    mark_accessed,
    read_descriptor,
    stack_segment,
)
from pagefault_lab.machine.tss import inner_stack

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


class Source(Enum):
    """What asks for a delivery; it decides whose EIP is saved, EXT, and whether the gate's DPL counts."""

    EXCEPTION = "exception"
    SOFTWARE = "software interrupt"
    EXTERNAL = "external interrupt"


class GateRead(NamedTuple):
    """The IDT entry that the vector selected."""

    vector: int
    address: int
    gate: Gate


class CodeChosen(NamedTuple):
    """The code segment that the gate's selector names, and the ring that the handler runs in."""

    selector: int
    descriptor: Descriptor
    old_cpl: int
    new_cpl: int


class StackChosen(NamedTuple):
    """The stack that delivery pushes on. `tss_address` is where SS:ESP was read, None when the ring stays."""

    tr: int
    tss_base: int
    tss_address: int | None
    ss: int
    esp: int
    old_ss: int
    old_esp: int


class Pushed(NamedTuple):
    """One value of the frame, the linear address it went to, and its size."""

    name: str
    linear: int
    value: int
    size: int


class Entered(NamedTuple):
    """The handler's first instruction is next."""

    cs: int
    eip: int
    ss: int
    esp: int
    cpl: int
    eflags_before: int
    eflags: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to enter a handler, with everything that happened in it, in order.

    `failed` is the fault that ended it, None if the handler was entered. `becomes` says what that made of both, by the
    double-fault table: "" (the new fault is delivered instead), "double fault" or "shutdown".
    """

    fault: Fault
    source: Source
    saved_eip: int
    events: tuple[Any, ...]
    failed: Fault | None
    becomes: str

    @property
    def frame(self) -> tuple[Pushed, ...]:
        """What was pushed, first pushed first."""
        return tuple(event for event in self.events if isinstance(event, Pushed))

    def stage(self, kind: type[Any]) -> Any:
        """The stage of this type (GateRead, CodeChosen, StackChosen, Entered), None if it was not reached."""
        return next((event for event in self.events if isinstance(event, kind)), None)


_SERIOUS: Final = (Contribution.CONTRIBUTORY, Contribution.PAGE_FAULT)


def combine(first: Fault, source: Source, second: Fault) -> str:
    """What a fault during delivery makes of both (SDM vol. 3, table 6-5): "" (serial), "double fault", "shutdown"."""
    old = first.row.contribution if source is Source.EXCEPTION else Contribution.BENIGN
    new = second.row.contribution
    if old is Contribution.DOUBLE_FAULT:
        return "shutdown" if new in _SERIOUS or new is Contribution.DOUBLE_FAULT else ""
    if old is Contribution.PAGE_FAULT and new in _SERIOUS:
        return "double fault"
    if old is Contribution.CONTRIBUTORY and new is Contribution.CONTRIBUTORY:
        return "double fault"
    return ""


def deliver(cpu: Cpu, fault: Fault, source: Source = Source.EXCEPTION) -> None:
    """Enter the handler for an exception or an external interrupt, or what becomes of it; may end in shutdown.

    `cpu.start` is the interrupted instruction, `cpu.eip` the next one: a fault saves the first, all else the second.
    NotSimulated, the only thing it raises, leaves no trace but what the attempt did to CR2 and the TLB.
    """
    before = cpu.eip, cpu.exceptions, cpu.last_fault
    try:
        _deliver(cpu, fault, source)
    except NotSimulated:
        cpu.eip, cpu.exceptions, cpu.last_fault = before
        raise


def _deliver(cpu: Cpu, fault: Fault, source: Source) -> None:
    """Try one fault after the other until a handler is entered or the processor shuts down."""
    restart = source is Source.EXCEPTION and fault.row.kind in (Class.FAULT, Class.ABORT) and not fault.trap
    saved = cpu.start if restart else cpu.eip
    cpu.eip = saved
    while True:
        if source is Source.EXCEPTION:
            cpu.exceptions += 1
            cpu.last_fault = (fault, saved)
            error = -1 if fault.error is None else fault.error
            cpu.notice(What.FAULT, fault.vector, error, fault.linear or 0)
        else:
            cpu.notice(What.INTERRUPT, fault.vector, 1)
        with _observed(cpu) as events:
            failed, becomes = None, ""
            try:
                _enter(cpu, fault, source, saved)
            except FaultRaised as raised:
                failed = raised.fault
                becomes = combine(fault, source, failed)
        if cpu.recorder is not None:
            cpu.recorder.append(Delivery(fault, source, saved, tuple(events), failed, becomes))
        if failed is None:
            return
        if becomes == "shutdown":
            cpu.shutdown = True
            cpu.notice(What.SHUTDOWN)
            return
        fault = DOUBLE_FAULT if becomes else failed
        source = Source.EXCEPTION


def software_interrupt(cpu: Cpu, vector: int, checked: bool = True) -> None:
    """INT n, INT3, INTO (and ICEBP, for which the gate's DPL does not count: `checked` False). Raises its faults."""
    fault = Fault(vector, None)
    source = Source.SOFTWARE if checked else Source.EXCEPTION
    saved = cpu.eip
    cpu.notice(What.INTERRUPT, vector, 0)
    with _observed(cpu) as events:
        failed = None
        try:
            _enter(cpu, fault, source, saved)
        except FaultRaised as raised:
            failed = raised.fault
    if cpu.recorder is not None:
        cpu.recorder.append(Delivery(fault, Source.SOFTWARE, saved, tuple(events), failed, ""))
    if failed is not None:
        raise FaultRaised(failed)


@contextmanager
def _observed(cpu: Cpu) -> Iterator[list[Any]]:
    """Give a delivery's events a list of their own, if anybody looks."""
    outer = cpu.recorder
    events: list[Any] = []
    if outer is not None:
        cpu.recorder = events
    try:
        yield events
    finally:
        cpu.recorder = outer


def read_gate(cpu: Cpu, vector: int, error: int) -> Gate:
    """Read a vector's gate from the IDT, a supervisor access at any CPL; #GP(`error`) beyond the limit."""
    idtr = cpu.idtr
    inside = vector * 8 + 7 <= idtr.limit
    cpu.require("the gate lies inside the IDT", inside, general_protection(error), vector=vector, limit=idtr.limit)
    address = idtr.base + vector * 8 & 0xFFFFFFFF
    low = cpu.read_linear(address, 4, False, Reason.TABLE)
    gate = Gate(low | cpu.read_linear(address + 4 & 0xFFFFFFFF, 4, False, Reason.TABLE) << 32)
    if cpu.recorder is not None:
        cpu.recorder.append(GateRead(vector, address, gate))
    return gate


def _enter(cpu: Cpu, fault: Fault, source: Source, saved_eip: int) -> None:
    """The stages of one delivery; raises what fails, before anything but memory below the new stack has changed."""
    vector = fault.vector
    ext = int(source is not Source.SOFTWARE)  # faults on the way tell that an event outside the program caused them
    error = vector * 8 + 2 + ext
    gate = read_gate(cpu, vector, error)
    cpu.require("the entry is a gate", gate.belongs_in_idt, general_protection(error), type=gate.type)
    if source is Source.SOFTWARE:
        cpu.require("gate DPL >= CPL", gate.dpl >= cpu.cpl, general_protection(error), DPL=gate.dpl, CPL=cpu.cpl)
    cpu.require("the gate is present", gate.present, not_present(error), P=int(gate.present))
    if gate.is_task_gate:
        raise NotSimulated("a task gate in the IDT (a hardware task switch)")
    selector = gate.selector
    cpu.require("the gate's selector is not null", not is_null(selector), general_protection(ext), selector=selector)
    error = (selector & 0xFFFC) | ext
    bad = general_protection(error)
    descriptor = read_descriptor(cpu, selector, bad)
    s = int(not descriptor.system)
    cpu.require("the gate leads to a code segment", descriptor.code, bad, S=s, type=descriptor.type)
    cpu.require("code DPL <= CPL", descriptor.dpl <= cpu.cpl, bad, DPL=descriptor.dpl, CPL=cpu.cpl)
    cpu.require("the code segment is present", descriptor.present, not_present(error), P=int(descriptor.present))
    cpl = cpu.cpl if descriptor.conforming else descriptor.dpl
    if cpu.recorder is not None:
        cpu.recorder.append(CodeChosen(selector, descriptor, cpu.cpl, cpl))

    old_ss, old_esp = cpu.segments[SS], cpu.registers[ESP]
    stack, esp, tss_address = old_ss, old_esp, None
    if cpl < cpu.cpl:
        tss_address, ss, esp = inner_stack(cpu, cpl, ext)
        stack = stack_segment(cpu, ss, cpl, invalid_tss, ext)
    if cpu.recorder is not None:
        cpu.recorder.append(
            StackChosen(cpu.tr.selector, cpu.tr.base, tss_address, stack.selector, esp, old_ss.selector, old_esp)
        )

    eflags = cpu.eflags
    pushed_flags = eflags
    if source is Source.SOFTWARE:
        pushed_flags &= ~RF
    elif (source is Source.EXCEPTION and fault.row.kind is Class.FAULT) or cpu.repeating == saved_eip:
        pushed_flags |= RF  # SDM vol. 3, 17.3.1.1; also for what comes between two iterations
    frame = [("EFLAGS", pushed_flags), ("CS", cpu.segments[CS].selector), ("EIP", saved_eip)]
    if tss_address is not None:
        frame = [("SS", old_ss.selector), ("ESP", old_esp), *frame]
    if fault.error is not None:
        frame.append(("error code", fault.error))
    room = stack_fault((stack.selector & 0xFFFC if tss_address is not None else 0) | ext)
    mask = 0xFFFFFFFF if stack.big else 0xFFFF
    places = [esp - gate.size * count & mask for count in range(1, len(frame) + 1)]
    for place in places:
        if not stack.contains(place, gate.size):
            cpu.require("the frame fits on the stack", False, room, ESP=esp, limit=stack.limit)
    inside = gate.offset <= descriptor.limit
    cpu.require(
        "the handler lies inside its segment", inside, general_protection(ext), EIP=gate.offset, limit=descriptor.limit
    )
    size_mask = 0xFFFFFFFF if gate.size == 4 else 0xFFFF
    for place, (name, value) in zip(places, frame, strict=True):
        linear = stack.base + place & 0xFFFFFFFF
        cpu.write_linear(linear, gate.size, value & size_mask, cpl == 3, Reason.STACK)
        if cpu.recorder is not None:
            cpu.recorder.append(Pushed(name, linear, value & size_mask, gate.size))
    descriptor = mark_accessed(cpu, selector, descriptor)

    # nothing can fail any more
    cpu.registers[ESP] = esp & ~mask | places[-1]
    if tss_address is not None:
        cpu.set_segment(SS, stack)
    cpu.set_segment(CS, Segment.of(selector & 0xFFFC | cpl, descriptor))
    cpu.eip = gate.offset
    cpu.eflags = eflags & ~(TF | VM | RF | NT | (IF if gate.is_interrupt_gate else 0))
    cpu.halted = cpu.trapping = False
    cpu.repeating = -1
    if cpu.recorder is not None:
        cs, ss = cpu.segments[CS].selector, cpu.segments[SS].selector
        cpu.recorder.append(Entered(cs, cpu.eip, ss, cpu.registers[ESP], cpl, eflags, cpu.eflags))


