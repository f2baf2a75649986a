"""`why`: the chain of reasons, judged by what the bit that it names changes; and what the history adds to it."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import pytest
from benches import do, only, value
from builders import (
    FLAT,
    KERNEL_CODE,
    KERNEL_DATA,
    PRESENT,
    USER,
    WRITABLE,
    on_bench,
    two_rings,
)

from pagefault_lab.lab.asking import AskedAccess, AskedWalk, attempt
from pagefault_lab.lab.explain import Explanation, Term, When, explain
from pagefault_lab.lab.rescue import Rescue, TableRestored
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.travel import Timeline
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import CS, SS
from pagefault_lab.machine.segmentation import Descriptor, Segment
from pagefault_lab.machine.tlb import TlbEntry
from pagefault_lab.problem import Problem

# A page of its own, in a directory entry of its own, so that every bit of both entries may be wrong.
CELL, FRAME, TABLE_OF_CELL = 0x400000, 0x14000, 0x9000
PDE_OF_CELL, PTE_OF_CELL = 0x1004, TABLE_OF_CELL
ENTRIES = {"PDE": PDE_OF_CELL, "PTE": PTE_OF_CELL}
BITS = {"P": PRESENT, "R/W": WRITABLE, "U/S": USER}
CODE = {Kind.READ: b"\x8b\x03", Kind.WRITE: b"\x89\x03", Kind.FETCH: b""}  # movl (%ebx),%eax; movl %eax,(%ebx)


class Rights(NamedTuple):
    """One row of the table: what the entries say, who makes which access, and CR0.WP."""

    pde: int
    pte: int
    cpl: int
    wp: bool
    kind: Kind


ALL_RIGHTS = [Rights(*row) for row in product(range(8), range(8), range(4), (False, True), Kind)]


def machine_of(row: Rights) -> Machine:
    """A machine whose next step makes this access."""
    machine = two_rings(CODE[row.kind], 3 if row.cpl == 3 else 0, row.wp, ebx=CELL)
    machine.memory.write(PDE_OF_CELL, 4, TABLE_OF_CELL | row.pde)
    machine.memory.write(PTE_OF_CELL, 4, FRAME | row.pte)
    machine.memory.write_bytes(FRAME, b"\x90")
    cpu = machine.cpu
    if row.cpl in (1, 2):
        for number, selector in ((CS, KERNEL_CODE), (SS, KERNEL_DATA)):
            cpu.set_segment(number, Segment.of(selector | row.cpl, Descriptor(FLAT[selector] | row.cpl << 45)))
    if row.kind is Kind.FETCH:
        cpu.eip = CELL
    return machine


def refusal(machine: Machine) -> tuple[str, str] | None:
    """The level and the bit that `why` names for the next step, which is made; None if it does not fault."""
    found = explain(tell(machine.step()))
    if found is None:
        return None
    assert isinstance(found.translation, PageWalk)
    assert found.translation.verdict is not None
    return found.translation.verdict.level, found.translation.verdict.bit


def test_for_every_right_the_bit_that_why_names_is_the_one_whose_change_flips_the_outcome() -> None:
    refused = 0
    for row in ALL_RIGHTS:
        entries = {"PDE": row.pde, "PTE": row.pte}
        changed = []
        while (named := refusal(machine_of(with_entries(row, entries)))) is not None:
            level, bit = named
            assert not entries[level] & BITS[bit], row
            entries[level] |= BITS[bit]
            changed.append(named)
        for level, bit in changed:  # with all else repaired, each of them alone decides
            once_more = entries | {level: entries[level] & ~BITS[bit]}
            assert refusal(machine_of(with_entries(row, once_more))) == (level, bit), row
        refused += bool(changed)
    assert refused > len(ALL_RIGHTS) / 2


def with_entries(row: Rights, entries: dict[str, int]) -> Rights:
    return row._replace(pde=entries["PDE"], pte=entries["PTE"])


def test_where_why_names_wp_changing_wp_flips_the_outcome() -> None:
    told = 0
    for row in ALL_RIGHTS:
        if row.cpl < 3 and row.wp and (named := refusal(machine_of(row))) is not None and named[1] == "R/W":
            assert refusal(machine_of(row._replace(wp=False))) is None
            told += 1
    assert told


@pytest.mark.parametrize("wp", [False, True])
@pytest.mark.parametrize("cpl", [0, 3])
@pytest.mark.parametrize("kind", Kind)
def test_what_the_tlb_refuses_is_named_by_the_bit_of_its_entry_that_flips_the_outcome(
    kind: Kind, cpl: int, wp: bool
) -> None:
    def outcome(user: bool, writable: bool) -> TlbHit | None:
        machine = machine_of(Rights(7, 7, cpl, wp, kind))
        machine.cpu.tlb.entries[CELL >> 12] = TlbEntry(FRAME >> 12, user, writable, True, False)
        found = explain(tell(machine.step()))
        assert found is None or isinstance(found.translation, TlbHit)
        return found.translation if found is not None else None  # type: ignore[return-value]

    for user, writable in product((False, True), repeat=2):
        hit = outcome(user, writable)
        if hit is not None and hit.user and not user:
            again = outcome(True, writable)
            assert again is None or (again.kind is Kind.WRITE and not writable)
        elif hit is not None:
            assert outcome(user, True) is None


def test_why_of_an_address_says_what_the_same_access_then_does() -> None:
    for row in ALL_RIGHTS:
        machine = machine_of(row)
        asked = attempt(on_bench(machine), CELL, row.kind, row.cpl == 3)
        before = machine.cpu.save()
        told = machine.step().deliveries
        assert isinstance(asked.judged, PageWalk)
        end = asked.judged.end
        assert (end if isinstance(end, Fault) else None) == (told[0].fault if told else None)
        assert machine.cpu.save() != before


def test_trying_an_access_changes_nothing() -> None:
    machine = machine_of(Rights(7, 7, 3, True, Kind.WRITE))
    before = machine.cpu.save(), machine.memory.read(PTE_OF_CELL, 4)
    attempt(on_bench(machine), CELL, Kind.WRITE, True)
    assert (machine.cpu.save(), machine.memory.read(PTE_OF_CELL, 4)) == before


# --- the operand


OPERANDS = [
    ("8b03", {"ebx": CELL}, (Term("ebx", CELL),)),  # (%ebx)
    ("8b4310", {"ebx": CELL}, (Term("ebx", CELL), Term("", 0x10))),  # 0x10(%ebx)
    ("8b43fc", {"ebx": CELL + 8}, (Term("ebx", CELL + 8), Term("", -4))),  # -4(%ebx)
    ("8b04b3", {"ebx": CELL, "esi": 3}, (Term("ebx", CELL), Term("esi", 3, 4))),  # (%ebx,%esi,4)
    ("8b04b500004000", {"esi": 3}, (Term("esi", 3, 4), Term("", CELL))),  # 0x400000(,%esi,4)
    ("a100004000", {}, ()),  # 0x400000
    ("a5", {"esi": CELL, "edi": 0x13000}, (Term("esi", CELL),)),  # movsl
    ("ab", {"edi": CELL}, (Term("edi", CELL),)),  # stosl
    ("50", {"esp": CELL + 8}, (Term("esp", CELL + 8), Term("", -4))),  # pushl %eax
    ("58", {"esp": CELL}, (Term("esp", CELL),)),  # popl %eax
    ("ff2b", {"ebx": CELL}, (Term("ebx", CELL),)),  # ljmp *(%ebx)
]


@pytest.mark.parametrize(("code", "registers", "terms"), OPERANDS)
def test_an_operand_is_told_with_the_registers_that_formed_it(
    code: str, registers: dict[str, int], terms: tuple[Term, ...]
) -> None:
    machine = two_rings(bytes.fromhex(code), **registers)
    before = machine.copy()
    found = explain(tell(machine.step()), before)
    assert found is not None
    assert found.segment is not None
    assert found.formed == terms
    if terms:
        assert sum(value * scale for _, value, scale in terms) & 0xFFFFFFFF == found.segment.offset


# --- the history


def why(session: Session, line: str = "why") -> Explanation:
    found = only(Explanation, do(session, line))
    assert isinstance(found, Explanation)
    return found


FIRST, SECOND = "movl %eax,user_heap", "movl user_bss,%eax"


def test_why_fault_explains_each_fault_of_the_history_as_it_was_explained_when_it_happened(linux: Session) -> None:
    explained = []
    for line in (FIRST, SECOND):
        do(linux, line)
        explained.append(why(linux))
        do(linux, "c")
    for number, then in enumerate(explained, 1):
        again = why(linux, f"why fault {number}")
        assert again.when is not None
        assert again.when[:2] == (number, 2)
        assert again._replace(when=None, story=then.story) == then._replace(when=None)
        assert again.story.step == then.story.step


def test_why_says_how_many_steps_ago_and_going_back_so_many_makes_it_the_next_one(linux: Session) -> None:
    do(linux, FIRST, "si 5")
    found = why(linux)
    assert found.when is not None
    assert found.when.steps_ago == 6
    do(linux, f"reverse-stepi {found.when.steps_ago}")
    (told,) = (each for each in do(linux, "si") if isinstance(each, Story))
    assert told.step == found.story.step


def test_in_the_past_only_the_faults_before_it_are_counted(linux: Session) -> None:
    do(linux, FIRST, "c", SECOND, "back")
    assert why(linux).when == (1, 1, value(linux, "steps"))
    with pytest.raises(Problem, match="there has been no fault 2") as raised:
        do(linux, "why fault 2")
    assert "why fault 1" in str(raised.value.hint)


def test_without_a_fault_there_is_nothing_to_explain(linux: Session) -> None:
    for line in ("why", "why fault", "why fault 1"):
        with pytest.raises(Problem, match="there has been no fault"):
            do(linux, line)


# --- who wrote it


def test_the_entry_that_refused_names_the_line_by_which_the_host_wrote_it(linux: Session) -> None:
    do(linux, "protect user_data r", "flush", "nop", "movl %eax,user_data")
    found = why(linux)
    assert found.written is not None
    assert (found.written.what, found.written.origin.line) == ("PTE", "protect user_data r")


def test_the_entry_that_refused_names_the_instruction_that_wrote_it_and_the_step_leads_there(linux: Session) -> None:
    do(linux, "kernel", "movl user_data,%eax")
    entry = only(AskedWalk, do(linux, "walk user_data")).walk.lookups[-1].address
    do(linux, f"andl $~2,{entry + 0xC0000000:#x}", "invlpg user_data", "nop", "movl %eax,user_data")
    found = why(linux)
    assert found.written is not None
    assert (found.written.what, found.written.address) == ("PTE", entry)
    assert found.written.origin.text.startswith("andl")
    do(linux, f"goto {found.written.origin.step}")
    assert value(linux, "pte(user_data).writable") == 1
    do(linux, "si")
    assert value(linux, "pte(user_data).writable") == 0


def test_an_entry_that_nobody_wrote_since_the_history_begins_has_no_author(linux: Session) -> None:
    do(linux, "movl %eax,user_hole")
    assert why(linux).written is None


@pytest.mark.parametrize(
    ("line", "what"),
    [("set idt(14).selector = 0x60", "gate 14"), ("poke init_tss+4 0xd0001000", "ESP0"),
     ("poke init_tss+8 0x10", "SS0"), ("poke gdt_table+0x10 0xffff 0x00cf1a00", "code descriptor")],
)  # fmt: skip
def test_what_stopped_a_delivery_names_who_wrote_it(linux: Session, line: str, what: str) -> None:
    do(linux, line, FIRST)
    first = why(linux).blamed[0]
    assert (first.delivery, first.written.what, first.written.origin.line) == (0, what, line)


def test_for_the_idts_page_the_entry_that_refused_is_to_blame(linux: Session) -> None:
    do(linux, "unmap idtr.base", "flush", FIRST)
    first = why(linux).blamed[0]
    assert (first.written.what, first.written.origin.line) == ("PTE", "unmap idtr.base")


# --- the TLB and the tables


STALE = ["movl user_data,%eax", "unmap user_data"]


def test_a_stale_entry_names_who_changed_the_tables_in_walk_in_why_and_in_the_step(linux: Session) -> None:
    do(linux, *STALE)
    walked = only(AskedWalk, do(linux, "walk user_data"))
    asked = only(AskedAccess, do(linux, "why user_data"))
    told = only(Story, do(linux, "movl user_data,%eax"))
    for changed in (walked.changed, asked.asked.changed, *told.changed.values()):
        assert (changed.what, changed.origin.line) == ("PTE", "unmap user_data")
    assert told.changed
    assert isinstance(asked.judged, TlbHit)
    assert asked.judged.fault is None


def test_a_stale_entry_that_refuses_names_who_changed_the_tables_too(linux: Session) -> None:
    do(linux, "protect user_data r", "flush", "movl user_data,%eax", "protect user_data rw")
    told = only(Story, do(linux, "movl %eax,user_data"))
    assert [each.origin.line for each in told.changed.values()] == ["protect user_data rw"]
    found = why(linux)
    assert found.written is not None
    assert found.written.origin.line == "protect user_data rw"


def test_where_walk_and_tlb_agree_nobody_is_named(linux: Session) -> None:
    told = only(Story, do(linux, "movl user_data,%eax"))
    assert not told.changed
    assert only(AskedWalk, do(linux, "walk user_data")).changed is None


# --- the line that was typed


def test_why_of_an_address_asks_for_the_present_privilege_unless_told_otherwise(linux: Session) -> None:
    for line, user, kind in (
        ("why user_data", True, Kind.READ), ("why user_data write", True, Kind.WRITE),
        ("why user_data supervisor", False, Kind.READ), ("why user_data, fetch user", True, Kind.FETCH),
    ):  # fmt: skip
        found = only(AskedAccess, do(linux, line))
        assert (found.user, found.kind) == (user, kind), line
    do(linux, "kernel")
    assert not only(AskedAccess, do(linux, "why user_data")).user


def test_a_name_that_begins_like_fault_is_an_address(linux: Session) -> None:
    do(linux, "f = user_data")
    assert only(AskedAccess, do(linux, "why f + 0")).asked.linear == value(linux, "user_data")


def test_a_double_fault_has_a_number_of_its_own_in_the_timeline_and_for_why_fault(linux: Session) -> None:
    do(linux, "set tss.esp0 = 0x70000000", "movl %eax,0")
    rows = only(Timeline, do(linux, "timeline faults")).rows
    assert [row.fault for row in rows] == [1, 2, None]  # the page fault, the double fault, the shutdown
    for number in (1, 2):
        found = why(linux, f"why fault {number}")
        assert found.when == When(number, 2, 1)
        assert found.fault.vector == 14  # the step began with it
    assert why(linux).when == When(2, 2, 1)


def test_why_names_the_gate_that_was_overwritten_among_what_would_have_saved_a_double_fault(linux: Session) -> None:
    line = "set idt(14).present = 0"
    (lost,) = only(Rescue, do(linux, line, "movl %eax,0", "why")).lost
    taken_back = [each.repair for each in lost.savings if isinstance(each.repair, TableRestored)]
    assert [(each.what, each.line) for each in taken_back] == [("gate 14", line)]
