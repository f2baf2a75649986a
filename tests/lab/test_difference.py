"""diff: all that differs between two points of time is named, nothing else is, and the points are those meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benches import do, everything, only, value
from builders import TSS, on_bench, two_rings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_going_back import BARE_LINES, LINUX_LINES

from pagefault_lab.lab import peeking
from pagefault_lab.lab.difference import Difference, compare
from pagefault_lab.lab.expressions import parse
from pagefault_lab.lab.moments import Moment, at_step, present
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import EAX
from pagefault_lab.machine.segmentation import SystemSegment
from pagefault_lab.machine.step import changes, visible
from pagefault_lab.machine.tss import FIELDS
from pagefault_lab.problem import Problem

EDITS = [
    "map user_hole", "map 0x40000000", "unmap user_data", "protect user_data r", "flush", "poke user_data 1 2 3",
    "set idt(14).offset = page_fault + 1", "set gdt(6) = 5", "set tss.esp1 = 7", "set phys[0x1f00000] = 5",
    "set idtr.base = idt_table", "set phys[cr3 + 4] = 7", "set ds = 0x2b", "set tss.ss2 = 9", "poke log_buf 7 8",
    "set u32[$esp - 8] = 3", "set idtr.limit = 0xff", "poke jiffies 5",
]  # fmt: skip


def diff(session: Session, words: str = "") -> Difference:
    found = only(Difference, do(session, f"diff {words}"))
    assert isinstance(found, Difference)
    return found


def named_words(found: Difference, before: Machine, after: Machine) -> set[int]:
    """The physical address of every word that a difference names in any way."""
    named: set[int] = set()
    for changed in (*found.memory, *found.log, *found.typed, *found.left_over):
        named |= set(range(changed.physical & ~3, changed.physical + changed.size, 4))
    named |= {entry.address for entry in found.entries}
    for number in found.free:
        named |= set(range(number << 12, (number + 1) << 12, 4))
    for change in (*found.descriptors, *found.gates):
        for machine, entry in ((before, change.before), (after, change.after)):
            if entry is not None:
                named |= set(words_at(machine, entry.address, 8))
    for field in found.fields:
        for machine in (before, after):
            named |= set(words_at(machine, machine.cpu.tr.base + FIELDS[field.name], 4))
    return named


def words_at(machine: Machine, linear: int, size: int) -> Iterator[int]:
    for address in range(linear, linear + size):
        place = peeking.locate(machine, address)
        if isinstance(place, int):
            yield place & ~3


def differing_words(before: Machine, after: Machine) -> set[int]:
    """By brute force: every word of the two memories."""
    return {
        number << 12 | index << 2
        for number in range(before.memory.size >> 12)
        if (frames := (before.memory.frame(number), after.memory.frame(number)))[0] != frames[1]
        for index, (old, new) in enumerate(zip(*frames, strict=True))
        if old != new
    }


def check(session: Session, first: tuple[Moment, Machine], second: tuple[Moment, Machine]) -> None:
    (_, before), (_, after) = first, second
    found = compare(session, first, second)
    differing, named = differing_words(before, after), named_words(found, before, after)
    assert differing <= named
    ranges = (*found.memory, *found.log, *found.typed, *found.left_over)
    for changed in ranges:
        old, new = (machine.memory.read_bytes(changed.physical, changed.size) for machine in (before, after))
        differ = sum(was != now for was, now in zip(old, new, strict=True))
        assert differ <= changed.differing <= min(4 * differ, changed.size)
        if changed.size > 4:
            assert (changed.before, changed.after) == (None, None)
            assert old[:4] != new[:4]
            assert old[-4:] != new[-4:]
        else:
            assert (changed.before, changed.after) == (int.from_bytes(old, "little"), int.from_bytes(new, "little"))
    assert len(ranges) == len({changed.physical for changed in ranges})
    shown = {(register.name, register.before, register.value) for register in found.registers}
    assert {tuple(change) for change in changes(visible(before.cpu), visible(after.cpu))} <= shown
    if visible(before.cpu) == visible(after.cpu) and not differing and before.cpu.segments == after.cpu.segments:
        assert not found.matters or before.cpu.save() != after.cpu.save()
    same = before.cpu.tlb.entries == after.cpu.tlb.entries
    assert any(found.tlb) != same


def run(session: Session, lines: list[str]) -> None:
    for line in lines:
        try:
            do(session, line)
        except Problem:
            continue


def points(session: Session, data: st.DataObject) -> tuple[tuple[Moment, Machine], tuple[Moment, Machine]]:
    """Two points of the past: marks as they are taken before lines and after edits, or steps in between."""
    history = session.history

    def draw() -> tuple[Moment, Machine]:
        if data.draw(st.booleans()):
            machine = history.machine_of(data.draw(st.integers(0, len(history.marks) - 1)))
            return Moment(machine.steps), machine
        return at_step(session, parse(str(data.draw(st.integers(0, session.machine.steps)))))

    return draw(), draw()


@pytest.mark.usefixtures("without_marks_in_runs")
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINUX_LINES + EDITS), max_size=8), st.data())
def test_every_word_that_differs_is_named_in_linux(lines: list[str], data: st.DataObject) -> None:
    session = Session("linux", budget=20_000)
    run(session, lines)
    check(session, *points(session, data))


@pytest.mark.usefixtures("without_marks_in_runs")
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(BARE_LINES), max_size=8), st.data())
def test_every_word_that_differs_is_named_in_bare(lines: list[str], data: st.DataObject) -> None:
    session = Session("bare", budget=1000)
    run(session, lines)
    check(session, *points(session, data))


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINUX_LINES + EDITS), max_size=6), st.data())
def test_a_point_does_not_differ_from_itself_and_looking_changes_nothing(lines: list[str], data: st.DataObject) -> None:
    session = Session("linux", budget=20_000)
    run(session, lines)
    step = data.draw(st.integers(0, session.machine.steps))
    before = everything(session)
    found = diff(session, f"{step} {step}")
    assert not found.anything
    assert not found.matters
    assert everything(session) == before


@pytest.mark.parametrize("line", EDITS)
def test_what_is_undone_does_not_differ_any_more(linux: Session, line: str) -> None:
    do(linux, "set $before = steps", line)
    if line not in ("set ds = 0x2b",):
        assert diff(linux).anything
    do(linux, "back", "set $any = 1")
    assert not diff(linux, "$before").anything


# --- points of time


def test_without_a_step_it_is_what_the_last_line_did(linux: Session) -> None:
    do(linux, "movl $7,%eax", "set $ebx = 9")
    found = diff(linux)
    assert [(register.name, register.value) for register in found.registers] == [("ebx", 9)]
    assert (found.before.line, found.after.now) == ("set $ebx = 9", True)
    assert (found.before.steps, found.after.steps) == (1, 1)


def test_a_variable_means_the_moment_at_which_it_was_set(bare: Session) -> None:
    do(bare, "nop", "poke 0x9000 1", "set $before = steps", "poke 0x9004 2", "nop", "poke 0x9008 3")
    do(bare, "set $after = steps", "poke 0x900c 4")

    def places(words: str) -> list[tuple[int, int]]:
        return [(changed.physical, changed.size) for changed in diff(bare, words).memory]

    assert places("$before") == [(0x9004, 12)]
    assert places("$before $after") == [(0x9004, 8)]
    assert places("$before 2") == [(0x9004, 4)]
    assert places("1 $before") == [(0x9000, 4)]
    assert places("1") == [(0x9000, 16)]
    assert places("$after") == [(0x900C, 4)]


def test_negative_numbers_count_back_from_now(bare: Session) -> None:
    do(bare, "movl $1,%eax", "movl $2,%ebx", "movl $3,%ecx")
    assert [register.name for register in diff(bare, "-2").registers] == ["ecx", "ebx", "eip"]
    assert [register.name for register in diff(bare, "-3 -1").registers] == ["eax", "ebx", "eip"]
    assert diff(bare, "steps - 2") == diff(bare, "1")


def test_a_step_in_the_midst_of_a_run_is_met_exactly(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)", "set $fault = steps", "c")
    twin = Session("linux")
    do(twin, "movl $user_bss,%ebx", "movl %eax,(%ebx)", "si 100")
    _, machine = at_step(linux, parse("$fault + 100"))
    assert machine.cpu.save() == twin.machine.cpu.save()
    assert differing_words(machine, twin.machine) <= {
        word for line in twin.code.program for word in words_at(machine, line.address, 1)
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("", "no line has changed anything"), ("1", "step 1 has not been made"), ("-1", "step -1"), ("$x", "no value")],
)
def test_a_point_that_is_not_known_is_a_problem(bare: Session, words: str, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        do(bare, f"diff {words}")


# --- what it is for


def test_the_page_fault_handler_restores_everything_but_what_it_is_for(linux: Session) -> None:
    do(linux, "movl $user_heap,%ebx", "set $before = steps", "movl %eax,(%ebx)", "finish")
    assert linux.ring == 3
    found = diff(linux, "$before")  # EIP was not yet at the line, and RF is set for its restart
    assert {register.name for register in found.registers} <= {"cr2", "eip", "eflags"}
    (entry,) = (entry for entry in found.entries if not entry.before)
    assert (entry.linear, entry.level) == (value(linux, "user_heap"), "PTE")
    names = {changed.symbol.partition("+")[0] for changed in found.memory}
    assert "mem_map" in names
    assert not names & {"init_tss", "gdt_table", "idt_table"}
    assert not any((found.hidden, found.descriptors, found.gates, found.fields, found.log))
    assert found.left_over


def test_what_only_printed_differs_in_the_log_alone(linux: Session) -> None:
    do(linux, "set $before = steps", "movl $user_hole,%ebx", "movl %eax,(%ebx)")
    assert only(Ran, do(linux, "c")).stopped is Stopped.WORLD
    found = diff(linux, "$before")
    log = linux.world.log
    assert log is not None
    assert found.printed == value(linux, f"u32[{log.counter}]") - len_of_log_before(linux)
    assert found.log
    assert not any(changed.symbol.startswith(("log_buf", "log_end")) for changed in found.memory)


def len_of_log_before(session: Session) -> int:
    twin = Session("linux")
    assert twin.world.log is not None
    return value(twin, f"u32[{twin.world.log.counter}]")


def test_contents_of_free_pages_are_no_difference_that_matters(linux: Session) -> None:
    owned = linux.world.page_map
    assert owned is not None
    free = [number for number in range(owned.frames) if not value(linux, f"u8[{owned.start + number}]")][-3:]
    do(linux, "set $before = steps", *(f"set phys[{number << 12 | 8}] = 5" for number in free))
    found = diff(linux, "$before")
    assert found.free == tuple(free)
    assert found.anything
    assert not found.matters
    do(linux, f"map user_hole {free[1] << 12}", f"set u8[{owned.start + free[1]}] = 1")
    found = diff(linux, "$before")
    assert found.free == (free[0], free[2])
    assert [changed.linear for changed in found.memory if changed.physical == free[1] << 12 | 8] == [
        value(linux, "user_hole") + 8
    ]
    do(linux, "set $used = steps", f"set u8[{owned.start + free[1]}] = 0", f"set phys[{free[1] << 12 | 8}] = 6")
    assert diff(linux, "$used").free == ()


def test_gates_are_compared_by_vector_wherever_the_idt_lies(linux: Session) -> None:
    """The lecture's way: a copy of the IDT elsewhere, one gate in it changed, IDTR changed; and everything put back."""
    do(linux, "kernel", "set $before = steps", "map 0xd0000000", "set $old = idtr.base")
    table = [value(linux, f"u32[idt_table + {4 * place}]") for place in range(512)]
    for start in range(0, 512, 64):
        do(linux, f"poke 0xd0000000 + {4 * start}, {', '.join(map(str, table[start : start + 64]))}")
    do(linux, "set idtr.base = 0xd0000000")
    found = diff(linux, "$before")
    assert not found.gates
    assert [register.name for register in found.registers] == ["idtr.base"]
    page = value(linux, "pte(0xd0000000).frame")
    assert sum(changed.differing for changed in found.memory if changed.physical >> 12 == page) > 1000
    do(linux, "set idt(14).offset = kernel_prompt")
    ((before, after),) = diff(linux, "$before").gates
    assert before is not None
    assert after is not None
    assert (before.symbol, after.symbol, after.vector) == ("page_fault", "kernel_prompt", 14)
    do(linux, "set idtr.base = $old")
    assert not diff(linux, "$before").gates


