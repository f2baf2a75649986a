"""Two faults in one delivery: every first fault x every second one x ring, on real states, by SDM vol. 3, table 6-5.

A first fault is an instruction; a second one is a way to spoil a vector's gate, so that delivery through it faults,
while all other gates lead to a ring whose stack is sound. `outcome` is the manual's rule, folded over the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import pytest
from rings import (
    ABSENT,
    DATA,
    FAR_CODE,
    FAR_GDT,
    GDT,
    IDT,
    SPARE,
    SPARE_GATE,
    STACKS,
    TEXT,
    TSS_BASE,
    Entered,
    Rings,
    code,
    descriptor,
    gate,
    handler,
    stack_top,
)

from pagefault_lab.machine.registers import AC, AM, EAX, EBX, EM, ESP, SS, TF
from pagefault_lab.machine.segmentation import TableRegister

DF, TS, NP, SS_FAULT, GP, PF = 8, 10, 11, 12, 13, 14
CONTRIBUTORY = (0, TS, NP, SS_FAULT, GP)
SHUTDOWN = "shutdown"
NOWHERE = 0x22000  # a page that is made absent

# --- first faults: the vector, the program that raises it, its error code, and what it needs

Prepare = Callable[[Rings], object]


def nothing(rings: Rings) -> None:
    pass


def absent_page(rings: Rings) -> None:
    rings.page(NOWHERE, ABSENT)
    rings.cpu.registers[EBX] = NOWHERE


def absent_segment(rings: Rings) -> None:
    ring = rings.cpu.cpl
    rings.describe(SPARE, descriptor(0x13 | ring << 5))
    rings.cpu.registers[EAX] = SPARE | ring


def selector_beyond_the_gdt(rings: Rings) -> None:
    rings.cpu.registers[EAX] = 0x2000


def index_out_of_bounds(rings: Rings) -> None:
    rings.cpu.registers[EAX] = 1
    rings.cpu.registers[EBX] = DATA  # where both bounds are 0


def single_steps(rings: Rings) -> None:
    rings.cpu.eflags |= TF


def emulated_coprocessor(rings: Rings) -> None:
    rings.cpu.write_cr0(rings.cpu.cr0 | EM)


def alignment_checks(rings: Rings) -> None:
    rings.cpu.write_cr0(rings.cpu.cr0 | AM)
    rings.cpu.eflags |= AC
    rings.cpu.registers[EBX] = DATA + 1


def null_inner_stack(rings: Rings) -> None:
    """For ring 2, where no other gate leads."""
    rings.memory.write(TSS_BASE + 0x18, 2, 0)
    rings.describe(SPARE_GATE, gate(code(2), TEXT, 0xEC))


@dataclass(frozen=True)
class First:
    vector: int
    program: str
    error: int | None = None
    prepare: Prepare = nothing
    rings: tuple[int, ...] = (0, 3)

    def __str__(self) -> str:
        return f"vector {self.vector}"


FIRST = (
    First(0, "f7f1"),  # div %ecx
    First(1, "90", None, single_steps),  # nop, and a trap behind it
    First(5, "6203", None, index_out_of_bounds),  # bound %eax,(%ebx)
    First(6, "0f0b"),  # ud2
    First(7, "d9c0", None, emulated_coprocessor),  # fld %st
    First(TS, "9a000000006300", 0, null_inner_stack, (3,)),  # lcall through a gate
    First(NP, "8ed8", SPARE, absent_segment),  # mov %ax,%ds
    First(SS_FAULT, "8ed0", SPARE, absent_segment),  # mov %ax,%ss
    First(GP, "8ed8", 0x2000, selector_beyond_the_gdt),  # mov %ax,%ds
    First(PF, "8b03", 0, absent_page, (0,)),  # mov (%ebx),%eax
    First(PF, "8b03", 4, absent_page, (3,)),
    First(17, "8b03", 0, alignment_checks, (3,)),  # mov (%ebx),%eax
)
INVALID_OPCODE, USER_PAGE_FAULT = FIRST[3], FIRST[10]
EXTERNAL = 0x40

# --- second faults: spoil a vector's gate; give the fault that delivery through it raises

Spoiled = tuple[int, int]


def absent_gate(rings: Rings, vector: int) -> Spoiled:
    rings.set_gate(vector, gate(code(0), handler(vector), 0x6E))
    return NP, vector * 8 + 3


def no_gate(rings: Rings, vector: int) -> Spoiled:
    rings.set_gate(vector, gate(code(0), handler(vector), 0xEC))
    return GP, vector * 8 + 3


def null_code(rings: Rings, vector: int) -> Spoiled:
    rings.set_gate(vector, gate(0, handler(vector)))
    return GP, 1


def absent_code(rings: Rings, vector: int) -> Spoiled:
    rings.describe(SPARE + 0x18, descriptor(0x1B))
    rings.set_gate(vector, gate(SPARE + 0x18, handler(vector)))
    return NP, SPARE + 0x18 | 1


def absent_gdt_page(rings: Rings, vector: int) -> Spoiled:
    rings.page(FAR_GDT, ABSENT)
    rings.set_gate(vector, gate(FAR_CODE, handler(vector)))
    return PF, 0


# into ring 0 with its stack spoiled, for programs of ring 3 whose other handlers run in ring 1


def null_stack(rings: Rings, vector: int) -> Spoiled:
    rings.memory.write(TSS_BASE + 8, 2, 0)
    return TS, 1


def absent_stack_segment(rings: Rings, vector: int) -> Spoiled:
    rings.describe(SPARE + 0x10, descriptor(0x13))
    rings.memory.write(TSS_BASE + 8, 2, SPARE + 0x10)
    return SS_FAULT, SPARE + 0x10 | 1


def stack_without_room(rings: Rings, vector: int) -> Spoiled:
    rings.describe(SPARE + 0x10, descriptor(0x93, limit=0x7, flags=4))
    rings.memory.write(TSS_BASE + 8, 2, SPARE + 0x10)
    return SS_FAULT, SPARE + 0x10 | 1


def absent_stack_page(rings: Rings, vector: int) -> Spoiled:
    rings.page(STACKS, ABSENT)
    return PF, 2


Spoil = Callable[[Rings, int], Spoiled]
SPOILS: tuple[Spoil, ...] = (absent_gate, no_gate, null_code, absent_code, absent_gdt_page)
STACK_SPOILS: tuple[Spoil, ...] = (null_stack, absent_stack_segment, stack_without_room, absent_stack_page)


def outcome(vector: int, error: int | None, spoiled: Mapping[int, Spoiled], exception: bool = True) -> Entered | str:
    """The handler that is reached at last, by the table: the manual's words, folded over the chain of faults."""
    while vector in spoiled:
        second, second_error = spoiled[vector]
        contributory = exception and vector in CONTRIBUTORY
        page_fault = exception and vector == PF
        if exception and vector == DF:
            return SHUTDOWN
        if (contributory and second in CONTRIBUTORY) or (page_fault and second in (*CONTRIBUTORY, PF)):
            vector, error = DF, 0
        else:
            vector, error = second, second_error
        exception = True
    return Entered(vector, error)


