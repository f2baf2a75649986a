"""Loading segment registers: every access byte x RPL x CPL, against the rules as SDM vol. 2 (MOV) words them."""

from __future__ import annotations

from itertools import product

import pytest
from rings import GDT, SPARE, TEXT, Entered, Rings, code, data, descriptor

from pagefault_lab.machine.registers import EAX, ESP, IF, PE, PG, SEGMENT_NAMES, TF, WP

LOADS = {"es": 0xC0, "ss": 0xD0, "ds": 0xD8, "fs": 0xE0, "gs": 0xE8}  # ModRM of MOV %ax to each
GP, SS_FAULT, NP = 13, 12, 11


def expected(register: str, access: int, rpl: int, cpl: int) -> int | None:
    """The vector that the load raises, by the manual; None if it succeeds."""
    present, dpl, type_ = bool(access & 0x80), access >> 5 & 3, access & 0xF
    is_segment = bool(access & 0x10)
    is_code = is_segment and bool(type_ & 8)
    is_data = is_segment and not is_code
    if register == "ss":
        if rpl != cpl or not (is_data and type_ & 2) or dpl != cpl:
            return GP
        return None if present else SS_FAULT
    if not (is_data or (is_code and type_ & 2)):
        return GP
    conforming = is_code and type_ & 4
    if not conforming and (rpl > dpl or cpl > dpl):
        return GP
    return None if present else NP


@pytest.mark.parametrize("cpl", range(4))
@pytest.mark.parametrize("register", LOADS)
def test_a_load_obeys_every_rule(register: str, cpl: int) -> None:
    rings = Rings(cpl, bytes((0x8E, LOADS[register])))
    cpu = rings.cpu
    number = SEGMENT_NAMES.index(register)
    start = cpu.save()
    wrong = []
    for access, rpl in product(range(256), range(4)):
        cpu.restore(start)
        raw = descriptor(access, base=0x1234)
        rings.describe(SPARE, raw)
        selector = SPARE | rpl
        cpu.registers[EAX] = selector
        old = cpu.segments[number]
        entered = rings.step()
        vector = expected(register, access, rpl, cpl)
        if vector is None:
            loaded = cpu.segments[number]
            right = entered is None and loaded.selector == selector and loaded.base == 0x1234 and cpu.eip == TEXT + 2
            accessed = rings.descriptor(SPARE).raw == raw | 1 << 40
        else:
            right = entered == Entered(vector, SPARE) and (number == 2 or cpu.segments[number] == old)
            accessed = rings.descriptor(SPARE).raw != raw
        if not right or accessed != (vector is None):
            wrong.append(f"access {access:#04x} rpl {rpl}: {entered} for {vector}")
    assert not wrong


@pytest.mark.parametrize("cpl", range(4))
@pytest.mark.parametrize("register", LOADS)
def test_a_null_selector_is_taken_by_all_but_ss(register: str, cpl: int) -> None:
    for rpl in range(4):
        rings = Rings(cpl, bytes((0x8E, LOADS[register])))
        rings.cpu.registers[EAX] = rpl
        entered = rings.step()
        if register == "ss":
            assert entered == Entered(GP, 0)
        else:
            assert entered is None
            assert rings.cpu.segments[SEGMENT_NAMES.index(register)].selector == rpl


@pytest.mark.parametrize("register", LOADS)
@pytest.mark.parametrize("selector", [0x2000, 0xFFF8, SPARE | 4, 4])
def test_a_selector_outside_its_table_is_refused(register: str, selector: int) -> None:
    rings = Rings(0, bytes((0x8E, LOADS[register])))
    rings.cpu.registers[EAX] = selector
    assert rings.step() == Entered(GP, selector & 0xFFFC)


def test_an_absent_gdt_page_is_a_supervisor_page_fault_even_from_ring_3() -> None:
    rings = Rings(3, bytes((0x8E, LOADS["ds"])))
    rings.page(0x4000, 0)
    rings.cpu.registers[EAX] = 0x1008
    assert rings.step() == Entered(14, 0)
    assert rings.cpu.cr2 == 0x4008


@pytest.mark.parametrize(("flags", "wp", "fault"), [(3, True, None), (1, False, None), (1, True, 3)])
def test_the_accessed_bit_is_written_as_the_supervisor_would(flags: int, wp: bool, fault: int | None) -> None:
    """A user loads DS from a GDT that only the supervisor may reach, and that may not be written with WP=1."""
    rings = Rings(3, bytes((0x8E, LOADS["ds"])))
    rings.describe(SPARE, descriptor(0xF2))
    rings.describe(code(0), descriptor(0x9B))
    rings.page(GDT, flags)
    rings.cpu.write_cr0(PE | PG | (WP if wp else 0))
    rings.cpu.registers[EAX] = SPARE | 3
    assert rings.step() == (None if fault is None else Entered(14, fault))
    assert fault is None or rings.cpu.cr2 & ~7 == GDT + SPARE


def test_after_a_load_of_ss_an_interrupt_waits_for_the_next_instruction() -> None:
    rings = Rings(0, bytes((0x8E, LOADS["ss"], 0x90, 0x90)))
    rings.cpu.registers[EAX] = data(0)
    rings.cpu.eflags |= IF
    assert rings.step() is None
    rings.machine.interrupt(0x21)
    assert rings.step() is None
    assert rings.cpu.eip == TEXT + 3
    assert rings.step() == Entered(0x21)


def test_after_a_load_of_ss_a_single_step_trap_is_left_out() -> None:
    rings = Rings(0, bytes((0x8E, LOADS["ss"], 0x90, 0x90)))
    rings.cpu.registers[EAX] = data(0)
    rings.cpu.eflags |= TF
    assert rings.step() is None
    assert rings.step() == Entered(1)
    assert rings.cpu.peek(rings.cpu.registers[ESP], 4) == TEXT + 3
