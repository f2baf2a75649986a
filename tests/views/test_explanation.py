"""`why` and `frame`: the reasons, from what ran."""

from __future__ import annotations

from textwrap import dedent

from builders import IDT, PRESENT, USER, map_page, set_gate, two_rings
from shown import text_of

from pagefault_lab.lab.explain import explain
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import tell
from pagefault_lab.machine.machine import Machine

STORE = b"\x89\x03"
CELL = 0x14000


def why(machine: Machine, names: dict[int, str] | None = None) -> str:
    found = explain(tell(machine.step(), (names or {}).get))
    assert found is not None
    return text_of(found)


def test_a_page_fault_is_explained_link_by_link() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    assert why(machine, {CELL: "cell"}) == dedent(
        """\
        why #PF page fault at 0x00014000 <cell>
        instruction movl %eax,(%ebx) at 0x00010000, CPL 3
        operand     write 4 bytes at ds:0x00014000
        segment     selector 0x0023, base 0, limit 0xffffffff: ✓ allows it
        linear      0x0 + 0x00014000 = 0x00014000
        walk        0x00014000: directory 0x000, table 0x014, offset 0x000
          PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
          PTE     0x00002000 + 0x014*4 = 0x00002050: 0x00014005  P -- US - - <- R/W=0
          both levels allow                                      P -- US
        rights      ✓ PDE.P  ✓ PTE.P  ✓ PDE.U/S  ✓ PTE.U/S  ✓ PDE.R/W  ✗ PTE.R/W
        rule        a user's write needs R/W=1 in both levels
        verdict     ✗ user write refused: R/W=0 in the PTE
        error code  0x7 [user, write, protection]
                    U/S=1  the access was a user's: CPL was 3
                    W/R=1  the access was a write
                    P=1    the page is present: its rights refused
        gate        14 of the IDT, at 0x00004070: 32-bit interrupt gate, DPL 0, P=1: to
                    0x0008:0x000060e0
        stack       CPL 3 -> 0, so another stack: TR 0x0028 -> TSS 0x00005000 + 0x4 ->
                    SS0:ESP0 = 0x0010:0x00008000
        saved EIP   0x00010000: the instruction itself, so that iret tries it again"""
    )


def test_the_supervisors_write_is_explained_by_wp() -> None:
    machine = two_rings(STORE, cpl=0, ebx=CELL)
    map_page(machine, CELL, PRESENT)
    told = why(machine)
    assert "a write of the supervisor, as CR0.WP=1, needs R/W=1 in both levels" in told
    assert "the handler runs at CPL 0 as before: the stack stays" in told


def test_an_int_that_its_gate_refuses_is_explained_by_the_gate() -> None:
    told = why(two_rings(b"\xcd\x0e"))
    assert "✓ the entry is a gate (type=0xe)" in told
    assert "verdict     ✗ gate DPL >= CPL (DPL=0 CPL=3)" in told
    assert "error code  0x72 [IDT gate 14]" in told


def test_a_triple_fault_is_explained_to_its_end() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    map_page(machine, IDT, 0)
    assert why(machine).splitlines()[-1].endswith("triple fault, the processor shuts down")


def test_a_double_fault_tells_what_no_handler_will_see_and_what_its_own_frame_is_worth() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    set_gate(machine, 14, 0, 0x9000, 0x8E00)
    told = why(machine)
    assert told[told.index("but\n") :] == dedent(
        """\
        but
          ✗ the gate's selector is not null (selector=0)
          #GP general protection error code 0x1 [no selector, EXT: during another event]
        so          #GP while #PF was delivered: double fault (page fault, then
                    contributory)
        then        #DF double fault error code 0x0
        gate        8 of the IDT, at 0x00004040: 32-bit interrupt gate, DPL 0, P=1: to
                    0x0008:0x00006080
        stack       CPL 3 -> 0, so another stack: TR 0x0028 -> TSS 0x00005000 + 0x4 ->
                    SS0:ESP0 = 0x0010:0x00008000
        saved EIP   0x00010000: of no use, since a double fault is an abort: nothing is
                    to be tried again"""
    )


