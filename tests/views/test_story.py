"""What a learner sees of a step, as text: every line here was produced by a machine that really ran."""

from __future__ import annotations

import re
from io import StringIO
from textwrap import dedent

import pytest
from builders import (
    HANDLERS,
    IDT,
    KERNEL_STACK,
    PRESENT,
    USER,
    USER_CODE,
    USER_DATA,
    USER_STACK,
    USER_TEXT,
    WRITABLE,
    flat,
    map_page,
    set_gate,
    two_rings,
)
from rich.console import Console
from shown import story_of, text_of

from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import DS, ESP
from pagefault_lab.machine.segmentation import Segment
from pagefault_lab.machine.tlb import TlbEntry
from pagefault_lab.views import render

STORE, LOAD = b"\x89\x03", b"\x8b\x03"  # movl %eax,(%ebx) and back
CELL = 0x14000
NAMES = {HANDLERS + 14 * 16: "page_fault", USER_TEXT: "start", CELL: "cell"}


def shows(text: str) -> str:
    """Text written in a test, indented as the test is."""
    return dedent(text).removeprefix("\n").removesuffix("\n")


def test_an_uneventful_instruction_is_one_line() -> None:
    assert story_of(flat(b"\x40", eax=0x12)) == "0x00001000  40                 incl %eax  # eax: 0x12->0x13"


def test_a_write_tells_what_it_replaced() -> None:
    assert story_of(flat(STORE, eax=5, ebx=0x2000)) == shows(
        """
        0x00001000  89 03              movl %eax,(%ebx)
          write 4 bytes at ds:0x00002000: 0x00000000->0x00000005
        """
    )


def test_a_read_and_write_of_one_place_is_one_access() -> None:
    assert story_of(flat(b"\xff\x03", ebx=0x2000)) == shows(
        """
        0x00001000  ff 03              incl (%ebx)
          write 4 bytes at ds:0x00002000: 0x00000000->0x00000001
        """
    )


def test_a_jump_says_that_it_was_taken() -> None:
    machine = flat(b"\x74\x10\x74\x10")  # je, twice
    first = story_of(machine)
    machine.cpu.eflags |= 0x40
    assert "jumps" not in first
    assert story_of(machine) == "0x00001002  74 10              je 0x1014  # jumps"


def test_the_first_touch_of_a_page_shows_the_walk_and_the_next_one_does_not() -> None:
    machine = two_rings(STORE * 2, eax=5, ebx=CELL)
    assert story_of(machine) == shows(
        """
        0x00010000  89 03              movl %eax,(%ebx)
          fetch walk 0x00010000: PDE P RW US - -, PTE P RW US - -: ✓ OK
          write 4 bytes at ds:0x00014000 as user: 0x00000000->0x00000005
            PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
            PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014007  P RW US - -
            both levels allow                                      P RW US
            ✓ OK: physical 0x00014000; sets A D in the PTE
        """
    )
    assert story_of(machine, width=120) == shows(
        """
        0x00010002  89 03              movl %eax,(%ebx)
          write 4 bytes at ds:0x00014000: 0x00000005->0x00000005  (TLB: physical 0x00014000)
        """
    )


