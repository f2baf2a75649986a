"""Transfers to another code segment: far JMP, CALL and RET, call gates, IRET (SDM vol. 2; vol. 3, 5.8).

A transfer checks everything that can fail before it changes a register. What stays of a failed one is what the
processor leaves too: A bits of descriptors and of page-table entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.events import Reason, SegmentNulled
from pagefault_lab.machine.faults import NotSimulated, general_protection, invalid_tss, not_present, stack_fault
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.registers import (
    AC,
    CS,
    DF,
    DS,
    ES,
    ESP,
    FS,
    GS,
    IF,
    IOPL,
    MASK,
    NT,
    RF,
    SS,
    STATUS,
    TF,
    VM,
)
from pagefault_lab.machine.segmentation import (
    CALL_GATE16,
    CALL_GATE32,
    NULL_SEGMENT,
    TASK_GATE,
    Descriptor,
    Segment,
    is_null,
    mark_accessed,
    read_descriptor,
    stack_segment,
)
from pagefault_lab.machine.tasks import switch_task
from pagefault_lab.machine.tss import inner_stack

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu


def far_jump(cpu: Cpu, selector: int, offset: int) -> None:
    """JMP to selector:offset: a code segment, or a call gate, task gate or TSS (whose offset does not count)."""
    descriptor = _destination(cpu, selector)
    if descriptor.system:
        gate = _system_destination(cpu, selector, descriptor)
        selector, offset = gate.selector, gate.offset
        descriptor = _destination_of_gate(cpu, selector)
        _require_same_level(cpu, selector, descriptor, 0)
    else:
        _require_same_level(cpu, selector, descriptor, selector & 3)
    _require_inside(cpu, offset, descriptor)
    _enter(cpu, selector, descriptor, cpu.cpl, offset)


def far_call(cpu: Cpu, selector: int, offset: int, size: int) -> None:
    """CALL to selector:offset, pushing values of `size` bytes (through a call gate: of the gate's size)."""
    descriptor = _destination(cpu, selector)
    if descriptor.system:
        _call_through_gate(cpu, _system_destination(cpu, selector, descriptor))
    else:
        _require_same_level(cpu, selector, descriptor, selector & 3)
        _call_same_level(cpu, selector, descriptor, offset, size)


def far_return(cpu: Cpu, size: int, released: int) -> None:
    """RET far: pop EIP and CS and drop `released` bytes; to an outer level the same on its stack, with ESP and SS."""
    offset = cpu.peek_stack(0, size)
    selector = cpu.peek_stack(size, size) & 0xFFFF
    descriptor = _destination_of_return(cpu, selector)
    if selector & 3 == cpu.cpl:
        _require_inside(cpu, offset, descriptor)
        _enter(cpu, selector, descriptor, cpu.cpl, offset)
        cpu.move_stack(2 * size + released)
    else:
        _return_outward(cpu, selector, descriptor, offset, 2 * size + released, size)
        cpu.move_stack(released)


def interrupt_return(cpu: Cpu, size: int) -> None:
    """IRET: pop EIP, CS and EFLAGS; to an outer level also ESP and SS."""
    if cpu.eflags & NT:
        switch_task(cpu, None)
    offset = cpu.peek_stack(0, size)
    selector = cpu.peek_stack(size, size) & 0xFFFF
    popped = cpu.peek_stack(2 * size, size)
    if popped & VM and cpu.cpl == 0:
        raise NotSimulated("virtual-8086 mode")
    changed = _flags_that_iret_may_change(cpu) & MASK[size]
    descriptor = _destination_of_return(cpu, selector)
    if selector & 3 == cpu.cpl:
        _require_inside(cpu, offset, descriptor)
        _enter(cpu, selector, descriptor, cpu.cpl, offset)
        cpu.move_stack(3 * size)
    else:
        _return_outward(cpu, selector, descriptor, offset, 3 * size, size)
    cpu.set_flags(changed, popped)


def _flags_that_iret_may_change(cpu: Cpu) -> int:
    """By the level that is left: IF needs CPL <= IOPL, IOPL itself CPL 0."""
    changed = STATUS | TF | DF | NT | RF | AC
    if cpu.cpl <= cpu.iopl:
        changed |= IF
    if cpu.cpl == 0:
        changed |= IOPL
    return changed


# --- what a selector for CS leads to


def _destination(cpu: Cpu, selector: int) -> Descriptor:
    """The descriptor that a far JMP or CALL names."""
    cpu.require("the selector is not null", not is_null(selector), general_protection(0), selector=selector)
    return read_descriptor(cpu, selector, general_protection(selector & 0xFFFC))


def _system_destination(cpu: Cpu, selector: int, descriptor: Descriptor) -> Gate:
    """The call gate that a far JMP or CALL names; a task gate or a TSS switches tasks instead."""
    error = selector & 0xFFFC
    bad = general_protection(error)
    kind = descriptor.type
    transfers = kind in (CALL_GATE16, CALL_GATE32, TASK_GATE) or descriptor.is_tss(busy=False)
    cpu.require("it is code, a call gate, a task gate or an available TSS", transfers, bad, type=kind)
    cpu.require("DPL >= CPL", descriptor.dpl >= cpu.cpl, bad, DPL=descriptor.dpl, CPL=cpu.cpl)
    cpu.require("DPL >= RPL", descriptor.dpl >= selector & 3, bad, DPL=descriptor.dpl, RPL=selector & 3)
    present = descriptor.present
    if kind not in (CALL_GATE16, CALL_GATE32):
        cpu.require("the task gate or TSS is present", present, not_present(error), P=int(present))
        switch_task(cpu, Gate(descriptor.raw).selector if kind == TASK_GATE else selector)
    cpu.require("the gate is present", present, not_present(error), P=int(present))
    return Gate(descriptor.raw)


def _destination_of_gate(cpu: Cpu, selector: int) -> Descriptor:
    """The code segment that a call gate names."""
    cpu.require("the gate's selector is not null", not is_null(selector), general_protection(0), selector=selector)
    bad = general_protection(selector & 0xFFFC)
    descriptor = read_descriptor(cpu, selector, bad)
    s = int(not descriptor.system)
    cpu.require("the gate leads to a code segment", descriptor.code, bad, S=s, type=descriptor.type)
    cpu.require("code DPL <= CPL", descriptor.dpl <= cpu.cpl, bad, DPL=descriptor.dpl, CPL=cpu.cpl)
    return descriptor


def _destination_of_return(cpu: Cpu, selector: int) -> Descriptor:
    """The code segment that a far RET or IRET goes back to, at the level of the selector's RPL."""
    cpu.require("CS is not null", not is_null(selector), general_protection(0), CS=selector)
    error = selector & 0xFFFC
    bad = general_protection(error)
    descriptor = read_descriptor(cpu, selector, bad)
    rpl, dpl = selector & 3, descriptor.dpl
    cpu.require("CS is a code segment", descriptor.code, bad, type=descriptor.type)
    cpu.require("CS.RPL >= CPL", rpl >= cpu.cpl, bad, RPL=rpl, CPL=cpu.cpl)
    if descriptor.conforming:
        cpu.require("conforming CS.DPL <= CS.RPL", dpl <= rpl, bad, DPL=dpl, RPL=rpl)
    else:
        cpu.require("CS.DPL = CS.RPL", dpl == rpl, bad, DPL=dpl, RPL=rpl)
    cpu.require("CS is present", descriptor.present, not_present(error), P=int(descriptor.present))
    return descriptor


def _require_same_level(cpu: Cpu, selector: int, descriptor: Descriptor, rpl: int) -> None:
    """The rules for code that runs at the CPL of its caller; a selector in a gate has an RPL of no matter, 0."""
    error = selector & 0xFFFC
    bad = general_protection(error)
    dpl, cpl = descriptor.dpl, cpu.cpl
    if descriptor.conforming:
        cpu.require("conforming CS.DPL <= CPL", dpl <= cpl, bad, DPL=dpl, CPL=cpl)
    else:
        cpu.require("CS is a code segment", descriptor.code, bad, type=descriptor.type)
        cpu.require("CS.RPL <= CPL", rpl <= cpl, bad, RPL=rpl, CPL=cpl)
        cpu.require("CS.DPL = CPL", dpl == cpl, bad, DPL=dpl, CPL=cpl)
    cpu.require("CS is present", descriptor.present, not_present(error), P=int(descriptor.present))


def _require_inside(cpu: Cpu, offset: int, descriptor: Descriptor) -> None:
    limit = descriptor.limit
    cpu.require("EIP lies inside the new CS", offset <= limit, general_protection(0), EIP=offset, limit=limit)


def _enter(cpu: Cpu, selector: int, descriptor: Descriptor, cpl: int, offset: int) -> None:
    """Load CS:EIP; the level becomes `cpl`."""
    descriptor = mark_accessed(cpu, selector, descriptor)
    cpu.set_segment(CS, Segment.of(selector & 0xFFFC | cpl, descriptor))
    cpu.eip = offset


# --- calls


def _call_same_level(cpu: Cpu, selector: int, descriptor: Descriptor, offset: int, size: int) -> None:
    back = (cpu.segments[CS].selector, cpu.eip & MASK[size])
    _require_inside(cpu, offset, descriptor)
    descriptor = mark_accessed(cpu, selector, descriptor)
    cpu.push_all(back, size)
    _enter(cpu, selector, descriptor, cpu.cpl, offset)


def _call_through_gate(cpu: Cpu, gate: Gate) -> None:
    """Enter at the gate's selector and offset, at the same level or an inner one (SDM vol. 3, 5.8.3)."""
    selector = gate.selector
    descriptor = _destination_of_gate(cpu, selector)
    present = descriptor.present
    cpu.require("CS is present", present, not_present(selector & 0xFFFC), P=int(present))
    if descriptor.conforming or descriptor.dpl == cpu.cpl:
        _call_same_level(cpu, selector, descriptor, gate.offset, gate.size)
    else:
        _call_inward(cpu, gate, descriptor)


def _call_inward(cpu: Cpu, gate: Gate, descriptor: Descriptor) -> None:
    """Change to the inner level's stack, and take SS:ESP, the gate's count of arguments and CS:EIP there."""
    size = gate.size
    cpl = descriptor.dpl
    old_ss, old_esp = cpu.segments[SS], cpu.registers[ESP]
    _, ss, esp = inner_stack(cpu, cpl, 0)
    stack = stack_segment(cpu, ss, cpl, invalid_tss)
    arguments = [cpu.peek_stack(size * index, size) for index in reversed(range(gate.count))]
    frame = [old_ss.selector, old_esp & MASK[size], *arguments, cpu.segments[CS].selector, cpu.eip & MASK[size]]
    mask = 0xFFFFFFFF if stack.big else 0xFFFF
    places = [esp - size * count & mask for count in range(1, len(frame) + 1)]
    fits = all(stack.contains(place, size) for place in places)
    cpu.require("the frame fits on the inner stack", fits, stack_fault(ss & 0xFFFC), ESP=esp, limit=stack.limit)
    _require_inside(cpu, gate.offset, descriptor)
    descriptor = mark_accessed(cpu, gate.selector, descriptor)
    for place, value in zip(places, frame, strict=True):
        cpu.write_linear(stack.base + place & 0xFFFFFFFF, size, value, False, Reason.STACK)
    cpu.registers[ESP] = esp & ~mask | places[-1]
    cpu.set_segment(SS, stack)
    _enter(cpu, gate.selector, descriptor, cpl, gate.offset)


# --- returns


def _return_outward(cpu: Cpu, selector: int, descriptor: Descriptor, offset: int, distance: int, size: int) -> None:
    """Go on at an outer level, on its stack, whose SS:ESP stand `distance` bytes above the top of this one."""
    cpl = selector & 3
    esp = cpu.peek_stack(distance, size)
    ss = cpu.peek_stack(distance + size, size) & 0xFFFF
    stack = stack_segment(cpu, ss, cpl)
    _require_inside(cpu, offset, descriptor)
    _enter(cpu, selector, descriptor, cpl, offset)
    cpu.set_segment(SS, stack)
    mask = cpu.stack_mask
    cpu.registers[ESP] = cpu.registers[ESP] & ~mask | esp & mask
    for number in (ES, DS, FS, GS):
        segment = cpu.segments[number]
        if segment.dpl < cpl and not segment.conforming:
            if cpu.recorder is not None and segment.valid:
                cpu.recorder.append(SegmentNulled(number, segment.selector, segment.dpl, cpl))
            cpu.set_segment(number, NULL_SEGMENT)
