"""Tables, registers and numbers taken apart, as text."""

from __future__ import annotations

from textwrap import dedent

import pytest
from builders import PRESENT, TABLE, TSS_BASE, USER, USER_TEXT, WRITABLE, flat, map_page, on_bench, two_rings
from shown import text_of

from pagefault_lab.lab import tables
from pagefault_lab.lab.asking import ask
from pagefault_lab.lab.decode import KINDS, decode
from pagefault_lab.lab.results import Examined, Printed
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import CS, DS, SS
from pagefault_lab.machine.segmentation import SystemSegment
from pagefault_lab.machine.step import visible
from pagefault_lab.problem import Problem

CELL = 0x14000


def no_names(_: int) -> None:
    return None


def faulted() -> Machine:
    """A machine in its page-fault handler, after a write to a read-only page at CPL 3."""
    machine = two_rings(b"\x89\x03", ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    machine.step()
    return machine


def test_the_idt_puts_equal_gates_into_one_line() -> None:
    machine = two_rings()
    for vector in range(20, 32):
        for half in (0, 4):
            machine.memory.write(0x4000 + 8 * vector + half, 4, machine.memory.read(0x4000 + 8 * 19 + half, 4))
    shown = text_of(tables.idt(machine, {0x60E0: "page_fault"}.get)).splitlines()
    assert shown[0] == "IDT at 0x00004000, limit 0xff: 32 gates"
    assert shown[16] == "  14      #PF  interrupt gate  0    1  0x0008:0x000060e0 <page_fault>"
    assert shown[-1] == "  19-31        interrupt gate  0    1  0x0008:0x00006130"


@pytest.mark.parametrize(
    ("selector", "said"),
    [(0x08, "code, readable, accessed, DPL 0"), (0x10, "data, writable, accessed, DPL 0: using it is #GP"),
     (0x30, "no descriptor: using it is #GP")],
)  # fmt: skip
def test_a_gate_whose_selector_names_no_code_is_told_to_be_of_no_use(selector: int, said: str) -> None:
    machine = two_rings()
    machine.memory.write(0x4000 + 8 * 14 + 2, 2, selector)
    assert f"\n  selector {selector:#06x}: {said}\n" in text_of(tables.idt_entry(machine, 14, no_names)) + "\n"


def test_without_an_idt_the_consequence_is_told() -> None:
    assert "any exception shuts the processor down" in text_of(tables.idt(flat(), no_names))


def test_the_gdt_tells_which_registers_hold_its_selectors() -> None:
    assert text_of(tables.gdt(faulted(), no_names)) == dedent(
        """\
        GDT at 0x00003000, limit 0x2f: 6 entries
          selector  type               DPL  P  base        limit       held by
          0x0000    null
          0x0008    code, readable     0    1  0x00000000  0xffffffff  cs
          0x0010    data, writable     0    1  0x00000000  0xffffffff  ss
          0x0018    code, readable     3    1  0x00000000  0xffffffff
          0x0020    data, writable     3    1  0x00000000  0xffffffff  es ds fs gs
          0x0028    32-bit TSS (busy)  0    1  0x00005000  0x00000067  tr"""
    )


def test_the_hidden_part_tells_when_the_table_differs() -> None:
    machine = two_rings()
    assert "table differs" not in text_of(tables.segment_registers(machine))
    machine.memory.write(0x3020, 4, 0)
    shown = text_of(tables.segment_registers(machine)).splitlines()
    assert shown[4] == "ds    0x0023    0x00000000  0xffffffff  3    data, writable; table differs"
    assert "table differs" not in shown[CS + 1]
    assert "table differs" in shown[SS + 1]
    assert "table differs" in shown[DS + 1]


def test_the_registers_star_what_has_changed() -> None:
    machine = two_rings(b"\x89\x03", ebx=CELL)
    before = visible(machine.cpu)
    map_page(machine, CELL, PRESENT | USER)
    machine.step()
    assert text_of(tables.registers(machine, {0x60E0: "page_fault"}.get, before)) == dedent(
        """\
        eax  0x00000000  esp*  0x00007fe8  was 0x12ff0
        ecx  0x00000000  ebp   0x00000000
        edx  0x00000000  esi   0x00000000
        ebx  0x00014000  edi   0x00000000
        eip   * 0x000060e0 <page_fault>  was 0x10000
        eflags* 0x00000002 []  was 0x202: IF 1->0
        es 0x0023  cs*0x0008  ss*0x0010  ds 0x0023  fs 0x0023  gs 0x0023  cpl 0"""
    )


def test_the_tlb_is_the_real_one_and_stale_entries_are_marked() -> None:
    machine = faulted()
    assert "STALE" not in text_of(tables.tlb(machine, no_names))
    machine.memory.write(TABLE + 4 * (USER_TEXT >> 12), 4, USER_TEXT | PRESENT)
    machine.memory.write(TABLE + 4 * 7, 4, 0)
    shown = text_of(tables.tlb(machine, no_names), 100)
    assert "0x00010000  0x00010000  RW US -  STALE: the page tables say read-only, supervisor only" in shown
    assert "0x00007000  0x00007000  RW -- D  STALE: not present in the page tables" in shown
    assert "0x00014000" not in shown  # the fault dropped it


def test_the_memory_map_joins_pages_with_equal_rights() -> None:
    assert text_of(tables.memory_map(faulted(), no_names)).splitlines()[2:] == [
        "  0x00000000-0x0000ffff     16  P RW --  0x00000000  A 4, D 1",
        "  0x00010000-0x00013fff      4  P RW US  0x00010000  A 1, D 0",
        "  0x00014000-0x00014fff      1  P -- US  0x00014000  A 0, D 0",
        "  0x00015000-0x000fffff    235  P RW US  0x00015000  A 0, D 0",
    ]


def test_a_directory_that_denies_takes_the_right_from_its_pages() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT | WRITABLE | USER, PRESENT | USER)
    assert {found.writable for found in tables.memory_map(machine, no_names).ranges} == {False}