PAGE_FAULT_AT_CPL_3 = """
0x00010000 <start>  89 03              movl %eax,(%ebx)
  fetch walk 0x00010000: PDE P RW US - -, PTE P RW US - -: ✓ OK
  write 4 bytes at ds:0x00014000 <cell> as user
    PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
    PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014005  P -- US - - <- R/W=0
    both levels allow                                      P -- US
    judged  ✓ PDE.P  ✓ PTE.P  ✓ PDE.U/S  ✓ PTE.U/S  ✓ PDE.R/W  ✗ PTE.R/W
    ✗ user write refused: R/W=0 in the PTE (rule: a user may write it)
#PF error code 0x7 [user, write, protection] cr2=0x00014000 <cell>
  1 IDTR base 0x00004000 + 14*8: gate at 0x00004070
  2 32-bit interrupt gate, DPL 0, P=1: to 0x0008:0x000060e0 <page_fault>
  3 GDT 0x00003000 + 0x8: code, DPL 0; CPL 3 -> 0: inner ring, stack switch
  4 TR 0x0028: TSS 0x00005000 + 0x4: new SS:ESP 0x0010:0x00008000
  5 the CPU pushes (EIP: the faulting instruction, so that iret restarts it)
    old stack, ring 3              new stack, ring 0
    SS:ESP 0x0023:0x00012ff0       0x00007ffc  0x00000023  SS
    left as it is                  0x00007ff8  0x00012ff0  ESP
                                   0x00007ff4  0x00010202  EFLAGS
                                   0x00007ff0  0x0000001b  CS
                                   0x00007fec  0x00010000  EIP <start>
                             ESP-> 0x00007fe8  0x00000007  error code
  6 CS:EIP 0x0008:0x000060e0 <page_fault>, CPL 0, EFLAGS IF 1->0
"""


def test_a_page_fault_at_cpl_3_is_told_from_the_operand_to_the_handler() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    told = story_of(machine, NAMES)
    assert told == PAGE_FAULT_AT_CPL_3.strip("\n")
    assert len(told.splitlines()) <= 24


@pytest.mark.parametrize("width", [44, 50, 60, 68])
def test_on_a_narrow_screen_the_new_stack_is_drawn_below_the_old_one(width: int) -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    assert """
    old stack, ring 3
    SS:ESP 0x0023:0x00012ff0
    left as it is
          new stack, ring 0
          0x00007ffc  0x00000023  SS
          0x00007ff8  0x00012ff0  ESP
          0x00007ff4  0x00010202  EFLAGS
          0x00007ff0  0x0000001b  CS
          0x00007fec  0x00010000  EIP
    ESP-> 0x00007fe8  0x00000007  error code
""" in story_of(machine, width=width)


def test_a_page_fault_at_cpl_0_stays_on_its_stack() -> None:
    machine = two_rings(STORE, cpl=0, ebx=CELL)
    map_page(machine, CELL, PRESENT)
    assert story_of(machine) == shows(
        """
        0x00010000  89 03              movl %eax,(%ebx)
          fetch walk 0x00010000: PDE P RW US - -, PTE P RW US - -: ✓ OK
          write 4 bytes at ds:0x00014000 as supervisor
            PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
            PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014001  P -- -- - - <- R/W=0
            both levels allow                                      P -- --
            judged  ✓ PDE.P  ✓ PTE.P  ✓ PDE.R/W  ✗ PTE.R/W
            ✗ supervisor write refused: R/W=0 in the PTE (rule: the supervisor, with
              CR0.WP=1, may write it)
        #PF error code 0x3 [supervisor, write, protection] cr2=0x00014000
          1 IDTR base 0x00004000 + 14*8: gate at 0x00004070
          2 32-bit interrupt gate, DPL 0, P=1: to 0x0008:0x000060e0
          3 GDT 0x00003000 + 0x8: code, DPL 0; CPL stays 0
          4 the ring stays, so does the stack: SS:ESP 0x0010:0x00007f00
          5 the CPU pushes (EIP: the faulting instruction, so that iret restarts it)
                  0x00007efc  0x00010202  EFLAGS
                  0x00007ef8  0x00000008  CS
                  0x00007ef4  0x00010000  EIP
            ESP-> 0x00007ef0  0x00000003  error code
          6 CS:EIP 0x0008:0x000060e0, CPL 0, EFLAGS IF 1->0
        """
    )