def first_faults() -> Iterator[object]:
    """(ring, first fault) of each that can be."""
    for ring, first in product((0, 3), FIRST):
        if ring in first.rings:
            yield pytest.param(ring, first, id=f"ring {ring}, {first}")


def table() -> Iterator[object]:
    """(ring, first fault, second fault) of each that can be."""
    for ring, first in product((0, 3), FIRST):
        if ring in first.rings:
            for spoil in SPOILS + (STACK_SPOILS if ring == 3 else ()):
                yield pytest.param(ring, first, spoil, id=f"ring {ring}, {first}, {spoil.__name__}")


def prepared(ring: int, first: First) -> Rings:
    """About to raise the first fault; every gate leads to ring 0, or from ring 3 to ring 1, whose stack is sound."""
    rings = Rings(ring, bytes.fromhex(first.program))
    if ring == 3:
        for vector in range(256):
            rings.set_gate(vector, gate(code(1), handler(vector)))
    first.prepare(rings)
    return rings


def spoil_gate(rings: Rings, spoil: Spoil, vector: int) -> Spoiled:
    rings.set_gate(vector, gate(code(0), handler(vector)))
    return spoil(rings, vector)


def reached(rings: Rings, ring: int) -> Entered | str | None:
    """Where one step ends, with the ring of the handlers taken for granted."""
    entered = rings.step()
    if rings.cpu.shutdown:
        return SHUTDOWN
    assert entered is not None
    assert entered.ring == (1 if ring == 3 else 0)
    return Entered(entered.vector, entered.error)


