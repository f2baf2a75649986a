"""The values around `why` as text: advice, an access that was asked about, who wrote an entry."""

from __future__ import annotations

from textwrap import dedent

import pytest
from builders import PRESENT, USER, WRITABLE, map_page, on_bench, two_rings
from shown import text_of

from pagefault_lab.lab.advice import NEXT_FAULT, NEXT_STEP, Advice, Advised, Hint
from pagefault_lab.lab.asking import attempt
from pagefault_lab.lab.authors import Written
from pagefault_lab.lab.origins import Origin
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.machine import Machine

CELL = 0x14000
ADVICE = Advice("gate 14 is not present", {"P": 0}, "set P", "wrong gate")


def test_advice_tells_the_numbers_and_what_to_do() -> None:
    foreseen = ADVICE._replace(when=NEXT_FAULT, numbers={"selector": 0x60, "DPL": 3})
    assert text_of(Advised((ADVICE, foreseen))) == dedent(
        """\
        advice      gate 14 is not present (P=0)
                    do set P
        advice      at the next page fault: gate 14 is not present (selector=0x60 DPL=3)
                    do set P"""
    )


def test_no_advice_says_so() -> None:
    assert text_of(Advised(())) == "nothing is wrong here, as far as the rules of the lab go"


def test_a_hint_is_one_line_and_names_the_command_that_tells_more() -> None:
    assert text_of(Hint(ADVICE)) == "advice: gate 14 is not present: set P (`why`)"
    assert text_of(Hint(ADVICE._replace(when=NEXT_STEP)), 62) == (
        "advice: in the next step, gate 14 is not present (`advice`)"
    )


# --- who wrote it


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin(7, "", 0xC0100010, "movl %eax,(%edx)", "set_pte", 0x67, 0x65, 12),
         "PTE 0x67->0x65 written by movl %eax,(%edx) at 0xc0100010 <set_pte>, 12 steps\n  ago: goto 7"),
        (Origin(7, "", 0xC0100010, "movl %eax,(%edx)", "", 0x65, 0x65, 1),
         "PTE written by movl %eax,(%edx) at 0xc0100010, 1 step ago: goto 7"),
        (Origin(7, "unmap 0x8048000", 0, "", "", 0x67, 0, 2),
         "PTE 0x67->0x0 written by `unmap 0x8048000`, 2 steps ago: goto 7"),
        (Origin(7, "", 0, "", "", 0, 0x67, 0), "PTE 0x0->0x67 written by the lab: goto 7"),
    ],
)  # fmt: skip
def test_who_wrote_an_entry_is_told_with_the_way_to_go_there(origin: Origin, text: str) -> None:
    assert text_of(Written("PTE", 0x1000, origin)) == text


# --- an access that was asked about


def cell(flags: int) -> Machine:
    machine = two_rings(b"\x90")
    map_page(machine, CELL, flags)
    return machine


def asked(machine: Machine, kind: Kind, user: bool = True) -> str:
    return text_of(attempt(on_bench(machine), CELL, kind, user))


def test_an_access_that_would_fault_is_told_up_to_its_error_code() -> None:
    assert asked(cell(PRESENT | USER), Kind.WRITE) == dedent(
        """\
        why user write at 0x00014000: it would fault now
        walk        0x00014000: directory 0x000, table 0x014, offset 0x000
          PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002007  P RW US - -
          PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014005  P -- US - - <- R/W=0
          both levels allow                                      P -- US
        rights      ✓ PDE.P  ✓ PTE.P  ✓ PDE.U/S  ✓ PTE.U/S  ✓ PDE.R/W  ✗ PTE.R/W
        rule        a user's write needs R/W=1 in both levels
        verdict     ✗ user write refused: R/W=0 in the PTE
        error code  0x7 [user, write, protection]
                    U/S=1  the access was a user's: CPL was 3
                    W/R=1  the access was a write
                    P=1    the page is present: its rights refused"""
    )


def test_an_access_that_would_work_is_told_with_what_it_would_change() -> None:
    told = asked(cell(PRESENT | WRITABLE | USER), Kind.WRITE)
    assert told[told.index("verdict") :] == dedent(
        """\
        verdict     ✓ user write allowed: physical 0x00014000; it sets A in the PDE, A D
                    in the PTE"""
    )


def test_what_the_tlb_allows_and_the_tables_do_not_is_told_as_stale() -> None:
    machine = cell(PRESENT | WRITABLE | USER)
    machine.cpu.translate(CELL, Kind.WRITE, True)
    machine.memory.write(0x2050, 4, 0)
    told = asked(machine, Kind.WRITE).splitlines()
    assert told[:4] == [
        "why user write at 0x00014000: it would work now",
        "TLB         page 0x00014 -> frame 0x00014  P RW US",
        "verdict     ✓ user write allowed: physical 0x00014000, without a walk",
        "but         STALE: the tables, which were not read, say otherwise:",
    ]


def test_without_paging_nothing_is_walked() -> None:
    machine = two_rings(b"\x90", cpl=0)
    machine.cpu.write_cr0(1)
    assert asked(machine, Kind.READ, False) == "paging is off (CR0.PG=0): physical 0x00014000 is the same address"