# --- how it is named


def test_a_structure_that_stays_in_place_is_named_and_not_told_as_memory(linux: Session) -> None:
    do(linux, "set $before = steps", "set gdt(6) = 5", "set tss.esp1 = 7", "set idt(33).dpl = 3", "unmap user_data")
    found = diff(linux, "$before")
    assert [change.after and change.after.number for change in found.descriptors] == [6]
    assert [(field.name, field.before, field.after) for field in found.fields] == [("esp1", 0, 7)]
    assert [change.after and change.after.vector for change in found.gates] == [33]
    assert [entry.linear for entry in found.entries] == [value(linux, "user_data")]
    assert found.memory == ()


def test_a_tss_elsewhere_is_compared_field_by_field_and_its_memory_is_memory() -> None:
    machine = two_rings()
    session = on_bench(machine)
    before = Moment(0), session.history.machine_of(0)
    machine.cpu.tr = SystemSegment(TSS, 0x50000, 0x67, 11, True)
    machine.memory.write(0x50004, 4, 0x7777)
    found = compare(session, before, present(session))
    assert [(field.name, field.after) for field in found.fields] == [("esp0", 0x7777), ("ss0", 0)]
    assert [(changed.physical, changed.after) for changed in found.memory] == [(0x50004, 0x7777)]