@pytest.mark.parametrize(("ring", "first"), list(first_faults()))
def test_each_first_fault_is_delivered_when_nothing_is_spoiled(ring: int, first: First) -> None:
    rings = prepared(ring, first)
    assert reached(rings, ring) == Entered(first.vector, first.error)


@pytest.mark.parametrize(("ring", "first", "spoil"), list(table()))
def test_a_fault_in_the_delivery_of_a_fault(ring: int, first: First, spoil: Spoil) -> None:
    rings = prepared(ring, first)
    second = spoil_gate(rings, spoil, first.vector)
    expected = outcome(first.vector, first.error, {first.vector: second})
    assert reached(rings, ring) == expected
    # whatever is delivered, it interrupted the instruction: a trap saves the next one
    esp = rings.cpu.registers[ESP] + (4 if isinstance(expected, Entered) and expected.error is not None else 0)
    assert rings.cpu.peek(esp, 4) == (TEXT + 1 if first.prepare is single_steps else TEXT)


@pytest.mark.parametrize(("ring", "first", "spoil"), list(table()))
def test_a_fault_in_the_delivery_of_a_double_fault_shuts_down(ring: int, first: First, spoil: Spoil) -> None:
    for last in SPOILS:
        rings = prepared(ring, first)
        spoiled = {first.vector: spoil_gate(rings, spoil, first.vector)}
        spoiled[DF] = spoil_gate(rings, last, DF)
        expected = outcome(first.vector, first.error, spoiled)
        assert reached(rings, ring) == expected
        before = rings.cpu.save()
        rings.machine.run(10)
        assert expected != SHUTDOWN or rings.cpu.save() == before


@pytest.mark.parametrize(("ring", "first", "spoil"), list(table()))
def test_a_fault_in_the_delivery_of_a_second_fault(ring: int, first: First, spoil: Spoil) -> None:
    """After a serial second fault the table is asked again, with the second as the first."""
    for third in SPOILS:
        rings = prepared(ring, first)
        spoiled = {first.vector: spoil_gate(rings, spoil, first.vector)}
        second = spoiled[first.vector][0]
        if second == first.vector:
            continue
        spoiled[second] = spoil_gate(rings, third, second)
        assert reached(rings, ring) == outcome(first.vector, first.error, spoiled)


@pytest.mark.parametrize("spoil", SPOILS + STACK_SPOILS)
@pytest.mark.parametrize("vector", [EXTERNAL, 0, 8, 13, 14])
def test_an_external_interrupt_is_benign_whatever_its_vector(vector: int, spoil: Spoil) -> None:
    rings = prepared(3, INVALID_OPCODE)
    second, error = spoil_gate(rings, spoil, vector)
    if second == vector:
        return
    rings.cpu.eflags |= 0x200
    rings.machine.interrupt(vector)
    assert reached(rings, 3) == Entered(second, error)
    assert rings.cpu.peek(rings.cpu.registers[ESP] + 4, 4) == TEXT


@pytest.mark.parametrize("spoil", SPOILS + STACK_SPOILS)
def test_a_software_interrupt_is_no_first_fault_and_has_no_ext(spoil: Spoil) -> None:
    for vector in (0x40, 13, 8):
        rings = Rings(3, bytes((0xCD, vector)))
        for number in range(256):
            rings.set_gate(number, gate(code(1), handler(number)))
        second, error = spoil_gate(rings, spoil, vector)
        if second != vector:
            assert reached(rings, 3) == Entered(second, error & ~1 if second != PF else error)


