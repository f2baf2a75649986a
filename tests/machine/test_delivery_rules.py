"""Delivery through the IDT: each check of SDM vol. 2 (INT n), from all three sources, with the EXT bit they give."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from rings import (
    ABSENT,
    DATA,
    HANDLERS,
    IDT,
    SPARE,
    STACKS,
    TEXT,
    TSS,
    TSS_BASE,
    Entered,
    Rings,
    code,
    data,
    descriptor,
    gate,
    handler,
    stack_top,
)

from pagefault_lab.machine.machine import Stop
from pagefault_lab.machine.registers import AC, AM, CS, DF, EAX, EFLAGS_BITS, ESP, IF, IOPL, NT, RF, SS, TF, VM
from pagefault_lab.machine.segmentation import TableRegister

TS, NP, SS_FAULT, GP, PF = 10, 11, 12, 13, 14
SOFTWARE, EXCEPTION, EXTERNAL = "int n", "exception", "external interrupt"
SOURCES = (SOFTWARE, EXCEPTION, EXTERNAL)
UD = 6
OTHER = 0x40
ALIGNMENT = 17


def prepared(source: str, cpl: int, program: str = "") -> tuple[Rings, int]:
    """A machine about to deliver, and the vector."""
    vector = UD if source == EXCEPTION else OTHER
    return Rings(cpl, bytes.fromhex(program or {SOFTWARE: "cd40", EXCEPTION: "0f0b", EXTERNAL: "90"}[source])), vector


def delivered(rings: Rings, source: str) -> Entered | None:
    return rings.interrupt(OTHER) if source == EXTERNAL else rings.step()


def ext(source: str) -> int:
    return int(source != SOFTWARE)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cpl", range(4))
def test_every_type_and_dpl_of_a_gate(cpl: int, source: str) -> None:
    rings, vector = prepared(source, cpl)
    start = rings.cpu.save()
    for access in range(256):
        rings.cpu.restore(start)
        rings.set_gate(vector, gate(code(0), handler(vector), access))
        type_, dpl, present = access & 0x1F, access >> 5 & 3, access & 0x80
        error = vector * 8 + 2 + ext(source)
        if type_ == 5 and present and (source != SOFTWARE or dpl >= cpl):
            if source == EXTERNAL:
                rings.cpu.eflags |= IF
                rings.machine.interrupt(vector)
            before = rings.cpu.save()
            assert rings.machine.run(1) is Stop.UNSUPPORTED, hex(access)
            assert rings.cpu.save()[:-1] == before[:-1], hex(access)  # but for the TLB
            continue
        entered = delivered(rings, source)
        if type_ not in (5, 6, 7, 14, 15) or (source == SOFTWARE and dpl < cpl):
            assert entered == Entered(GP, error), hex(access)
        elif not present:
            assert entered == Entered(NP, error), hex(access)
        else:
            assert entered == Entered(vector), hex(access)
            assert bool(rings.cpu.eflags & IF) == (source == EXTERNAL and type_ in (7, 15)), hex(access)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cpl", range(4))
def test_every_code_segment_that_a_gate_may_name(cpl: int, source: str) -> None:
    rings, vector = prepared(source, cpl)
    start = rings.cpu.save()
    for access, rpl in product(range(256), (0, 3)):
        rings.cpu.restore(start)
        rings.describe(SPARE, descriptor(access))
        rings.set_gate(vector, gate(SPARE | rpl, handler(vector)))
        dpl = access >> 5 & 3
        entered = delivered(rings, source)
        if access & 0x18 != 0x18 or dpl > cpl:
            assert entered == Entered(GP, SPARE | ext(source)), hex(access)
        elif not access & 0x80:
            assert entered == Entered(NP, SPARE | ext(source)), hex(access)
        else:
            ring = cpl if access & 4 else dpl
            assert entered == Entered(vector, None, ring), hex(access)
            assert rings.cpu.segments[CS].selector == SPARE | ring
            assert rings.cpu.segments[SS].selector == data(ring)
            assert rings.descriptor(SPARE).accessed


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cpl", range(1, 4))
def test_every_inner_stack_that_the_tss_may_name(cpl: int, source: str) -> None:
    """Its faults are delivered in the ring of the program, which needs no other stack."""
    rings, vector = prepared(source, cpl)
    for second in (TS, SS_FAULT):
        rings.set_gate(second, gate(code(cpl), handler(second)))
    start = rings.cpu.save()
    for access, rpl in product(range(256), range(4)):
        rings.cpu.restore(start)
        expands_down = access & 0xC == 4
        rings.describe(SPARE, descriptor(access, limit=0 if expands_down else 0xFFFFF))
        rings.memory.write(TSS_BASE + 8, 2, SPARE | rpl)
        entered = delivered(rings, source)
        if rpl or access & 0x7A != 0x12:
            assert entered == Entered(TS, SPARE | ext(source), cpl), (hex(access), rpl)
        elif not access & 0x80:
            assert entered == Entered(SS_FAULT, SPARE | ext(source), cpl), (hex(access), rpl)
        else:
            assert entered == Entered(vector), (hex(access), rpl)


Spoil = Callable[[Rings, int], tuple[int, int]]


def beyond_the_idt(rings: Rings, vector: int) -> tuple[int, int]:
    rings.cpu.idtr = TableRegister(IDT, 8 * vector + 6)
    return GP, vector * 8 + 2


def null_code(rings: Rings, vector: int) -> tuple[int, int]:
    rings.set_gate(vector, gate(3, handler(vector)))
    return GP, 0


def code_beyond_the_gdt(rings: Rings, vector: int) -> tuple[int, int]:
    rings.set_gate(vector, gate(0x2003, handler(vector)))
    return GP, 0x2000


def code_in_no_ldt(rings: Rings, vector: int) -> tuple[int, int]:
    rings.set_gate(vector, gate(code(0) | 4, handler(vector)))
    return GP, code(0) | 4


def beyond_the_code_limit(rings: Rings, vector: int) -> tuple[int, int]:
    rings.describe(SPARE, descriptor(0x9B, limit=handler(vector) - 1, flags=4))
    rings.set_gate(vector, gate(SPARE, handler(vector)))
    return GP, 0


def null_stack(rings: Rings, vector: int) -> tuple[int, int]:
    rings.memory.write(TSS_BASE + 8, 2, 3)
    return TS, 0


def stack_beyond_the_gdt(rings: Rings, vector: int) -> tuple[int, int]:
    rings.memory.write(TSS_BASE + 8, 2, 0x2000)
    return TS, 0x2000


def short_tss(rings: Rings, vector: int) -> tuple[int, int]:
    rings.use_tss(TSS_BASE, 8)
    return TS, TSS


def short_16_bit_tss(rings: Rings, vector: int) -> tuple[int, int]:
    rings.use_tss(TSS_BASE, 4, 3)
    return TS, TSS


SPOILS: tuple[Spoil, ...] = (null_code, code_beyond_the_gdt, code_in_no_ldt, beyond_the_code_limit)
INNER_SPOILS: tuple[Spoil, ...] = (null_stack, stack_beyond_the_gdt, short_tss, short_16_bit_tss)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cpl", range(4))
@pytest.mark.parametrize("spoil", SPOILS + INNER_SPOILS)
def test_a_delivery_that_fails_names_the_culprit_and_ext(spoil: Spoil, cpl: int, source: str) -> None:
    rings, vector = prepared(source, cpl)
    second, error = spoil(rings, vector)
    rings.set_gate(second, gate(code(cpl), handler(second)))
    entered = delivered(rings, source)
    if spoil in INNER_SPOILS and cpl == 0:
        assert entered == Entered(vector), "no other stack is needed"
    else:
        assert entered == Entered(second, error | ext(source), cpl)


@pytest.mark.parametrize("source", SOURCES)
def test_a_vector_beyond_the_idt_is_general_protection(source: str) -> None:
    """As an exception #AC, whose number is above #GP's."""
    if source == EXCEPTION:
        rings, vector = Rings(3, bytes.fromhex("a1") + (DATA + 1).to_bytes(4, "little")), ALIGNMENT
        rings.cpu.write_cr0(rings.cpu.cr0 | AM)
        rings.cpu.eflags |= AC
    else:
        rings, vector = prepared(source, 3)
    second, error = beyond_the_idt(rings, vector)
    assert delivered(rings, source) == Entered(second, error | ext(source))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("size", "bits"), [(4, 0xEE), (2, 0xE6)])