def test_an_interrupt_that_cannot_be_delivered_is_explained_without_an_instruction() -> None:
    machine = two_rings(b"\x90")
    set_gate(machine, 0x1F, 0, 0x9000, 0x8E00)
    machine.interrupt(0x1F)
    assert why(machine).splitlines()[:6] == [
        "why #GP general protection",
        "instruction none: interrupt 0x1f came before the one at 0x00010000, CPL 3",
        "held        ✓ the gate lies inside the IDT (vector=0x1f limit=0xff)",
        "            ✓ the entry is a gate (type=0xe)  ✓ the gate is present (P=1)",
        "verdict     ✗ the gate's selector is not null (selector=0)",
        "error code  0x1 [no selector, EXT: during another event]",
    ]


def test_an_error_code_of_no_selector_names_no_entry() -> None:
    machine = two_rings(bytes.fromhex("0f0118"))  # lidt (%eax), at CPL 3
    assert dedent(
        """
        error code  0x0 [no selector]
                    index=0x0  no entry: no selector is to blame, or a null one
                    IDT=0      not of the IDT
                    EXT=0      caused by the program itself
        """
    ) in why(machine)


def test_a_step_without_a_fault_has_no_explanation() -> None:
    assert explain(tell(two_rings(b"\x90").step())) is None


# --- in a session


def last_of(session: Session, *lines: str) -> str:
    shown = ""
    for line in lines:
        shown = "\n".join(text_of(value) for value in session.execute(line))
    return shown


def test_why_after_a_free_run_tells_the_same_as_after_a_step() -> None:
    stepped, ran = Session("linux"), Session("linux")
    told = last_of(stepped, "movl %eax,0", "why")
    for _ in ran.execute("asm"):
        pass
    last_of(ran, "movl %eax,0", "end")
    handler = ran.symbols["page_fault"]
    assert last_of(ran, f"b {handler:#x}", "run", "why").splitlines()[2:5] == told.splitlines()[2:5]


def test_a_frame_tells_who_pushed_each_value() -> None:
    session = Session("linux")
    told = last_of(session, "movl %eax,0", "si", "frame").splitlines()
    assert told[0] == "frame of #PF error code 0x6 [user, write, not-present] cr2=0x00000000"
    assert told[3].split()[2:] == ["SS", "(ring", "3)", "CPU"]
    assert told[-2].split()[2:] == ["error", "code", "CPU"]
    assert told[-1].startswith("  ESP->")
    assert "pushl" in told[-1]


def test_the_frame_is_gone_when_the_handler_has_returned() -> None:
    import pytest

    from pagefault_lab.problem import Problem

    session = Session("linux")
    with pytest.raises(Problem, match="no exception frame"):
        last_of(session, "frame")


def pushers(session: Session) -> list[str]:
    """The last column of `frame`."""
    lines = last_of(session, "frame").splitlines()
    column = next(line for line in lines if "pushed by" in line).index("pushed by")
    return [line[column:].strip() for line in lines[3:] if line.startswith(("         0x", "  ESP->  0x"))]


def test_a_frame_is_followed_over_lines_that_were_typed_in_the_handler() -> None:
    session = Session("linux")
    last_of(session, "movl %eax,0", "pushl $0x1234", "nop")
    assert pushers(session) == ["CPU"] * 6 + ["pushl $0x1234"]


def test_a_value_of_the_frame_that_was_changed_tells_both() -> None:
    session = Session("linux")
    last_of(session, "movl %eax,0", "movl $0x55,(%esp)")
    assert "error code (was 0x00000006)" in last_of(session, "frame")


def test_a_fault_in_the_handler_has_a_frame_of_its_own_and_then_the_first_is_back() -> None:
    session = Session("linux")
    last_of(session, "movl %eax,0")
    told = last_of(session, "movl $1,user_bss", "frame")  # a page that the kernel will map
    assert told.startswith("frame of #PF error code 0x2 [supervisor, write, not-present]")
    assert "interrupted: the same ring" in told
    last_of(session, "finish")
    assert last_of(session, "frame").startswith("frame of #PF error code 0x6 [user, write, not-present]")


def test_an_old_frame_is_not_taken_for_a_new_one_at_the_same_place() -> None:
    session = Session("linux")
    last_of(session, "movl %eax,0xc0000000", "c", "kernel", "nop")
    assert last_of(session, "frame").startswith("frame of interrupt")


def test_bytes_that_are_no_instruction_were_fetched() -> None:
    assert "\ninstruction at 0x00010000, CPL 3: its bytes are no instruction\n" in why(two_rings(b"\x0f\x1e\xfb"))