def test_the_page_fault_that_becomes_a_double_fault_still_changes_cr2() -> None:
    for spoil, cr2 in ((absent_gdt_page, FAR_GDT), (absent_stack_page, stack_top(0) - 4), (no_gate, NOWHERE)):
        rings = prepared(3, USER_PAGE_FAULT)
        spoil_gate(rings, spoil, PF)
        assert reached(rings, 3) == Entered(DF, 0)
        assert rings.cpu.cr2 == cr2


# --- absent pages of what delivery needs


@pytest.mark.parametrize(("ring", "first"), list(first_faults()))
def test_without_the_idts_page_every_fault_shuts_down(ring: int, first: First) -> None:
    rings = prepared(ring, first)
    rings.page(IDT, ABSENT)
    assert reached(rings, ring) == SHUTDOWN
    assert rings.cpu.cr2 == IDT + 8 * DF


@pytest.mark.parametrize(("ring", "first"), list(first_faults()))
def test_without_the_gdts_page_every_fault_shuts_down(ring: int, first: First) -> None:
    """What would be #TS, #NP or #SS becomes a page fault by then, which fares no better."""
    rings = prepared(ring, first)
    rings.page(GDT, ABSENT)
    assert reached(rings, ring) == SHUTDOWN
    assert rings.cpu.cr2 == GDT + (code(1) & ~3 if ring == 3 else code(0))


@pytest.mark.parametrize("first", FIRST, ids=str)
def test_without_the_tsss_page_only_ring_3_shuts_down(first: First) -> None:
    for ring in first.rings:
        rings = prepared(ring, first)
        rings.page(TSS_BASE, ABSENT)
        expected = SHUTDOWN if ring == 3 else Entered(first.vector, first.error)
        assert reached(rings, ring) == expected
        if ring == 3:
            assert rings.cpu.cr2 == TSS_BASE + 0xC  # ring 1's stack


@pytest.mark.parametrize(("ring", "first"), list(first_faults()))
def test_without_the_stacks_page_every_fault_shuts_down(ring: int, first: First) -> None:
    rings = prepared(ring, first)
    rings.page(STACKS + 0x1000 * (1 if ring == 3 else 0), ABSENT)
    assert reached(rings, ring) == SHUTDOWN
    assert rings.cpu.cr2 == (stack_top(1) if ring == 3 else rings.cpu.registers[ESP]) - 4


def test_without_room_on_its_own_stack_ring_0_shuts_down() -> None:
    for first in FIRST:
        if 0 in first.rings:
            rings = prepared(0, first)
            rings.describe(SPARE + 0x10, descriptor(0x97, limit=STACKS + 0x7FF, flags=4))
            rings.cpu.load_segment(SS, SPARE + 0x10)
            rings.cpu.registers[ESP] = STACKS + 0x804
            assert reached(rings, 0) == SHUTDOWN


@pytest.mark.parametrize("first", FIRST, ids=str)
def test_half_an_idt_serves_the_vectors_that_it_holds(first: First) -> None:
    """Gates 0 to 9 lie at the end of one page, the others in the next."""
    low, high = 0x30000, 0x31000
    start = high - 80
    for ring, absent in product(first.rings, (low, high)):
        rings = prepared(ring, first)
        gates = rings.memory.read_bytes(IDT, 0x100)
        rings.memory.write_bytes(start, gates)
        rings.cpu.idtr = TableRegister(start, 0xFF)
        rings.page(absent, ABSENT)
        gone = [vector for vector in range(32) if (start + 8 * vector) & ~0xFFF == absent]
        assert reached(rings, ring) == outcome(first.vector, first.error, dict.fromkeys(gone, (PF, 0)))


def test_a_shut_down_processor_stays_so() -> None:
    rings = Rings(3, b"\x0f\x0b")
    rings.page(IDT, ABSENT)
    rings.machine.run(1)
    assert rings.cpu.shutdown
    before = rings.cpu.save()
    rings.machine.interrupt(0x20)
    rings.machine.run(100)
    assert rings.cpu.save()[0] == before[0]