def test_an_absent_page_s_entry_is_an_entry_still(linux: Session) -> None:
    do(linux, "unmap user_data", "set pte(user_data).available = 3")
    found = diff(linux)
    assert [(entry.linear, (entry.before or 0) ^ (entry.after or 0)) for entry in found.entries] == [
        (value(linux, "user_data"), 3 << 9)
    ]
    assert found.memory == ()


def test_memory_is_named_by_the_address_that_is_nearest_to_a_symbol(linux: Session) -> None:
    do(linux, "set $before = steps", "poke user_data + 8, 5", "poke jiffies 77")
    changed = {each.symbol: each for each in diff(linux, "$before").memory}
    jiffies = changed["jiffies"]
    assert (jiffies.size, jiffies.after, jiffies.linear) == (4, 77, value(linux, "jiffies"))
    assert value(linux, "user_data") + 8 in {each.linear for each in changed.values()}


def test_ranges_end_at_symbols_and_at_gaps(bare: Session) -> None:
    do(bare, "constant = 0x30000", "asm", "nop; one: .long 0, 0; .byte 1", "two: .long 3, 4", "end", "set $n = steps")
    do(bare, "poke one + 3, -1, 0x01020304", "poke/b two 9", "poke 0x30000 -1", "poke 0x30040 -1", "poke 0x30084 -1")
    assert [(each.symbol, each.physical, each.size, each.differing) for each in diff(bare, "$n").memory] == [
        ("one", 0x1001, 9, 9), ("two", 0x100A, 4, 4), ("", 0x30000, 0x44, 8), ("", 0x30084, 4, 4),
    ]  # fmt: skip