def test_a_frame_needs_its_room_on_the_inner_stack(source: str, size: int, bits: int) -> None:
    """20 or 10 bytes without an error code; the stack ends below by its limit."""
    for room in (0, 1, 5 * size - 1, 5 * size, 5 * size + 1):
        rings, vector = prepared(source, 3)
        rings.describe(SPARE, descriptor(0x97, limit=STACKS + 0x7FF, flags=4))
        rings.memory.write_bytes(TSS_BASE + 4, (STACKS + 0x800 + room).to_bytes(4, "little"))
        rings.memory.write(TSS_BASE + 8, 2, SPARE)
        rings.set_gate(vector, gate(code(0), handler(vector), bits))
        rings.set_gate(SS_FAULT, gate(code(3), handler(SS_FAULT)))
        entered = delivered(rings, source)
        expected = Entered(vector) if room >= 5 * size else Entered(SS_FAULT, SPARE | ext(source), 3)
        assert entered == expected, room


@pytest.mark.parametrize("room", [23, 24])
def test_with_an_error_code_the_frame_needs_24_bytes(room: int) -> None:
    rings = Rings(3, b"\xf4")
    rings.describe(SPARE, descriptor(0x97, limit=STACKS + 0x7FF, flags=4))
    rings.memory.write_bytes(TSS_BASE + 4, (STACKS + 0x800 + room).to_bytes(4, "little"))
    rings.memory.write(TSS_BASE + 8, 2, SPARE)
    rings.set_gate(8, gate(code(3), handler(8)))
    assert rings.step() == (Entered(GP, 0) if room == 24 else Entered(8, 0, 3))