def test_a_triple_fault_is_told_attempt_by_attempt() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    map_page(machine, IDT, 0)
    told = story_of(machine)
    assert told[told.index("#PF") :] == shows(
        """
        #PF error code 0x6 [user, write, not-present] cr2=0x00014000
            reading gate 14 of the IDT (a table: a supervisor access at any CPL)
            walk 0x00004070: directory 0x000, table 0x004, offset 0x070, supervisor read
              PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
              PTE     0x00002000 + 0x004*4 = 0x00002010: 0x00004000  - -- -- - - <- P=0
              judged  ✓ PDE.P  ✗ PTE.P
              ✗ supervisor read refused: P=0 in the PTE (rule: the page is present)
            #PF error code 0x0 [supervisor, read, not-present] cr2=0x00004070
        #PF while #PF was delivered: double fault (page fault, then page fault)
        #DF double fault error code 0x0
            reading gate 8 of the IDT (a table: a supervisor access at any CPL)
            walk 0x00004040: directory 0x000, table 0x004, offset 0x040, supervisor read
              PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
              PTE     0x00002000 + 0x004*4 = 0x00002010: 0x00004000  - -- -- - - <- P=0
              judged  ✓ PDE.P  ✗ PTE.P
              ✗ supervisor read refused: P=0 in the PTE (rule: the page is present)
            #PF error code 0x0 [supervisor, read, not-present] cr2=0x00004040
        #PF while #DF was delivered: triple fault, the processor shuts down
        """
    )


def test_a_gate_that_refuses_int_is_the_instructions_own_fault() -> None:
    told = story_of(two_rings(b"\xcd\x0e"))
    assert "✗ gate DPL >= CPL (DPL=0 CPL=3)\nthe instruction itself faults with #GP\n" in told
    assert "#GP general protection error code 0x72 [IDT gate 14]" in told


def test_a_page_that_cannot_hold_the_frame_is_a_double_fault() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    map_page(machine, KERNEL_STACK - 4096, 0)
    told = story_of(machine)
    assert "pushing the frame" in told
    assert "#PF while #PF was delivered: double fault (page fault, then page fault)" in told


def test_a_bad_gate_during_a_page_fault_is_a_double_fault() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    set_gate(machine, 14, 0x20, 0x9000, 0x8E00)  # a data segment
    told = story_of(machine)
    refused = "✗ the gate leads to a code segment (S=1 type=3)\n    #GP general protection error code 0x21 [selector"
    assert refused in told
    assert "#GP while #PF was delivered: double fault (page fault, then contributory)" in told


def test_an_iret_that_makes_a_kernels_segment_null_says_so() -> None:
    machine = two_rings(b"\xcf", cpl=0)
    frame = (USER_TEXT, USER_CODE, 0x202, USER_STACK, USER_DATA)
    for place, number in enumerate(frame):
        machine.memory.write(machine.cpu.registers[ESP] + 4 * place, 4, number)
    told = story_of(machine)
    assert "  ds 0x0010 becomes null: its DPL is smaller than the new CPL (DPL=0 CPL=3)\n" in told
    assert "ds: 0x10->0x0" in told.replace("\n", " ")


