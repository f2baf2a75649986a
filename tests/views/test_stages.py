"""One stage on one screen, all stages in a row, and what would have saved a fault."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

import pytest
from builders import IDT, PRESENT, USER, map_page, on_bench, set_gate, two_rings
from shown import text_of

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab.rescue import GivenUp, Rescue, given_up, rescue
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.stages import Stages, StageShown, take_apart
from pagefault_lab.lab.story import tell
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.segmentation import TableRegister

STORE = b"\x89\x03"
CELL = 0x14000


def shown(machine: Machine) -> list[StageShown]:
    whole = take_apart(tell(machine.step()))
    return [StageShown(whole, at, replayed=True) for at in range(len(whole.stages))]


def refused() -> Machine:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, PRESENT | USER)
    return machine


def lost() -> Machine:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    map_page(machine, IDT, IDT & ~PRESENT)
    return machine


def test_a_stage_shows_what_was_read_where_and_what_comes_next() -> None:
    gate = next(text for text in map(text_of, shown(refused())) if "of 21: reading gate 14 of the IDT" in text)
    assert gate == dedent(
        """\
        movl %eax,(%ebx) at 0x00010000, CPL 3
        stage 5 of 21: reading gate 14 of the IDT
          walk 0x00004070: directory 0x000, table 0x004, offset 0x070, supervisor read
            PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
            PTE     0x00002000 + 0x004*4 = 0x00002010: 0x00004003  P RW -- - -
            both levels allow                                      P RW --
            ✓ OK: physical 0x00004070; sets A in the PTE
          read 4 bytes at 0x00004070: 0x000860e0 (table, physical 0x00004070)
          TLB page 0x00004 -> frame 0x00004  P RW --  ✓ OK: physical 0x00004074
          read 4 bytes at 0x00004074: 0x00008e00 (table, physical 0x00004074)
          IDTR base 0x00004000 + 14*8: gate at 0x00004070
          32-bit interrupt gate, DPL 0, P=1: to 0x0008:0x000060e0
        next: rules for reading the code segment's descriptor"""
    )


def test_the_stack_grows_from_stage_to_stage_and_tells_who_pushed() -> None:
    pushes = [text_of(each) for each in shown(refused()) if "pushing " in text_of(each).splitlines()[1]]
    stacks = [text[text.index("  old stack") : text.rindex("\n")] for text in pushes if "pushed by" in text]
    assert len(stacks) == 6
    assert dedent(stacks[2]) == dedent(
        """\
        old stack, ring 3, SS:ESP 0x0023:0x00012ff0, left as it is
               address     value       meaning         pushed by
               0x00007ffc  0x00000023  SS (ring 3)     CPU
               0x00007ff8  0x00012ff0  ESP             CPU
        ESP->  0x00007ff4  0x00010202  EFLAGS [RF IF]  CPU"""
    )


def test_the_stages_have_the_names_of_what_the_processor_is_about() -> None:
    titles = [text_of(each).splitlines()[1].partition(": ")[2] for each in shown(refused())]
    assert titles == [
        "fetching the instruction",
        "writing an operand",
        "raising #PF",
        "rules for reading gate 14 of the IDT",
        "reading gate 14 of the IDT",
        "rules for reading the code segment's descriptor",
        "reading the code segment's descriptor",
        "choosing the code segment and the ring",
        "rules for finding the inner stack by the TSS",
        "finding the inner stack by the TSS",
        "rules for reading the stack segment's descriptor",
        "reading the stack segment's descriptor",
        "switching the stack",
        "rules for pushing the frame",
        "pushing SS",
        "pushing ESP",
        "pushing EFLAGS",
        "pushing CS",
        "pushing EIP",
        "pushing error code",
        "entering the handler",
    ]


def test_where_an_attempt_fails_its_last_stage_says_what_comes_of_it() -> None:
    failed = [each for each in shown(lost()) if each.attempt is not None and each.attempt.failed is not None]
    assert [text_of(each).splitlines()[-2].strip() for each in failed] == [
        "#PF while #PF was delivered: double fault (page fault, then page fault)",
        "#PF while #DF was delivered: triple fault, the processor shuts down",
    ]


