"""What the host's edits look like: entries before and after, and what is stale now."""

from __future__ import annotations

from textwrap import dedent

import pytest
from builders import PRESENT, USER, WRITABLE, map_page, on_bench, two_rings
from shown import text_of

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import PSE

CELL = 0x14000


def shown(session: Session, line: str) -> str:
    return "\n".join(text_of(value) for value in session.execute(line))


@pytest.fixture
def machine() -> Machine:
    """Its TLB holds the cell, writable, for users, dirty."""
    machine = two_rings()
    machine.cpu.translate(CELL, Kind.WRITE, True)
    return machine


def test_protect_tells_the_entry_and_what_the_tlb_still_believes(machine: Machine) -> None:
    assert shown(on_bench(machine), f"protect {CELL} r") == dedent(
        """\
        page             at          before                  after
        0x00014000  PTE  0x00002050  0x00014067 P RW US A D  0x00014065 P -- US A D
        both levels allow: P -- US
        STALE: the TLB answers before the tables, and still says otherwise:
          page        TLB                   tables
          0x00014000  0x00014000 P RW US D  0x00014000 P -- US D
          still allowed: user write, supervisor write
          `flush 0x00014000` drops the entry"""
    )


def test_an_absent_page_that_the_tlb_holds(machine: Machine) -> None:
    assert shown(on_bench(machine), f"unmap {CELL}").splitlines()[3:] == [
        "  page        TLB                   tables",
        "  0x00014000  0x00014000 P RW US D  not present",
        "  still allowed: user read, user write, supervisor read, supervisor write",
        "  `flush 0x00014000` drops the entry",
    ]


def test_what_the_tlb_refuses_is_told_too() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT)
    machine.cpu.translate(CELL, Kind.READ, False)
    assert shown(on_bench(machine), f"protect {CELL} rwu").splitlines()[-3:] == [
        "  still refused: user read, user write, supervisor write; the page fault drops",
        "    the entry",
        "  `flush 0x00014000` drops the entry",
    ]


def test_map_tells_the_page_table_and_the_frames(machine: Machine) -> None:
    assert shown(on_bench(machine), "map 0x800000 rs") == dedent(
        """\
        page             at          before                  after
        0x00800000  PDE  0x00001008  0x00000000 - -- -- - -  0x000ff003 P RW -- - -
        0x00800000  PTE  0x000ff000  0x00000000 - -- -- - -  0x000fe001 P -- -- - -
        a page table was made: in this page directory only
        taken from free memory, and now zeros: 0x000ff000, 0x000fe000
        both levels allow: P -- --"""
    )


def test_a_directory_entry_that_denies_is_told_with_the_way_to_change_it() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT, directory_flags=PRESENT | USER)
    assert shown(on_bench(machine), f"protect {CELL} rwu").splitlines()[2:5] == [
        "both levels allow: P -- US",
        "the PDE still denies it: R/W=0; `set pde(0x00014000).writable = 1` is for all",
        "  its 4 MiB",
    ]


def test_many_pages_are_counted(machine: Machine) -> None:
    for page in range(20):
        machine.cpu.translate(0x20000 + 4096 * page, Kind.READ, True)
    lines = shown(on_bench(machine), "unmap 0x20000 +0x20000").splitlines()
    assert lines[13] == "and 20 entries more"
    assert lines[-4:] == [
        "  0x00025000  0x00025000 P RW US -  not present",
        "  and 14 pages more, marked in `info tlb`",
        "  still allowed: user read, supervisor read",
        "  `flush` drops all entries",
    ]


def test_a_large_page_with_reserved_bits_is_refused_in_the_words_of_a_walk() -> None:
    machine = two_rings()
    machine.cpu.write_cr4(PSE)
    machine.memory.write(0x1004, 4, 0x2081)
    assert shown(on_bench(machine), "protect 0x400000 rw") == dedent(
        """\
        page             before                     after
        0x00400000  PDE  0x00002081 P -- -- - - PS  0x00002083 P RW -- - - PS
        ✗ supervisor read refused: bits 21..12 are not 0 in the PDE (rule: reserved bits
          are 0)"""
    )


def test_flush_tells_what_is_gone(machine: Machine) -> None:
    session = on_bench(machine)
    assert shown(session, "flush 0x20000") == "the TLB held nothing for 0x00020000"
    shown(session, f"protect {CELL} r")
    assert shown(session, f"flush {CELL}") == dedent(
        """\
        dropped 1 entry of the TLB:
          page        frame       rights
          0x00014000  0x00014000  RW US D  STALE: the page tables say read-only"""
    )
    for page in range(9):
        machine.cpu.translate(0x20000 + 4096 * page, Kind.READ, True)
    assert shown(session, "flush") == "dropped 9 entries of the TLB"
    for page in range(9):
        machine.cpu.translate(0x20000 + 4096 * page, Kind.READ, True)
    shown(session, "protect 0x21000 s")
    assert shown(session, "flush").splitlines() == [
        "dropped 9 entries of the TLB; stale:",
        "  page        frame       rights",
        "  0x00021000  0x00021000  RW US -  STALE: the page tables say supervisor only",
    ]


def test_poke_tells_what_was_there(machine: Machine) -> None:
    session = on_bench(machine)
    assert shown(session, f'poke/h {CELL} 0x1234 -1 "Hi\\n" 7') == dedent(
        """\
        0x00014000  0x0000 -> 0x1234
        0x00014002  0x0000 -> 0xffff
        0x00014004  00 00 00 -> "Hi\\n"
        0x00014007  0x0000 -> 0x0007"""
    )
    assert shown(session, f"poke/b {CELL} {' '.join('1' * 30)}").splitlines()[-1] == "and 14 values more"


def test_in_json_both_translations_are_whole(machine: Machine) -> None:
    edited, stale = (to_json(value) for value in on_bench(machine).execute(f"protect {CELL} r"))
    (edit,) = edited["edits"]
    assert (edit["level"], edit["address"], edit["before"], edit["after"]) == ("PTE", 0x2050, 0x14067, 0x14065)
    (page,) = stale["pages"]
    assert page["entry"]["writable"]
    assert not page["tables"]["end"]["writable"]
    assert page["misled"] == [
        {"kind": "misled", "user": user, "access": "write", "allowed": True} for user in (True, False)
    ]
    assert edit["before"] & 7 == PRESENT | WRITABLE | USER
