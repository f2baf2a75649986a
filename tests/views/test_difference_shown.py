"""What a difference looks like at 80 columns, and its JSON."""

from __future__ import annotations

from textwrap import dedent

from builders import on_bench, two_rings
from shown import text_of

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab.difference import Difference
from pagefault_lab.lab.session import Session


def difference(session: Session, *lines: str) -> Difference:
    """What the last of these lines yields, which is a `diff`."""
    for line in lines:
        (*_, last) = session.execute(line)
    assert isinstance(last, Difference)
    return last


def shown(session: Session, *lines: str) -> str:
    return text_of(difference(session, *lines))


def test_that_nothing_differs_is_said() -> None:
    session = on_bench(two_rings())
    assert shown(session, "set $before = steps", "set $any = 1", "diff $before") == dedent(
        """\
        step 0 (before: set $any = 1) -> step 0 (now)
        ✓ nothing differs"""
    )


def test_what_nobody_misses_is_told_in_a_line_each_and_the_rest_is_confirmed() -> None:
    code = bytes.fromhex("ff33 58")  # pushl (%ebx); popl %eax
    session = on_bench(two_rings(code, cpl=0, ebx=0x14000, eax=5))
    lines = ("poke $ebx 5", "si 2", "set $before = steps", "flush", "poke $esp - 4 6", "diff $before")
    assert shown(session, *lines) == dedent(
        """\
        step 2 (before: flush) -> step 2 (now)
        below the stack pointers: 4 bytes left over, 0x00007efc to 0x00007eff
        TLB: 0 entries added, 3 dropped, 0 changed
        ✓ nothing else differs: registers, tables and memory in use are as they were"""
    )


def test_lines_typed_at_both_rings_lie_at_two_places() -> None:
    told = shown(Session("linux"), "nop", "kernel", "nop", "diff 0").splitlines()
    assert "typed lines, 0x08030000 to 0x08030003, 0xc0125000 to 0xc0125003" in told


def test_a_fault_at_cpl_3_with_everything_that_it_changes() -> None:
    session = on_bench(two_rings(b"\xa1\x00\x00\x00\xf0", ebx=0x14000))  # movl 0xf0000000, %eax
    assert shown(session, "si", "diff") == dedent(
        """\
        step 0 (before: si) -> step 1 (now)
        registers
          esp     0x00012ff0 -> 0x00007fe8
          eip     0x00010000 -> 0x000060e0
          eflags  0x00000202 -> 0x00000002  IF 1->0
          cs      0x001b -> 0x0008
          ss      0x0023 -> 0x0010
          cr2     0x00000000 -> 0xf0000000
          cpl     3 -> 0
        only A or D differs in 6 entries: 0x00000000, 0x00003000, 0x00004000,
          0x00005000, 0x00007000, 0x00010000
        memory
          physical    linear
          0x00007fe8  0x00007fe8  24 bytes
        TLB: 5 entries added, 0 dropped, 0 changed"""
    )


def test_structures_are_shown_before_and_after() -> None:
    session = on_bench(two_rings())
    lines = (
        "set $before = steps", "set gdt(3).dpl = 0", "set gdt(3).limit = 0xfff", "set idt(14).offset = 0x6010",
        "set idt(20) = 0", "set tss.esp0 = 9", "map 0x800000 r", "diff $before",
    )  # fmt: skip
    assert shown(session, *lines) == dedent(
        """\
        step 0 (before: set gdt(3).dpl = 0) -> step 0 (now)
        GDT
          0x0018  was  code, readable  3  1  0x00000000  0xffffffff
                  now  code, readable  0  1  0x00000000  0x00000fff
        IDT
          14 #PF  was  interrupt gate  0  1  0x0008:0x000060e0
                  now  interrupt gate  0  1  0x0008:0x00006010
          20      was  interrupt gate  0  1  0x0008:0x00006140
                  now  no gate               empty
        TSS
          esp0  0x00008000 -> 0x00000009
        page tables
          0x00800000  PDE  0x00000000 - -- -- - -  ->  0x000ff007 P RW US - -
          0x00800000  PTE  no table                ->  0x000fe005 P -- US - -"""
    )


def test_what_lies_beyond_a_limit_is_counted() -> None:
    session = on_bench(two_rings())
    lines = ("set $before = steps", "set gdtr.limit = 0x27", "set idtr.limit = 0x6f", "diff $before")
    assert shown(session, *lines).splitlines()[4:] == [
        "GDT",
        "  0x0028  was  32-bit TSS (busy)  0  1  0x00005000  0x00000067",
        "          now  beyond the limit",
        "IDT",
        "  14-31  was  18 gates",
        "         now  beyond the limit",
    ]


def test_memory_in_ranges_with_single_words_by_value() -> None:
    session = on_bench(two_rings())
    session.symbols.define("table", 0x50000)
    lines = ("poke 0x50000 1 2 3 0 0 0 6", "poke 0x60004 0xdeadbeef", "diff 0")
    assert shown(session, *lines) == dedent(
        """\
        step 0 (before: poke 0x50000 1 2 3 0 0 0 6) -> step 0 (now)
        memory
          physical    linear
          0x00050000  0x00050000 <table>  16 of 28 bytes
          0x00060004  0x00060004          0x00000000 -> 0xdeadbeef"""
    )


def test_of_very_much_the_number_is_told() -> None:
    session = on_bench(two_rings())
    lines = shown(session, *(f"poke {0x50000 + 4096 * page} 1" for page in range(30)), "diff 0").splitlines()
    assert lines[-1] == "  and 10 rows more"
    assert len(lines) == 24


def test_in_json_everything_has_its_place() -> None:
    session = on_bench(two_rings())
    lines = ("set eax = 5", "set idt(14).dpl = 3", "poke 0x50000 7", "unmap 0x14000", "diff 0")
    found = to_json(difference(session, *lines))
    assert found["kind"] == "difference"
    assert found["before"] == {"kind": "moment", "steps": 0, "line": "set eax = 5", "now": False}
    assert found["registers"][0]["name"] == "eax"
    assert found["gates"][0]["after"]["gate"]["dpl"] == 3
    assert found["entries"] == [
        {
            "kind": "entry_change", "linear": 0x14000, "level": "PTE", "address": 0x2050, "before": 0x14007,
            "after": 0x14006,
        }
    ]  # fmt: skip
    assert found["memory"][0] | {"linear": 0} == {
        "kind": "changed_range", "physical": 0x50000, "size": 4, "differing": 4, "linear": 0, "symbol": "", "before": 0,
        "after": 7,
    }  # fmt: skip
    assert found["tlb"] == {"kind": "tlb_change", "added": 0, "dropped": 0, "changed": 0}