@pytest.mark.parametrize("source", SOURCES)
def test_without_room_in_the_same_ring_the_stack_fault_has_no_selector(source: str) -> None:
    """From ring 3 to ring 3; the stack fault itself goes inward."""
    for room in (11, 12):
        rings, vector = prepared(source, 3)
        rings.describe(SPARE, descriptor(0xF7, limit=STACKS + 0x7FF, flags=4))
        rings.cpu.load_segment(SS, SPARE | 3)
        rings.cpu.registers[ESP] = STACKS + 0x800 + room
        rings.set_gate(vector, gate(code(3), handler(vector)))
        expected = Entered(vector, None, 3) if room == 12 else Entered(SS_FAULT, ext(source), 0)
        assert delivered(rings, source) == expected


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cpl", range(4))
def test_the_frame_says_where_the_program_was(cpl: int, source: str) -> None:
    """A fault saves its own EIP and RF=1, the others the next instruction's; an inner frame holds the outer stack."""
    for ring in range(cpl + 1):
        rings, vector = prepared(source, cpl)
        cpu = rings.cpu
        rings.set_gate(vector, gate(code(ring), handler(vector), 0xEF))
        every = EFLAGS_BITS & ~(TF | VM | RF | IOPL) | 0x1000
        cpu.eflags = every
        old_esp = cpu.registers[ESP]
        assert delivered(rings, source) == Entered(vector, None, ring)
        eip = TEXT + (2 if source == SOFTWARE else 0)
        frame = [eip, code(cpl), every | (RF if source == EXCEPTION else 0)]
        if ring < cpl:
            frame += [old_esp, data(cpl)]
        esp = cpu.registers[ESP]
        assert [cpu.peek(esp + 4 * place, 4) for place in range(len(frame))] == frame
        assert esp == (stack_top(ring) if ring < cpl else old_esp) - 4 * len(frame)
        assert cpu.eflags == every & ~NT
        assert cpu.eflags & DF
        assert [cpu.segments[number].selector for number in (0, 3, 4, 5)] == [data(cpl)] * 4


@pytest.mark.parametrize("vector", [8, 10, 11, 12, 13, 14, 17])
def test_interrupts_push_no_error_code_whatever_their_vector(vector: int) -> None:
    for source in (SOFTWARE, EXTERNAL):
        rings = Rings(3, bytes((0xCD, vector)))
        if source == EXTERNAL:
            rings.interrupt(vector)
        else:
            rings.step()
        assert rings.cpu.eip == handler(vector)
        assert rings.cpu.registers[ESP] == stack_top(0) - 20


def test_the_tables_and_the_inner_stack_are_reached_as_the_supervisor() -> None:
    rings = Rings(3, b"\xf4")
    for page in (IDT, 0x3000, TSS_BASE, STACKS, HANDLERS):
        rings.page(page, 3)
    assert rings.step() == Entered(GP, 0)


def test_an_absent_handler_is_a_new_fault_not_a_double_one() -> None:
    rings = Rings(3, b"\xf4")
    rings.set_gate(GP, gate(code(0), DATA))
    rings.page(DATA, ABSENT)
    assert rings.step() is None
    assert rings.cpu.eip == DATA
    assert rings.step() == Entered(PF, 0)
    assert rings.cpu.cr2 == DATA


def test_a_waiting_interrupt_needs_if() -> None:
    rings = Rings(3, b"\x90\x90")
    rings.machine.interrupt(OTHER)
    assert rings.step() is None
    rings.cpu.eflags |= IF
    assert rings.step() == Entered(OTHER)


def test_int3_into_and_icebp_by_gate_dpl() -> None:
    """ICEBP looks at no DPL; INT3 and INTO do; INTO without OF does nothing."""
    for program, vector, needs_dpl in (("cc", 3, True), ("ce", 4, True), ("f1", 1, False)):
        for dpl in range(4):
            rings = Rings(3, bytes.fromhex(program))
            rings.cpu.eflags |= 0x800
            rings.set_gate(vector, gate(code(0), handler(vector), 0x8E | dpl << 5))
            expected = Entered(GP, vector * 8 + 2) if needs_dpl and dpl < 3 else Entered(vector)
            assert rings.step() == expected
    rings = Rings(3, b"\xce")
    assert rings.step() is None


def test_a_fault_has_no_trap_on_top() -> None:
    """With TF set, the fault's handler is entered once, with TF saved."""
    rings = Rings(3, b"\x0f\x0b")
    rings.cpu.eflags |= TF
    rings.cpu.registers[EAX] = 0
    assert rings.step() == Entered(UD)
    assert rings.cpu.peek(rings.cpu.registers[ESP] + 8, 4) == TF | RF | 2