def test_lines_that_were_typed_are_told_apart_unless_they_were_changed_since(bare: Session) -> None:
    do(bare, "set $before = steps", "nop", "spot: .long 0x11111111", "nop")
    found = diff(bare, "$before")
    assert found.typed
    assert found.memory == ()
    do(bare, "incl spot")
    (changed,) = diff(bare).memory
    assert (changed.symbol, changed.before, changed.after) == ("spot", 0x11111111, 0x11111112)
    assert [each.symbol for each in diff(bare, "$before").memory] == ["spot"]


def test_what_lies_below_the_stack_pointer_is_left_over(bare: Session) -> None:
    do(bare, "set $before = steps", "movl $7,%eax", "pushl %eax", "pushl %eax", "popl %ebx")
    found = diff(bare, "$before")
    assert [(each.physical, each.after) for each in found.memory] == [(0x7FFFC, 7)]
    assert [(each.physical, each.size) for each in found.left_over] == [(0x7FFF8, 4)]
    do(bare, "popl %ebx")
    found = diff(bare, "$before")
    assert found.memory == ()
    assert [(each.physical, each.size) for each in found.left_over] == [(0x7FFF8, 8)]
    do(bare, "poke $esp - 4096, 1", "poke $esp - 4100, 1")
    assert [each.physical for each in diff(bare, "$before").memory] == [0x7F000 - 4]
    do(bare, "pushl %eax", "set $pushed = steps", "popl %ebx", "poke $esp - 4, 9")
    assert [each.physical for each in diff(bare, "$pushed").memory] == [0x7FFFC]  # it was on the stack then


