"""`whatif` and `matrix` as text: a change and what it leads to in one row, in 80 columns."""

from __future__ import annotations

from textwrap import dedent

from builders import IDT, PRESENT, USER, WRITABLE, flat, map_page, on_bench, set_gate, two_rings
from shown import text_of

from pagefault_lab.lab.matrix import matrix_of
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import PSE

STORE, LOAD = b"\x89\x03", b"\x8b\x03"
CELL = 0x14000


def whatif(machine: Machine, words: str = "", steps: int = 1) -> str:
    """What is said about the last of these steps, or about an access."""
    session = on_bench(machine)
    if not words:
        assert list(session.execute(f"si {steps}"))
    (answer,) = session.execute(f"whatif {words}")
    assert text_of(answer, plain=True).isascii()
    return text_of(answer)


def test_what_is_allowed_is_said_once_without_unicode() -> None:
    (answer,) = on_bench(flat()).execute("whatif write 0x1000")
    first, _ = text_of(answer, plain=True).split("\n", 1)
    assert first == "whatif write 0x00001000 at CPL 0, paging off: OK: physical 0x00001000"


def test_a_page_fault_and_what_would_help() -> None:
    machine = two_rings(STORE, ebx=CELL, eax=0x77)
    map_page(machine, CELL, PRESENT | USER)
    assert whatif(machine) == dedent(
        """\
        whatif movl %eax,(%ebx) at 0x00010000, CPL 3: #PF 0x7 [user, write, protection]
            at 0x00014000
          any of these would help:
            PTE.R/W 0->1          ✓ completes, [0x00014000]: 0x0->0x77
            a read, not a write   ✓ OK: physical 0x00014000
            a fetch, not a write  ✓ OK: physical 0x00014000
          it would fail otherwise after:
            PTE.P 1->0    #PF 0x6 [user, write, not-present]
            PDE.P 1->0    #PF 0x4 at 0x00010000 -> #PF 0x0 at 0x00004070 -> #DF -> #PF
                          0x0 at 0x00004040 -> shutdown (triple fault)
            PDE.R/W 1->0  #PF 0x7 -> #PF 0x3 at 0x00007ffc -> #DF -> #PF 0x3 at
                          0x00007ffc -> shutdown (triple fault)
            PDE.U/S 1->0  #PF 0x5 [user, read, protection] at 0x00010000
            CPL 3->0      #PF 0x3 [supervisor, write, protection]
          tried: 10 single changes, each on a copy of the machine; the others change
            nothing"""
    )


def test_what_only_two_changes_help_and_what_the_tlb_has_to_do_with_it() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT)
    told = whatif(machine)
    assert "  no single change helps; two together do:\n    PTE.R/W 0->1, PTE.U/S 0->1          ✓ completes" in told
    assert "    CPL 3->0, CR0.WP 1->0               ✓ completes" in told
    machine = two_rings(LOAD + STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    told = whatif(machine, steps=2)
    assert "  two together would help:\n    PTE.R/W 0->1, TLB entry dropped  ✓ completes, [0x00014000]" in told


def test_a_frame_is_named_where_a_page_becomes_present_and_a_page_where_there_is_none() -> None:
    machine = two_rings(LOAD, ebx=CELL)
    map_page(machine, CELL, USER)
    told = whatif(machine)
    assert "    PTE.P 0->1 (frame 0x00014000)  ✓ completes, eax: " not in told, "nothing is read that changes EAX"
    assert "    PTE.P 0->1 (frame 0x00014000)  ✓ completes\n" in told
    assert "  and so would:\n    a page mapped there, RW US  ✓ completes\n" in told


def test_a_double_fault_as_a_chain_of_faults() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    set_gate(machine, 14, 8, 0x60E0, 0x0E00)
    told = whatif(machine)
    first = "whatif movl %eax,(%ebx) at 0x00010000, CPL 3: #PF 0x7 at 0x00014000 -> #NP 0x73\n    -> #DF\n"
    assert told.startswith(first)
    assert "    gate 14: P 0->1       #PF 0x7 [user, write, protection]: its handler is\n" in told
    assert "    CPL 3->0      #PF 0x3 -> #NP 0x73 -> #DF\n" in told


def test_a_triple_fault_ends_in_shutdown_and_names_the_page_that_is_not_the_first() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    map_page(machine, IDT, WRITABLE)
    told = whatif(machine)
    assert "-> #DF -> #PF 0x0 at 0x00004040 -> shutdown" in told.replace("\n    ", " ")
    assert "    PTE.P 0->1 of 0x00004070 (frame 0x00004000)  #PF 0x7 [user, write," in told


def test_segments_gates_descriptors_and_flags_by_their_names() -> None:
    assert "    gate 14: DPL 0->3  ✓ the handler of interrupt 0xe is entered\n" in whatif(two_rings(b"\xcd\x0e"))
    told = whatif(two_rings(b"\x8e\xd8", eax=0x10))
    assert "    GDT entry 2: DPL 0->3  ✓ completes, ds: 0x23->0x10\n" in told
    assert "    IOPL 0->3  ✓ completes, eflags: IF 1->0\n" in whatif(two_rings(b"\xfa"))
    null = two_rings(LOAD, ebx=CELL)
    null.cpu.load_segment(3, 0)
    assert "    DS 0x0000->0x0023  ✓ completes\n" in whatif(null)


def test_a_fault_that_nothing_changes() -> None:
    told = whatif(two_rings(b"\xf7\xf1"))
    assert told.splitlines()[0] == "whatif divl %ecx at 0x00010000, CPL 3: #DE"
    assert told.endswith("none makes\n    it end otherwise")


def test_an_access_that_was_not_made() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT)
    assert whatif(machine, f"read {CELL} supervisor wp=0") == dedent(
        """\
        whatif read 0x00014000 at CPL 0, CR0.WP=0: ✓ OK: physical 0x00014000
          it would fail after:
            PTE.P 1->0  #PF 0x0 [supervisor, read, not-present]
            PDE.P 1->0  #PF 0x0 -> #PF 0x0 at 0x00004070 -> #DF -> #PF 0x0 at 0x00004040
                        -> shutdown (triple fault)
            CPL 0->3    #PF 0x5 [user, read, protection]
          tried: 10 single changes, each on a copy of the machine; the others change
            nothing"""
    )
    assert whatif(flat(), "write 0x5000").splitlines()[0] == (
        "whatif write 0x00005000 at CPL 0, paging off: ✓ OK: physical 0x00005000"
    )


