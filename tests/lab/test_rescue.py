"""What would have saved a double or a triple fault: each claim is executed once more, and the right one is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from benches import do, everything, only, steps
from builders import (
    GDT,
    HANDLERS,
    IDT,
    KERNEL_CODE,
    KERNEL_STACK,
    PRESENT,
    TSS_BASE,
    WRITABLE,
    map_page,
    on_bench,
    set_gate,
    two_rings,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pagefault_lab.lab.rescue import GivenUp, Rescue, rescue
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.segmentation import TableRegister
from pagefault_lab.machine.step import Interrupted, ShutDown, changes, visible

CELL = 0x14000
STORE = b"\x89\x03"  # movl %eax,(%ebx)

Change = Callable[[Machine], object]


def idt_absent(machine: Machine) -> None:
    map_page(machine, IDT, IDT & ~PRESENT | WRITABLE)


def gate_absent(machine: Machine) -> None:
    set_gate(machine, 14, KERNEL_CODE, HANDLERS + 16 * 14, 0x0E00)


def double_fault_gate_absent(machine: Machine) -> None:
    set_gate(machine, 8, KERNEL_CODE, HANDLERS + 16 * 8, 0x0E00)


def gate_of_no_segment(machine: Machine) -> None:
    set_gate(machine, 14, 0, HANDLERS + 16 * 14, 0x8E00)


def gate_of_data(machine: Machine) -> None:
    set_gate(machine, 14, 0x10, HANDLERS + 16 * 14, 0x8E00)


def idt_cut_off(machine: Machine) -> None:
    machine.cpu.idtr = TableRegister(IDT, 14 * 8)


def idt_empty(machine: Machine) -> None:
    machine.cpu.idtr = TableRegister(IDT, 0)


def stack_absent(machine: Machine) -> None:
    map_page(machine, KERNEL_STACK - 4, WRITABLE)


def stack_read_only(machine: Machine) -> None:
    map_page(machine, KERNEL_STACK - 4, PRESENT)


def stack_of_no_segment(machine: Machine) -> None:
    machine.memory.write(TSS_BASE + 8, 2, 0)


def stack_of_the_user(machine: Machine) -> None:
    machine.memory.write(TSS_BASE + 8, 2, 0x23)


def tss_absent(machine: Machine) -> None:
    map_page(machine, TSS_BASE, WRITABLE)


def tss_cut_off(machine: Machine) -> None:
    machine.cpu.tr = replace(machine.cpu.tr, limit=3)


def gdt_absent(machine: Machine) -> None:
    map_page(machine, GDT, WRITABLE)


# what is broken, and for each failed attempt a word of the repair that must be among those named; "" if none saves it
SCENES: list[tuple[tuple[Change, ...], list[str]]] = [
    ((idt_absent,), ["PTE.P", ""]),
    ((gate_absent,), ["gate 14: P"]),
    ((gate_of_no_segment,), ["gate 14: selector 0->8"]),
    ((gate_of_data,), ["gate 14: selector 0x10->8"]),
    ((idt_cut_off,), ["IDTR.limit 0x70->0x77"]),
    ((idt_empty,), ["IDTR.limit 0->0x77", "IDTR.limit 0->0x47"]),
    ((stack_absent,), ["a page mapped", ""]),
    ((stack_read_only,), ["PTE.R/W", ""]),
    ((stack_of_no_segment,), ["SS0 0->0x10", ""]),
    ((stack_of_the_user,), ["SS0 0x23->0x10", ""]),
    ((tss_absent,), ["PTE.P", ""]),
    ((tss_cut_off,), ["TR.limit", ""]),
    ((gdt_absent,), ["PTE.P", ""]),
    ((gate_absent, double_fault_gate_absent), ["gate 14: P", "gate 8: P"]),
    ((gate_of_no_segment, double_fault_gate_absent), ["gate 14: selector 0->8", "gate 8: P"]),
    ((gate_absent, stack_absent), ["", "a page mapped"]),
]


def broken(*changes: Change) -> Machine:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    for change in changes:
        change(machine)
    return machine


def rescue_of(machine: Machine) -> Rescue:
    session = on_bench(machine)
    (step,) = steps(do(session, "si"))
    found = rescue(session, step)
    assert found is not None
    return found


@pytest.mark.parametrize(("changes", "words"), SCENES, ids=lambda value: str(value) if isinstance(value, list) else "")
def test_what_was_broken_is_among_what_would_have_saved_it(changes: tuple[Change, ...], words: list[str]) -> None:
    from pagefault_lab.views.rescue import repair

    found = rescue_of(broken(*changes))
    assert len(found.lost) == len(words)
    for lost, wanted in zip(found.lost, words, strict=True):
        named = [repair(saving.repair) for saving in lost.savings]
        assert any(text.startswith(wanted) or wanted in text for text in named) if wanted else not named


@pytest.mark.parametrize("changes", [changes for changes, _ in SCENES])
def test_whatever_is_said_to_save_it_does(changes: tuple[Change, ...]) -> None:
    before = broken(*changes).step().deliveries
    for place, lost in enumerate(rescue_of(broken(*changes)).lost):
        assert lost.attempt == before[place]
        for saving in lost.savings:
            machine = broken(*changes)
            saving.repair.apply(machine)
            step = machine.step()
            assert isinstance(step.end, Interrupted), saving
            assert [each.fault for each in step.deliveries] == [each.fault for each in before[: place + 1]]
            assert machine.cpu.eip == saving.entered.eip == HANDLERS + 16 * lost.attempt.fault.vector
            assert machine.cpu.cpl == saving.entered.cpl


@pytest.mark.parametrize("changes", [changes for changes, _ in SCENES])
def test_handlers_in_the_inner_ring_come_first(changes: tuple[Change, ...]) -> None:
    for lost in rescue_of(broken(*changes)).lost:
        rings = [saving.entered.cpl for saving in lost.savings]
        assert rings == sorted(rings)


def test_a_fault_whose_handler_is_entered_needs_no_rescue() -> None:
    session = on_bench(broken())
    (step,) = steps(do(session, "si"))
    assert rescue(session, step) is None


def test_a_fault_that_is_delivered_in_the_place_of_another_is_no_double_fault() -> None:
    machine = two_rings(b"\x0f\x0b")  # ud2: benign
    set_gate(machine, 6, 0, 0, 0x8E00)
    session = on_bench(machine)
    (step,) = steps(do(session, "si"))
    assert len(step.deliveries) == 2
    assert rescue(session, step) is None


def test_looking_for_a_rescue_changes_nothing() -> None:
    session = on_bench(broken(idt_absent))
    (step,) = steps(do(session, "si"))
    before = everything(session)
    assert rescue(session, step) == rescue(session, step)
    assert everything(session) == before


# --- what the guest has done last is taken back


def shut_down_by(session: Session, *lines: str) -> Session:
    do(session, "kernel", *lines)
    (step,) = steps(do(session, "movl 0,%eax"))
    assert isinstance(step.end, ShutDown)
    return session


def repairs(session: Session, line: str = "why") -> list[str]:
    from pagefault_lab.views.rescue import repair

    found = only(Rescue, do(session, line))
    return [repair(saving.repair) for lost in found.lost for saving in lost.savings]


def test_an_idt_that_lidt_has_put_nowhere_is_saved_by_the_one_before(linux: Session) -> None:
    shut_down_by(linux, "nowhere: .word 0x7ff; .long 0x12345678", "lidt nowhere")
    number = linux.machine.steps - 2
    assert repairs(linux) == [f"IDTR as before step {number} (base 0x12345678->0xc2800000)"]


def test_an_entry_that_the_guest_has_cleared_is_saved_by_the_one_before(linux: Session) -> None:
    shut_down_by(linux, "movl $0,0xc011d000", "invlpg 0xc2800000")
    (restored,) = repairs(linux)
    assert restored.startswith("PTE of 0xc2800070 as before step ")


def test_a_stack_pointer_that_the_guest_has_overwritten_is_saved_by_the_one_before(linux: Session) -> None:
    do(linux, "kernel", "movl $0xe0000000,init_tss+4", "user", "movl %eax,0")
    assert linux.machine.cpu.shutdown
    first, *_ = repairs(linux)
    assert first.startswith("ESP0 as before step ")
    assert first.endswith("(0xe0000000->0xc0114000)")


def test_what_the_user_has_written_is_saved_by_what_was_there_before(linux: Session) -> None:
    do(linux, "nop", "poke init_tss+4 0xe0000000", "movl %eax,0")
    first, *_ = repairs(linux)
    assert first == "ESP0 as before `poke init_tss+4 0xe0000000` (0xe0000000->0xc0114000)"


# --- at the shutdown


def test_the_shutdown_names_one_repair_and_why_all(linux: Session) -> None:
    do(linux, "kernel", "unmap 0xc2800000", "flush")
    told = only(GivenUp, do(linux, "movl 0,%eax"))
    assert told.saving is not None
    assert told.saving.symbol == "page_fault"
    assert only(Rescue, do(linux, "why")).first == told.saving


def test_a_run_that_ends_in_a_shutdown_is_told_the_same(linux: Session) -> None:
    do(linux, "kernel", "unmap 0xc2800000", "flush", "asm", "nop", "movl 0,%eax", "end")
    assert only(GivenUp, do(linux, "run")).saving is not None


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=2, max_size=20), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF))
def test_registers_after_a_shutdown_are_those_before_it(code: bytes, cpl: int, number: int) -> None:
    machine = two_rings(code, cpl, ebx=CELL, eax=number)
    idt_absent(machine)
    for _ in range(20):
        before = visible(machine.cpu)
        step = machine.step()
        if isinstance(step.end, ShutDown) and not step.deliveries[0].fault.trap:
            assert {change.register for change in changes(before, visible(machine.cpu))} <= {"cr2"}
            return


@pytest.mark.parametrize("line", ["back", "reverse-stepi", "micro back"])
def test_there_is_a_way_back_from_a_shutdown(linux: Session, line: str) -> None:
    shut_down_by(linux, "nowhere: .word 0x7ff; .long 0x12345678", "lidt nowhere")
    do(linux, line)
    assert not linux.machine.cpu.shutdown
    assert linux.machine.cpu.idtr.base == 0x12345678
    do(linux, "set idtr.base = 0xc2800000", "si" if line != "back" else "movl 0,%eax")
    assert linux.place().symbol == "page_fault"
