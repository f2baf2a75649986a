"""A step in a trace, as text: one line, and what it led into below it."""

from __future__ import annotations

from textwrap import dedent

import pytest
from builders import HANDLERS, IDT, PRESENT, USER, USER_TEXT, flat, map_page, two_rings
from hypothesis import given, settings
from hypothesis import strategies as st
from shown import text_of

from pagefault_lab.lab.story import tell
from pagefault_lab.lab.tracing import PageWritten, Traced, Tracing
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.segmentation import TableRegister

STORE = b"\x89\x03"  # movl %eax,(%ebx)
CELL = 0x14000
NAMES = {HANDLERS + 14 * 16: "page_fault", HANDLERS + 13 * 16: "general_protection", USER_TEXT: "start", CELL: "cell"}
UNBROKEN = 1000


def trace_of(machine: Machine, steps: int = 1, width: int = UNBROKEN) -> str:
    """The next steps of a machine, traced."""
    return "\n".join(text_of(Traced(tell(machine.step(), NAMES.get)), width) for _ in range(steps))


def shows(text: str) -> str:
    return dedent(text).strip("\n")


def test_an_instruction_is_its_address_its_bytes_and_what_it_changed() -> None:
    assert trace_of(flat(b"\x40", eax=0x12)) == "0x00001000  40                 incl %eax  # eax: 0x12->0x13"
    assert trace_of(flat(b"\x90")) == "0x00001000  90                 nop"


def test_a_name_does_not_move_the_columns() -> None:
    assert trace_of(two_rings(b"\x90")) == "0x00010000  90                 nop"


def test_what_went_to_memory_is_told_behind_the_registers() -> None:
    machine = two_rings(STORE + b"\x53", eax=5, ebx=CELL)
    assert trace_of(machine, 2) == shows(
        """
        0x00010000  89 03              movl %eax,(%ebx)  # [0x00014000 <cell>]: 0x0->0x5
        0x00010002  53                 pushl %ebx  # esp: 0x12ff0->0x12fec, [0x00012fec]: 0x0->0x14000
        """
    )


def test_a_narrow_screen_has_room_for_the_registers_alone() -> None:
    machine = flat(b"\x53", ebx=0x12345678)
    assert trace_of(machine, width=80) == "0x00001000  53                 pushl %ebx  # esp: 0x8000->0x7ffc"


def test_a_fault_is_a_line_and_the_way_into_its_handler_another() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    assert trace_of(machine) == shows(
        """
        0x00010000  89 03              movl %eax,(%ebx)
          #PF error code 0x7 [user, write, protection] cr2=0x00014000 <cell>
          -> 0x0008:0x000060e0 <page_fault>, CPL 3->0, SS:ESP 0x0010:0x00007fe8, IF 1->0
        """
    )


def test_a_write_that_a_fault_took_back_is_not_told() -> None:
    machine = two_rings(b"\x60", esp=CELL + 4)  # pushal: the first push fits into the page, the others do not
    map_page(machine, CELL - 0x1000, 0)
    assert "[0x" not in trace_of(machine)


def test_a_software_interrupt_needs_no_line_of_its_own() -> None:
    machine = two_rings(b"\xcd\x0d", cpl=0)  # int $13
    assert trace_of(machine) == shows(
        """
        0x00010000  cd 0d              int $0xd
          -> 0x0008:0x000060d0 <general_protection>, ESP 0x00007ef4, IF 1->0
        """
    )


def test_an_interrupt_stands_where_the_next_instruction_would() -> None:
    machine = two_rings(b"\x90")
    machine.cpu.eflags = 0x202
    machine.interrupt(0x10)
    assert trace_of(machine) == shows(
        """
        0x00010000  interrupt 0x10 (external interrupt), no error code
          -> 0x0008:0x00006100, CPL 3->0, SS:ESP 0x0010:0x00007fec, IF 1->0
        """
    )


def test_a_fetch_that_fails_stands_where_the_instruction_would() -> None:
    machine = two_rings()
    map_page(machine, USER_TEXT, 0)
    assert trace_of(machine) == shows(
        """
        0x00010000  #PF error code 0x4 [user, read, not-present] cr2=0x00010000 <start>
          -> 0x0008:0x000060e0 <page_fault>, CPL 3->0, SS:ESP 0x0010:0x00007fe8, IF 1->0
        """
    )