def test_hidden_parts_are_told_where_the_selector_is_the_same(linux: Session) -> None:
    do(linux, "set gdt(5).limit = 0xffff", "set $before = steps", "set es = 0x2b")
    ((before, after),) = diff(linux, "$before").hidden
    assert (before.name, before.limit, after.limit) == ("es", 0xFFFFFFFF, 0xFFFF)
    assert diff(linux, "$before").registers == ()
    do(linux, "set es = 0x23")
    found = diff(linux, "$before")
    assert [register.name for register in found.registers] == ["es"]
    assert found.hidden == ()


def test_an_entry_of_a_table_that_is_new_has_nothing_before() -> None:
    session = on_bench(two_rings())
    do(session, "map 0x800000", "map 0x801000")
    before = Moment(0), session.history.machine_of(0)
    found = compare(session, before, present(session))
    assert [(entry.level, entry.linear, entry.before) for entry in found.entries] == [
        ("PDE", 0x800000, 0), ("PTE", 0x800000, None), ("PTE", 0x801000, None),
    ]  # fmt: skip
    assert found.memory == ()


def test_the_tlb_is_counted(linux: Session) -> None:
    do(linux, "movl $user_data,%ebx", "set $before = steps", "movl (%ebx),%eax")
    assert diff(linux, "$before").tlb == (int(diff(linux, "$before").tlb.added > 0), 0, 0)
    entries = linux.machine.cpu.tlb.entries
    do(linux, "set $before = steps", "flush user_data")
    assert diff(linux, "$before").tlb == (0, 1, 0)
    do(linux, "protect user_data r", "movl (%ebx),%eax")
    assert diff(linux, "$before").tlb == (0, 0, 1)
    assert entries


def test_states_beside_registers_and_devices_are_told(bare: Session) -> None:
    do(bare, "set $before = steps", "movb $65,%al", "outb %al,$0xe9", "hlt", "irq 1")
    found = diff(bare, "$before")
    assert found.devices == ("debug",)
    states = {(register.name, register.before, register.value) for register in found.registers}
    assert {("halted", 0, 1), ("interrupts waiting", 0, 1)} <= states
    do(bare, "set $before = steps")
    before = bare.machine.cpu.registers[EAX]
    assert not diff(bare, "$before").matters
    assert bare.machine.cpu.registers[EAX] == before