def test_a_tlb_entry_that_refuses_is_told_as_such() -> None:
    machine = two_rings(LOAD + STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    machine.step()
    told = story_of(machine)
    assert told[: told.index("#PF")] == shows(
        """
        0x00010002  89 03              movl %eax,(%ebx)
          write 4 bytes at ds:0x00014000 as user
            TLB page 0x00014 -> frame 0x00014                      P -- US     <- R/W=0
            the tables, which were not read, say the same:
            PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
            PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014025  P -- US A - <- R/W=0
            ✗ user write refused: R/W=0 in the TLB entry, from the PTE

        """
    )


def test_a_stale_tlb_entry_that_refuses_is_called_so() -> None:
    machine = two_rings(STORE, ebx=CELL)
    machine.cpu.tlb.entries[CELL >> 12] = TlbEntry(CELL >> 12, True, False, False, False)
    told = story_of(machine)
    assert "STALE: the tables, which were not read, say otherwise:\n" in told
    assert "✗ user write refused: R/W=0 in the TLB entry\n" in told


def test_a_null_segment_is_told_before_any_page() -> None:
    machine = two_rings(STORE, ebx=CELL)
    machine.cpu.set_segment(DS, Segment(0))
    told = story_of(machine)
    assert "✗ the segment register is not null (ds=0x0000 offset=0x14000 size=4 limit=0)" in told
    assert "user write refused" not in told


def test_a_fetch_that_faults_has_no_instruction() -> None:
    machine = two_rings(STORE)
    map_page(machine, USER_TEXT, 0)
    told = story_of(machine)
    assert told.startswith("0x00010000  (not fetched)\n  fetch at 0x00010000 as user")
    assert "#PF error code 0x4 [user, read, not-present] cr2=0x00010000" in told


def test_bytes_that_were_fetched_may_be_no_instruction() -> None:
    assert story_of(two_rings(b"\x0f\x1e\xfb")).startswith("0x00010000  (no instruction)\n  fetch walk 0x00010000: ")


def test_an_external_interrupt_saves_the_next_instruction() -> None:
    machine = two_rings(b"\x90", cpl=0)
    machine.interrupt(0x10)
    told = story_of(machine)
    assert told.startswith("interrupt 0x10 (external interrupt), no error code\n")
    assert "(EIP: the next instruction)" in told


def test_checks_that_held_are_shown_with_their_numbers() -> None:
    machine = two_rings(b"\x8e\xd8", cpl=0, eax=0x10)  # movl %eax,%ds
    assert "✓ DS.DPL >= CPL (DPL=0 CPL=0)" in story_of(machine)


# --- truth: the verdict is the rule that decides

CASES = [  # (write, cpl, page's bits, error code, level and bit)
    (False, 0, USER | WRITABLE, 0, "P=0 in the PTE"),
    (True, 0, USER | WRITABLE, 2, "P=0 in the PTE"),
    (True, 0, PRESENT | USER, 3, "R/W=0 in the PTE"),
    (False, 3, USER | WRITABLE, 4, "P=0 in the PTE"),
    (False, 3, PRESENT | WRITABLE, 5, "U/S=0 in the PTE"),
    (True, 3, USER | WRITABLE, 6, "P=0 in the PTE"),
    (True, 3, PRESENT | USER, 7, "R/W=0 in the PTE"),
    (True, 3, PRESENT | WRITABLE, 7, "U/S=0 in the PTE"),
]


def fault_case(write: bool, cpl: int, page: int, directory: int = 7) -> Machine:
    machine = two_rings(STORE if write else LOAD, cpl=cpl, ebx=CELL)
    map_page(machine, CELL, page, directory)
    return machine


@pytest.mark.parametrize(("write", "cpl", "page", "error", "verdict"), CASES)
def test_the_verdict_names_level_and_bit(write: bool, cpl: int, page: int, error: int, verdict: str) -> None:
    told = story_of(fault_case(write, cpl, page))
    who, doing = ("user" if cpl == 3 else "supervisor"), ("write" if write else "read")
    kind = "protection" if error & 1 else "not-present"
    assert f"✗ {who} {doing} refused: {verdict} (rule: " in told
    assert f"#PF error code {error:#x} [{who}, {doing}, {kind}] cr2=0x00014000" in told
    assert f"<- {verdict.split()[0]}" in told


def test_an_allowed_access_has_no_verdict_but_ok() -> None:
    for write in (False, True):
        for cpl in (0, 3):
            told = story_of(fault_case(write, cpl, 7))
            assert "✗" not in told
            assert "✓ OK: physical 0x00014000" in told


def test_the_directory_is_blamed_when_it_denies() -> None:
    # the page holds its own instruction, so only a table of its own can be denied: 0x00400000 has none
    machine = two_rings(STORE, ebx=0x400000)
    told = story_of(machine)
    assert "✗ user write refused: P=0 in the PDE (rule: the page table is present)" in told
    assert "PTE" not in told[told.index("write 4 bytes") : told.index("#PF")]


# --- form


def many_stories() -> list[object]:
    """Steps of all kinds."""
    found: list[object] = []
    for write, cpl, page, *_ in CASES:
        found.append(tell(fault_case(write, cpl, page).step(), NAMES.get))
    machine = two_rings(bytes.fromhex("60 f3a4 e410 cd0e"), ecx=3, esi=CELL, edi=CELL + 0x1000)
    found += [tell(machine.step(), NAMES.get) for _ in range(6)]
    triple = two_rings(STORE, ebx=CELL)
    map_page(triple, CELL, 0)
    map_page(triple, IDT, 0)
    found += [tell(triple.step()), tell(triple.step())]
    halted = two_rings(b"\xf4", cpl=0)
    halted.cpu.eflags = 2
    found += [tell(halted.step()), tell(halted.step())]
    return found


@pytest.mark.parametrize("width", [80, 81, 99, 100, 132, 200])
def test_no_line_is_longer_than_the_screen(width: int) -> None:
    for told in many_stories():
        assert max(map(len, text_of(told, width).splitlines())) <= width


def test_a_narrow_screen_still_shows_everything_in_order() -> None:
    for told in many_stories():
        narrow, wide = text_of(told, 40), text_of(told, 80)
        assert max(map(len, narrow.splitlines())) <= 40
        assert [word for word in wide.split() if word == "✗"] == [word for word in narrow.split() if word == "✗"]


def test_a_screen_without_unicode_gets_ascii_with_the_same_meaning() -> None:
    for told in many_stories():
        plain, full = text_of(told, plain=True), text_of(told)
        assert plain.isascii()
        assert plain.split().count("NO") == full.split().count("✗")


def test_colour_carries_no_meaning_of_its_own() -> None:
    coloured = 0
    for told in many_stories():
        file = StringIO()
        Console(width=80, color_system="truecolor", force_terminal=True, file=file).print(render(told))
        coloured += "\x1b" in file.getvalue()
        without_colour = re.sub("\x1b\\[[0-9;]*m", "", file.getvalue())
        assert [line.rstrip() for line in without_colour.splitlines()] == text_of(told).splitlines()
    assert coloured > 10


def test_addresses_and_names_are_those_of_the_step() -> None:
    machine = two_rings(STORE, ebx=0x17000)
    map_page(machine, 0x17000, PRESENT | USER)
    set_gate(machine, 14, 0x08, 0x9450, 0x8E00)
    told = story_of(machine, {0x9450: "my_handler", 0x17000: "elsewhere"})
    assert "0x0008:0x00009450 <my_handler>" in told
    assert "cr2=0x00017000 <elsewhere>" in told
    assert "page_fault" not in told


def test_a_4_mib_page_has_no_table() -> None:
    machine = two_rings(STORE, ebx=0x400123)
    machine.cpu.write_cr4(0x10)
    machine.memory.write(0x1004, 4, 0x80 | PRESENT | USER)
    told = story_of(machine, width=100)
    assert "as user: directory 0x001, offset 0x000123\n" in told
    assert "0x00000085  P -- US - - PS <- R/W=0\n" in told
    assert "✗ user write refused: R/W=0 in the PDE (rule: a user may write it)" in told


def test_a_reserved_bit_is_named() -> None:
    machine = two_rings(STORE, ebx=0x400123)
    machine.cpu.write_cr4(0x10)
    machine.memory.write(0x1004, 4, 0x1000 | 0x80 | PRESENT | USER)
    told = story_of(machine)
    assert "✗ user write refused: bits 21..12 are not 0 in the PDE" in told
    assert "#PF error code 0xf [user, write, protection, reserved bit]" in told


def test_an_access_that_only_a_stale_tlb_entry_allows_shows_what_the_tables_say() -> None:
    session = Session("linux")
    for line in ("movl user_data,%eax", "set pte(user_data).present = 0"):
        list(session.execute(line))
    story = next(value for value in session.execute("movl user_data,%eax") if isinstance(value, Story))
    shown = text_of(story)
    assert "STALE: the tables, which were not read, say otherwise:" in shown
    assert "<- P=0" in shown
    assert "STALE" not in text_of(next(v for v in session.execute("movl user_rodata,%eax") if isinstance(v, Story)))