def test_the_tss_shows_the_stack_of_ring_0_first() -> None:
    shown = text_of(tables.tss(two_rings(), no_names)).splitlines()
    assert shown[0] == "TR 0x0028: TSS at 0x00005000, limit 0x67, busy"
    assert shown[1] == "  ring 0  +0x04  0x0010:0x00008000"


def test_a_tss_that_is_too_short_or_missing_is_told() -> None:
    machine = two_rings()
    machine.cpu.tr = SystemSegment(0x28, TSS_BASE, 7, 11, True)
    assert "ring 0  +0x04  beyond the limit, or not mapped" in text_of(tables.tss(machine, no_names))
    machine.cpu.tr = SystemSegment()
    assert text_of(tables.tss(machine, no_names)) == "no TSS: TR is 0x0000; no way to an inner ring"


def test_looking_changes_nothing() -> None:
    machine = faulted()
    before, frames = machine.cpu.save(), [frame and list(frame) for frame in machine.memory.frames]
    tables.idt(machine, no_names)
    tables.gdt(machine, no_names)
    tables.tss(machine, no_names)
    tables.tlb(machine, no_names)
    tables.memory_map(machine, no_names)
    tables.segment_registers(machine)
    ask(on_bench(machine), CELL, Kind.WRITE, True)
    assert machine.cpu.save() == before
    assert [frame and list(frame) for frame in machine.memory.frames] == frames


def test_a_walk_that_was_asked_for_tells_what_the_tlb_would_do() -> None:
    machine = faulted()
    session = on_bench(machine)
    assert "TLB: does not hold the page" in text_of(ask(session, CELL, Kind.WRITE, True))
    assert "it answers without a walk" in text_of(ask(session, USER_TEXT, Kind.READ, True))
    machine.memory.write(TABLE + 4 * (USER_TEXT >> 12), 4, USER_TEXT | PRESENT | USER)
    assert "STALE, yet it answers" in text_of(ask(session, USER_TEXT, Kind.READ, True))
    assert "paging is off" in text_of(ask(on_bench(flat()), 0x1000, Kind.READ, False))


# --- numbers


def test_an_error_code_is_taken_apart() -> None:
    first, second = decode("error", 7)
    assert text_of(first) == dedent(
        """\
        0x00000007 as error code of #PF: a user tried to write to a page that is
          read-only or the supervisor's
           31..5  4   3    2   1  0
          │  0  │I/D│RSVD│U/S│W/R│P│
          │  0  │ 0 │ 0  │ 1 │ 1 │1│
          bit 4  I/D   = 0  no instruction fetch, or not told
          bit 3  RSVD  = 0  no reserved bit
          bit 2  U/S   = 1  the access was a user's: CPL was 3
          bit 1  W/R   = 1  the access was a write
          bit 0  P     = 1  the page is present: its rights refused"""
    )
    assert "EXT" in text_of(second)