def test_each_iteration_of_a_repeated_string_instruction_is_a_step() -> None:
    machine = flat(b"\xf3\xaa", ecx=2, edi=8, eax=7)
    assert trace_of(machine, 2) == shows(
        """
        0x00001000  f3 aa              rep stosb %al,%es:(%edi)  # ecx: 0x2->0x1, edi: 0x8->0x9, [0x00000008]: 0x0->0x7
        0x00001000  f3 aa              rep stosb %al,%es:(%edi)  # ecx: 0x1->0x0, edi: 0x9->0xa, [0x00000009]: 0x0->0x7
        """
    )


def test_a_triple_fault_is_told_attempt_by_attempt() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    map_page(machine, IDT, 0)
    assert trace_of(machine) == shows(
        """
        0x00010000  89 03              movl %eax,(%ebx)
          #PF error code 0x6 [user, write, not-present] cr2=0x00014000 <cell>
          #PF while #PF was delivered: double fault (page fault, then page fault)
          #DF double fault error code 0x0
          #PF while #DF was delivered: triple fault, the processor shuts down
        """
    )


def test_a_refused_software_interrupt_tells_what_came_instead() -> None:
    machine = two_rings(b"\xcd\x0e")  # int $14 at CPL 3, its gate has DPL 0
    assert trace_of(machine) == shows(
        """
        0x00010000  cd 0e              int $0xe
          the instruction itself faults with #GP
          #GP general protection error code 0x72 [IDT gate 14]
          -> 0x0008:0x000060d0 <general_protection>, CPL 3->0, SS:ESP 0x0010:0x00007fe8, IF 1->0
        """
    )


def test_a_single_step_trap_keeps_what_its_instruction_wrote() -> None:
    machine = two_rings(STORE, eax=5, ebx=CELL)
    machine.cpu.eflags = 0x102
    first, *below = trace_of(machine).splitlines()
    assert first.endswith(", [0x00014000 <cell>]: 0x0->0x5")
    assert below[0] == "  #DB debug"


def test_steps_in_which_nothing_is_done_have_an_address_too() -> None:
    halted = flat(b"\xf4")
    halted.cpu.eflags = 2
    assert trace_of(halted, 2).splitlines()[1] == "0x00001001  halted: nothing is done until an interrupt comes"
    lost = flat(b"\x0f\x0b")
    lost.cpu.idtr = TableRegister(0, 0)
    assert trace_of(lost, 2).splitlines()[-1].startswith("0x00001000  the processor is shut down")


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=4, max_size=40), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF), st.booleans())
def test_whatever_runs_is_one_line_at_the_margin_a_step(code: bytes, cpl: int, number: int, paging: bool) -> None:
    machine = two_rings(code, cpl, ebx=CELL, eax=number) if paging else flat(code, ebx=number)
    for _ in range(12):
        eip = machine.cpu.eip
        first, *below = trace_of(machine).splitlines()
        assert first.startswith(f"{eip:#010x}  ")
        assert all(line.startswith("  ") for line in below)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (Tracing(False, "", 0), "the trace is off"),
        (Tracing(True, "", 0), "the trace is on, to the screen"),
        (Tracing(True, "a.txt", 1204), "the trace is on, to a.txt: 1,204 steps so far"),
        (Tracing(False, "a.txt", 1), "the trace is off: 1 step went to a.txt"),
        (Tracing(True, "", 3, "faults ring 3"), "the trace is on, to the screen, only faults ring 3: 3 steps so far"),
        (PageWritten("a.html", 4321, 1, 0, 1), "a.html shows 1 step (4 kB)"),
        (
            PageWritten("a.html", 98765, 40, 500, 1000, "ring 3"),
            "a.html shows 40 steps of 1,000 steps, only ring 3 (99 kB); 500 steps before them\n    left out",
        ),
    ],
)
def test_its_state_is_a_sentence(state: Tracing | PageWritten, text: str) -> None:
    assert text_of(state) == text