def test_the_circumstances_that_were_assumed_are_in_the_question() -> None:
    session = Session("linux")
    list(session.execute("movl %eax,_text"))
    (answer,) = session.execute("whatif cpl=0 wp=0")
    assert text_of(answer).startswith(
        "whatif movl %eax,0xc0100000 <_text> at 0x08030000 <user_scratch>, CPL 0,\n    CR0.WP=0: ✓ completes"
    )


# --- matrix


def test_a_matrix_has_a_row_for_each_privilege_and_wp() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT | USER)
    assert text_of(matrix_of(machine, CELL, "cell")) == dedent(
        """\
        matrix 0x00014000 <cell>: directory 0x000, table 0x014, offset 0x000
          PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002007  P RW US - -
          PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014005  P -- US - -
          both levels allow                                      P -- US
                              read         write              fetch
            user        WP=0  ✓ OK: P U/S  #PF 0x7 PTE.R/W=0  ✓ OK: P U/S
        ->  user        WP=1  ✓ OK: P U/S  #PF 0x7 PTE.R/W=0  ✓ OK: P U/S
            supervisor  WP=0  ✓ OK: P      ✓ OK: P            ✓ OK: P
            supervisor  WP=1  ✓ OK: P      #PF 0x3 PTE.R/W=0  ✓ OK: P
        -> now: CPL 3, CR0.WP=1"""
    )


def test_a_matrix_tells_that_the_tlb_would_answer_otherwise() -> None:
    machine = two_rings(LOAD, ebx=CELL)
    machine.step()
    machine.memory.write(0x2000 + 4 * (CELL >> 12), 4, CELL | PRESENT)
    assert text_of(matrix_of(machine, CELL)).endswith(
        "\nSTALE: the TLB holds page 0x00014 -> frame 0x00014  P RW US, and answers first;\n"
        "  the page tables say read-only, supervisor only"
    )


def test_a_matrix_of_a_4_mib_page_with_reserved_bits_and_of_nothing_at_all() -> None:
    machine = two_rings()
    machine.cpu.write_cr4(PSE)
    machine.memory.write(0x1008, 4, 0x00091087)
    told = text_of(matrix_of(machine, 0x800000))
    for code, cells in ((0x9, 4), (0xB, 2), (0xD, 4), (0xF, 2)):
        assert told.count(f"#PF {code:#x} PDE.21..12") == cells
    assert max(map(len, told.splitlines())) <= 80
    assert len(told.splitlines()) == 9, "no row is broken"
    assert "PTE" not in told
    assert text_of(matrix_of(two_rings(), 0x40000000)).count("PDE.P=0") == 12
    assert "paging is off (CR0.PG=0)" in text_of(matrix_of(flat(), 0x1234))