def test_all_stages_in_a_row_draw_a_stack_once() -> None:
    machine = two_rings(b"\x53", ebx=5)  # pushl %ebx
    assert text_of(take_apart(tell(machine.step()))) == dedent(
        """\
        pushl %ebx at 0x00010000, CPL 3
          1 fetching the instruction
            walk 0x00010000: directory 0x000, table 0x010, offset 0x000, user fetch
              PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002007  P RW US - -
              PTE     0x00002000 + 0x010*4 = 0x00002040: 0x00010007  P RW US - -
              both levels allow                                      P RW US
              ✓ OK: physical 0x00010000; sets A in the PDE, A in the PTE
            fetch 1 byte at 0x00010000: 53 (fetch, physical 0x00010000)
          2 pushing
            ss:0x00012fec: 4 bytes, selector 0x0023, base 0, limit 0xffffffff -> linear
              0x00012fec
            ✓ the segment allows it
            walk 0x00012fec: directory 0x000, table 0x012, offset 0xfec, user write
              PDE cr3 0x00001000 + 0x000*4 = 0x00001000: 0x00002027  P RW US A -
              PTE     0x00002000 + 0x012*4 = 0x00002048: 0x00012007  P RW US - -
              both levels allow                                      P RW US
              ✓ OK: physical 0x00012fec; sets A D in the PTE
            write 4 bytes at 0x00012fec: 0x00000000->0x00000005 (stack, physical
              0x00012fec)
          3 the instruction is done
            esp: 0x12ff0->0x12fec
                   address     value       meaning  pushed by
            ESP->  0x00012fec  0x00000005  ebx      pushl %ebx"""
    )


def scenes() -> Iterator[Machine]:
    yield refused()
    yield lost()
    yield two_rings(b"\x60")
    yield two_rings(b"\xcd\x0e")
    yield two_rings(b"\xe4\x10", cpl=0)  # inb $0x10,%al
    yield two_rings(b"\xf4", cpl=0)


@pytest.mark.parametrize("width", [80, 120])
def test_a_stage_fits_on_a_screen(width: int) -> None:
    for machine in scenes():
        for each in shown(machine):
            lines = text_of(each, width).splitlines()
            assert len(lines) <= 22, each
            assert max(map(len, lines)) <= width
        assert text_of(each.whole, plain=True).isascii()
        assert text_of(each, plain=True).isascii()


def test_a_stage_in_json_has_its_own_events_only() -> None:
    found = [to_json(each) for each in shown(refused())]
    assert [each["stage"] for each in found] == list(range(1, 22))
    assert {each["stages"] for each in found} == {21}
    kinds = [[event["kind"] for event in each["events"]] for each in found]
    assert kinds[-1] == ["entered"]
    assert kinds[-2][-2:] == ["access", "pushed"]
    assert [slot["meaning"] for slot in found[-1]["stack"]] == ["SS", "ESP", "EFLAGS", "CS", "EIP", "error code"]


def test_a_step_by_its_stages_in_json_keeps_what_is_known_of_the_step() -> None:
    whole = shown(refused())[0].whole
    assert isinstance(whole, Stages)
    found = to_json(whole)
    assert found["kind"] == "stages"
    assert found["text"] == "movl %eax,(%ebx)"
    assert [stage["attempt"] for stage in found["stages"]] == [None, None, *[0] * 19]


# --- what would have saved it


def saved(machine: Machine) -> tuple[Rescue, GivenUp]:
    session: Session = on_bench(machine)
    step = machine.copy().step()
    for _ in session.execute("si"):
        pass
    found = rescue(session, step)
    assert found is not None
    return found, given_up(session, step)


def test_a_triple_fault_tells_what_would_have_saved_each_attempt() -> None:
    found, end = saved(lost())
    first, *rest = text_of(found).splitlines()
    assert first.startswith("what would have saved it: ")
    assert first.endswith(" single changes tried, each on a copy of the machine")
    assert rest == [
        "  #PF page fault: its handler is entered after this",
        "    PTE.P 0->1 of 0x00004070 (frame 0x00004000): 0x000060e0, CPL 0",
        "  #DF double fault: none of these lets its handler be entered",
    ]
    assert text_of(end) == dedent(
        """\
        with PTE.P 0->1 of 0x00004070 (frame 0x00004000) it would have entered
          0x000060e0
        registers are as before it, but for CR2; `why` tells more, `back` undoes it"""
    )


def test_what_is_no_page_fault_leaves_cr2_as_it_was() -> None:
    """An interrupt where the IDT has no gate at all."""
    machine = two_rings(b"\xcd\x0e")
    machine.cpu.idtr = TableRegister(0, 0)
    before = machine.cpu.cr2
    _, end = saved(machine)
    assert text_of(end).splitlines()[-1] == "registers are as before it; `why` tells more, `back` undoes it"
    assert machine.cpu.cr2 == before


def test_a_double_fault_tells_it_of_the_attempt_that_failed() -> None:
    machine = two_rings(STORE, ebx=CELL)
    map_page(machine, CELL, 0)
    set_gate(machine, 14, 0, 0x60E0, 0x8E00)
    found, _ = saved(machine)
    assert text_of(found).splitlines()[1:] == [
        "  #PF page fault: its handler is entered after any of",
        "    gate 14: selector 0->8: 0x000060e0, CPL 0",
        "    gate 14: selector 0->0x18: 0x000060e0, CPL 3",
    ]