@pytest.mark.parametrize(
    ("kind", "number", "sentence"),
    [
        ("error", 0, "the supervisor tried to read or fetch from a page that is not present"),
        ("error", 2, "the supervisor tried to write to a page that is not present"),
        ("error", 3, "the supervisor tried to write to a page that is read-only, with CR0.WP=1"),
        ("error", 4, "a user tried to read or fetch from a page that is not present"),
        ("error", 5, "a user tried to read or fetch from a page of the supervisor"),
        ("error", 6, "a user tried to write to a page that is not present"),
        ("error", 7, "a user tried to write to a page that is read-only or the supervisor's"),
        ("error", 0x72, "gate 14 of the IDT (#PF)"),
        ("pte", 0x00107025, "page at 0x00107000, read-only, for users and the supervisor"),
        ("pte", 0x00107024, "not present: any access is a page fault with P=0"),
        ("gate", 0xC0108E0000100340, "32-bit interrupt gate, DPL 0, to 0x0010:0xc0100340"),
        ("gate", 0xC010EF0000100340, "32-bit trap gate, DPL 3, to 0x0010:0xc0100340"),
        (
            "gate",
            0xC0100E0000100340,
            "32-bit interrupt gate, DPL 0, to 0x0010:0xc0100340, not present: using it is #NP",
        ),
        ("gate", 0x00100340C0108E00, "no gate that an IDT may hold (16-bit TSS (busy)): using it is #GP"),
        ("gate", 0x0010504DC0128E00, "no gate that an IDT may hold (code or data, S=1): using it is #GP"),
        ("selector", 0x2B, "entry 5 of the GDT, RPL 3"),
        ("selector", 0x0F, "entry 1 of the LDT, RPL 3"),
        ("selector", 0x03, "the null selector"),
        ("descriptor", 0x00CFFA000000FFFF, "code, readable, DPL 3, base 0x00000000, limit 0xffffffff"),
        ("eflags", 0x10246, "RF IF ZF PF"),
        ("cr0", 0x80050033, "PG AM WP NE ET MP PE"),
    ],
)
def test_a_number_in_one_sentence(kind: str, number: int, sentence: str) -> None:
    assert next(decode(kind, number)).sentence == sentence


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_fields_of_a_number_are_all_its_bits_once(kind: str) -> None:
    for number in (0, 1, 0x1F, 0x72, 0xFFFF):
        for found in decode(kind, number):
            places = [field.high for field in found.fields]
            assert places == sorted(places, reverse=True)
            assert found.fields[0].high == found.bits - 1
            assert found.fields[-1].low == 0
            for above, below in zip(found.fields, found.fields[1:], strict=False):
                assert above.low == below.high + 1
            assert sum(field.value << field.low for field in found.fields) == number


def test_a_number_that_is_too_large_is_a_problem() -> None:
    with pytest.raises(Problem, match="is no selector"):
        next(decode("selector", 0x10000))


def test_a_string_is_shown_on_one_line_as_c_would_write_it() -> None:
    shown = text_of(Examined(0x1000, False, "s", 1, ('Hi "you"\n\x01\\',), "greeting"))
    assert shown == '<greeting>:\n0x00001000  "Hi \\"you\\"\\n\\001\\\\"'
    assert text_of(Examined(0x1000, True, "x", 4, (7,), "")).startswith("physical:\n")


def test_of_a_long_message_of_the_kernel_the_first_lines_are_shown() -> None:
    assert text_of(Printed("one\ntwo\n")) == "printk: one\nprintk: two"
    shown = text_of(Printed("".join(f"line {number}\n" for number in range(20)))).splitlines()
    assert shown[4:] == ["printk: line 4", "printk: 15 lines more, see dmesg"]


def test_what_the_processor_ignores_in_a_pde_that_leads_to_a_table_is_called_so() -> None:
    def meanings(kind: str, value: int) -> dict[str, str]:
        return {field.name: field.meaning for field in next(decode(kind, value)).fields}

    for value in (0x1001067, 0x1001027, 0x1001127):
        assert (
            meanings("pde", value)["D"]
            == meanings("pde", value)["G"]
            == "ignored in an entry that leads to a page table"
        )
    for kind, value in (("pde", 0x4000E3), ("pte", 0x1001067)):
        assert meanings(kind, value)["D"] == "written since the bit was cleared"
        assert meanings(kind, value)["G"] == "not global"
