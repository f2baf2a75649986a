"""map, unmap, protect, flush, poke, set: what the host writes, what it leaves stale, and what the machine then does."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from benches import do, everything, only, steps, value
from builders import TABLE, map_page, on_bench, two_rings

from pagefault_lab.lab.page_tables import EntryEdit, Flushed, PageTablesEdited
from pagefault_lab.lab.poking import Poked
from pagefault_lab.lab.results import Message, Ran
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.stale_translations import Misled, StaleTranslation, StaleTranslations
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.registers import PSE, WP
from pagefault_lab.machine.step import Interrupted
from pagefault_lab.problem import Problem

CELL = 0x14000
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, LARGE = 1, 2, 4, 0x20, 0x40, 0x80
ACCESSES = [(user, kind) for user in (True, False) for kind in (Kind.READ, Kind.WRITE)]
RIGHTS = {"rs": 0, "rws": WRITABLE, "ru": USER, "rwu": WRITABLE | USER}


def outcome(machine: Machine, user: bool, kind: Kind) -> int | None:
    """Where an access to the cell ends, None if it faults; afterwards all is as before."""
    saved, entries = machine.cpu.save(), machine.memory.read(TABLE + 4 * (CELL >> 12), 4)
    try:
        return machine.cpu.translate(CELL, kind, user)
    except FaultRaised:
        return None
    finally:
        machine.cpu.restore(saved)
        machine.memory.write(TABLE + 4 * (CELL >> 12), 4, entries)


def by_the_tables(machine: Machine, user: bool, kind: Kind) -> int | None:
    """Where it would end without a TLB."""
    end = walk_now(machine, CELL, kind, user).end
    return end.physical if isinstance(end, Mapped) else None


def with_entry(bits: int, filled: Kind | None, wp: bool) -> Session:
    """A bench on which the cell has these bits, and the TLB an entry for it from an access of that kind."""
    machine = two_rings(wp=False)
    map_page(machine, CELL, PRESENT | bits)
    if filled is not None:
        machine.cpu.translate(CELL, filled, False)
    machine.cpu.cr0 |= WP if wp else 0
    return on_bench(machine)


def check_what_is_said(session: Session, told: list[Any]) -> None:
    """A stale entry misleads exactly as said, and after a flush nothing does."""
    machine = session.machine
    machine_does = {access: outcome(machine, *access) for access in ACCESSES}
    tables_say = {access: by_the_tables(machine, *access) for access in ACCESSES}
    stale = [page for each in told if isinstance(each, StaleTranslations) for page in each.pages]
    misled = {(user, kind): allowed for page in stale for user, kind, allowed in page.misled}
    assert misled == {
        access: place is not None
        for access, place in machine_does.items()
        if (place is None) != (tables_say[access] is None)
    }
    if machine_does != tables_say:
        assert [page.linear for page in stale] == [CELL]
    gone = only(Flushed, do(session, f"flush {CELL}"))
    assert [bool(line.stale) for line in gone.dropped if line.linear == CELL] in ([], [bool(stale)])
    assert {access: outcome(machine, *access) for access in ACCESSES} == tables_say


@pytest.mark.parametrize("wp", [False, True])
@pytest.mark.parametrize("filled", [None, Kind.READ, Kind.WRITE])
def test_a_stale_entry_misleads_exactly_as_said_and_flush_repairs(filled: Kind | None, wp: bool) -> None:
    """Every right before x what the TLB holds x every right set by protect x every access x WP."""
    for before, letters in product(RIGHTS.values(), RIGHTS):
        session = with_entry(before, filled, wp)
        told = do(session, f"protect {CELL} {letters}")
        edit = only(PageTablesEdited, told).edits[0]
        assert edit.after & (WRITABLE | USER) == RIGHTS[letters]
        assert edit.before & ~(WRITABLE | USER) == edit.after & ~(WRITABLE | USER)
        check_what_is_said(session, told)


@pytest.mark.parametrize("filled", [None, Kind.READ, Kind.WRITE])
@pytest.mark.parametrize("line", [
    f"unmap {CELL}", f"map {CELL} 0x50000 rwu", f"map {CELL} 0x50000 rs", f"map {CELL} ru",
    f"set pte({CELL}).present = 0", f"set pte({CELL}).writable = 0", f"set pte({CELL}).frame = 0x50",
    f"set phys[{TABLE + 4 * (CELL >> 12)}] = 0",
    f"poke/b {TABLE + 4 * (CELL >> 12)} 5", f"set pde({CELL}).user = 0", f"set pte({CELL}).dirty = 0",
])  # fmt: skip
def test_every_edit_of_an_entry_tells_what_becomes_stale(line: str, filled: Kind | None) -> None:
    session = with_entry(WRITABLE | USER, filled, wp=True)
    check_what_is_said(session, do(session, line))


def test_what_was_stale_before_is_told_again_only_by_an_edit_of_that_page() -> None:
    session = with_entry(WRITABLE | USER, Kind.WRITE, wp=True)
    do(session, f"set pte({CELL}).writable = 0")
    assert not any(isinstance(each, StaleTranslations) for each in do(session, "set $eax = 1"))
    assert not any(isinstance(each, StaleTranslations) for each in do(session, f"protect {CELL + 0x1000} r"))
    assert only(StaleTranslations, do(session, f"protect {CELL} r")).pages[0].linear == CELL
    do(session, "flush")
    assert not any(isinstance(each, StaleTranslations) for each in do(session, f"protect {CELL} rw"))


def test_both_translations_are_told() -> None:
    session = with_entry(WRITABLE | USER, Kind.WRITE, wp=True)
    (page,) = only(StaleTranslations, do(session, f"map {CELL} 0x50000 r")).pages
    assert isinstance(page, StaleTranslation)
    assert (page.entry.frame << 12, page.entry.writable, page.entry.user) == (CELL, True, True)
    assert isinstance(page.tables.end, Mapped)
    assert (page.tables.end.physical, page.tables.end.writable, page.tables.end.user) == (0x50000, False, True)
    assert page.misled == (Misled(True, Kind.WRITE, True), Misled(False, Kind.WRITE, True))


# --- protect


@pytest.mark.parametrize(
    ("letters", "before", "after"),
    [
        ("r", WRITABLE | USER, USER), ("w", USER, WRITABLE | USER), ("rw", 0, WRITABLE),
        ("u", WRITABLE, WRITABLE | USER), ("s", WRITABLE | USER, WRITABLE), ("rs", WRITABLE | USER, 0),
        ("RWU", 0, WRITABLE | USER), ("uw", 0, WRITABLE | USER),
    ],
)  # fmt: skip
def test_letters_that_are_not_given_leave_their_bit(letters: str, before: int, after: int) -> None:
    session = with_entry(before, None, wp=True)
    assert only(PageTablesEdited, do(session, f"protect {CELL + 0x123} {letters}")).edits == (
        EntryEdit(CELL, "PTE", TABLE + 4 * (CELL >> 12), CELL | PRESENT | before, CELL | PRESENT | after),
    )


def test_rights_that_the_directory_denies_are_not_effective() -> None:
    machine = two_rings()
    map_page(machine, CELL, PRESENT, directory_flags=PRESENT | USER)
    edited = only(PageTablesEdited, do(on_bench(machine), f"protect {CELL} rwu"))
    assert isinstance(edited.now.end, Mapped)
    assert (edited.now.end.writable, edited.now.end.user) == (False, True)


# --- unmap


def test_unmap_clears_p_and_nothing_else(linux: Session) -> None:
    entry = value(linux, "pte(user_data)")
    (edit,) = only(PageTablesEdited, do(linux, "unmap user_data + 5")).edits
    assert (edit.before, edit.after) == (entry, entry & ~PRESENT)
    assert value(linux, "pte(user_data)") == entry & ~PRESENT
    do(linux, "set pte(user_data).present = 1")
    assert value(linux, "pte(user_data)") == entry


def test_unmap_takes_a_range_and_leaves_out_what_is_absent(linux: Session) -> None:
    edits = only(PageTablesEdited, do(linux, "unmap user_text +0x4000")).edits  # user_bss is not present yet
    names = ("user_text", "user_rodata", "user_data")
    assert [edit.linear for edit in edits] == [value(linux, name) for name in names]
    assert only(PageTablesEdited, do(linux, "back", "unmap user_text, user_data")).edits == edits[:2]


def test_an_unmapped_page_faults_only_after_the_flush(linux: Session) -> None:
    do(linux, "movl $user_data,%ebx", "movl (%ebx),%eax", "unmap user_data")
    (step,) = steps(do(linux, "movl (%ebx),%eax"))
    assert not isinstance(step.end, Interrupted)
    do(linux, "flush user_data")
    (step,) = steps(do(linux, "movl (%ebx),%eax"))
    assert step.deliveries[0].fault.error == 4


# --- map


def free(session: Session) -> list[int]:
    owned = session.world.page_map
    assert owned is not None
    return [number for number in range(owned.frames) if not value(session, f"u8[{owned.start + number}]")]


def test_map_takes_the_highest_free_frame_and_the_kernel_knows(linux: Session) -> None:
    before = free(linux)
    do(linux, f"set phys[{before[-1] << 12}] = 0x1234")
    edited = only(PageTablesEdited, do(linux, "map user_hole"))
    assert edited.taken == (before[-1],)
    assert free(linux) == before[:-1]
    assert value(linux, "pte(user_hole)") == before[-1] << 12 | PRESENT | WRITABLE | USER
    assert value(linux, "u32[user_hole]") == 0
    do(linux, "movl $user_hole,%ebx")
    (step,) = steps(do(linux, "movl %ebx,(%ebx)"))
    assert not isinstance(step.end, Interrupted)


def test_map_makes_a_page_table_where_none_is(linux: Session) -> None:
    before = free(linux)
    edited = only(PageTablesEdited, do(linux, "map 0x40000123 r"))
    pde, pte = edited.edits
    assert (pde.level, pde.before, pde.after) == ("PDE", 0, before[-1] << 12 | PRESENT | WRITABLE | USER)
    assert (pte.level, pte.address, pte.after) == ("PTE", before[-1] << 12, before[-2] << 12 | PRESENT | USER)
    assert value(linux, "u32[0x40000ffc]") == 0
    assert not any(isinstance(each, StaleTranslations) for each in do(linux, "map 0x40001000"))
    assert len(free(linux)) == len(before) - 3


def test_pages_of_the_kernels_half_are_the_supervisors_unless_told_otherwise(linux: Session) -> None:
    do(linux, "map 0xd0000000", "map 0xd0001000 u")
    assert value(linux, "pde(0xd0000000) & 7") == PRESENT | WRITABLE
    assert value(linux, "pte(0xd0000000) & 7") == PRESENT | WRITABLE
    assert value(linux, "pte(0xd0001000) & 7") == PRESENT | WRITABLE | USER


def test_a_frame_that_was_named_is_not_counted_and_doubts_are_told(linux: Session) -> None:
    before = free(linux)
    (message,) = (each for each in do(linux, f"map user_hole {before[0] << 12}") if isinstance(each, Message))
    assert "free" in message.text
    assert free(linux) == before
    (message,) = (each for each in do(linux, "map user_hole 0xf0000000") if isinstance(each, Message))
    assert "no memory" in message.text
    assert not any(isinstance(each, Message) for each in do(linux, "map user_hole pte(user_data).frame<<12"))
    do(linux, "set u32[user_hole] = 77")
    assert value(linux, "u32[user_data]") == 77


def test_where_nobody_counts_no_frame_is_taken_twice() -> None:
    session = on_bench(two_rings())
    taken = []
    for page in range(5):
        taken += only(PageTablesEdited, do(session, f"map {0x400000 + 4096 * page}")).taken
    assert len(set(taken)) == 6
    assert sorted(taken) == list(range(256 - 6, 256))


def test_without_a_free_frame_nothing_is_changed(linux: Session) -> None:
    owned = linux.world.page_map
    assert owned is not None
    for start in range(0, owned.frames, 512):
        do(linux, f"poke/b {owned.start + start} {' '.join('1' * 512)}")
    do(linux, f"set u8[{owned.start + 5000}] = 0")
    before = everything(linux)
    with pytest.raises(Problem, match="no frame of memory is free"):
        do(linux, "map 0x40000000")  # this takes two
    assert everything(linux) == before
    assert only(PageTablesEdited, do(linux, "map user_hole")).taken == (5000,)


# --- 4 MiB pages, reserved bits, no paging


def large(pde: int) -> Session:
    machine = two_rings()
    machine.cpu.write_cr4(PSE)
    machine.memory.write(0x1000 + 4, 4, pde)
    return on_bench(machine)


def test_a_4_mib_page_is_edited_in_its_pde() -> None:
    session = large(PRESENT | WRITABLE | USER | LARGE)
    session.machine.cpu.translate(0x401000, Kind.WRITE, False)
    session.machine.cpu.translate(0x402000, Kind.READ, False)
    told = do(session, "protect 0x401000 rs")
    assert [edit.level for edit in only(PageTablesEdited, told).edits] == ["PDE"]
    assert [page.linear for page in only(StaleTranslations, told).pages] == [0x401000, 0x402000]
    assert [line.linear for line in only(Flushed, do(session, "flush 0x402fff")).dropped] == [0x401000, 0x402000]
    (edit,) = only(PageTablesEdited, do(session, "unmap 0x400000 +0x400000")).edits
    assert (edit.level, edit.after) == ("PDE", LARGE | ACCESSED | DIRTY)


def test_in_a_4_mib_page_nothing_can_be_mapped() -> None:
    with pytest.raises(Problem, match="lies in a 4 MiB page"):
        do(large(PRESENT | LARGE), "map 0x401000")


def test_reserved_bits_are_told_as_a_walk_tells_them() -> None:
    session = large(PRESENT | LARGE | 0x2000)
    verdict = only(PageTablesEdited, do(session, "protect 0x401000 rw")).now.verdict
    assert verdict is not None
    assert verdict.bit == "21..12"


@pytest.mark.parametrize("line", ["map 0x1000", "unmap 0x1000", "protect 0x1000 r"])
def test_without_paging_there_is_nothing_to_edit(bare: Session, line: str) -> None:
    with pytest.raises(Problem, match="paging is off"):
        do(bare, line)


def test_a_directory_that_lies_beyond_the_memory_is_a_problem() -> None:
    machine = two_rings()
    machine.cpu.cr3 = 0x40000000
    with pytest.raises(Problem, match="the PDE of 0x00001000 would lie at physical 0x40000000"):
        do(on_bench(machine), "map 0x1000")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("protect user_hole r", "P=0 in the PTE"), ("protect 0x40000000 r", "P=0 in the PDE"),
        ("unmap user_hole", "P=0 in the PTE"), ("unmap 0x40000000 +0x2000", "P=0 in the PDE"),
        ("poke user_hole 5", "nothing is mapped"), ("poke 0x40000000 5", "nothing is mapped"),
        ("poke user_data + 4092, 1, 2", "nothing is mapped"), ("poke/b user_data 256", "does not fit into 8 bits"),
        ("poke/h user_data -32769", "does not fit into 16 bits"), ("poke/8x user_data 5", "size behind the /"),
        ("poke user_data", "what shall be put there"), ('poke user_data "abc', "not closed"),
        ("protect user_data x", "no right of a page"), ("protect user_data us", "exclude each other"),
        ("map user_hole 0x123", "not the address of a frame"), ("unmap user_data, user_text", "lies before"),
        ("unmap 0 +0x10000000", "too many"), ("map user_hole 0x1000 rx", "no right of a page"),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_is_told_and_nothing_has_changed(linux: Session, line: str, sentence: str) -> None:
    do(linux, "movl $1,%eax")
    before = everything(linux)
    with pytest.raises(Problem, match=sentence):
        do(linux, line)
    assert everything(linux) == before


# --- flush


def test_flush_drops_global_entries_too(linux: Session) -> None:
    held = dict(linux.machine.cpu.tlb.entries)
    assert {line.linear >> 12: line.entry for line in only(Flushed, do(linux, "flush")).dropped} == held
    assert not linux.machine.cpu.tlb.entries
    assert not only(Flushed, do(linux, "flush user_data")).dropped


# --- poke


@pytest.mark.parametrize(
    ("line", "data"),
    [
        ("poke 0x9000 1 -1", "01000000 ffffffff"), ("poke/b 0x9001 0xff -128 'A'", "ff 80 41"),
        ("poke/h 0x9003 0x1234", "3412"), ("poke/g 0x8ffc 0x0102030405060708", "08070605 04030201"),
        (r'poke/b 0x9000 "a\n\x41\0é" 7', "61 0a 41 00 c3a9 07"), ("poke 0x9000 2 - 1, eax", "01000000 00000000"),
        ("poke 0x9000 u32[0x9010 +4] (1 -1)", "00000000 00000000"),
    ],
)  # fmt: skip
def test_values_are_put_one_behind_the_other(bare: Session, line: str, data: str) -> None:
    do(bare, "set u32[0x9000] = 0x55555555")
    poked = only(Poked, do(bare, line))
    assert b"".join(piece.after for piece in poked.values) == bytes.fromhex(data)
    address = poked.values[0].address
    assert bare.machine.memory.read_bytes(address, len(bytes.fromhex(data))) == bytes.fromhex(data)
    before = b"".join(piece.before for piece in poked.values)
    do(bare, "back")
    assert bare.machine.memory.read_bytes(address, len(before)) == before


def test_neither_rights_nor_the_ring_hold_a_poke_back_and_it_leaves_no_trace_in_the_tables(linux: Session) -> None:
    cpu, entries = linux.machine.cpu.save(), [value(linux, f"pte({name})") for name in ("user_rodata", "page_fault")]
    do(linux, "poke/b user_rodata 1", "poke/b page_fault 0x90", "poke/b idt_alias + 2040 5")
    assert linux.machine.cpu.save() == cpu
    assert [value(linux, f"pte({name})") for name in ("user_rodata", "page_fault")] == entries
    assert value(linux, "u8[idt_table + 2040]") == 5


def test_a_poke_into_code_that_was_translated_is_executed(bare: Session) -> None:
    do(bare, "asm", "movl $1000,%ecx", "spot: incl %eax", "decl %ecx", "jnz spot", "end")
    do(bare, "c")
    assert value(bare, "eax") == 1000
    assert only(Poked, do(bare, "poke/b spot 0x43")).values[0].before == b"\x40"  # incl %ebx
    assert only(Ran, do(bare, "set eip = spot - 5", "c")).steps == 3001
    assert (value(bare, "eax"), value(bare, "ebx")) == (1000, 1000)


def test_a_poke_goes_where_the_tlb_says() -> None:
    session = with_entry(WRITABLE | USER, Kind.READ, wp=True)
    do(session, f"map {CELL} 0x50000", f"poke {CELL} 7")
    assert session.machine.memory.read(CELL, 4) == 7
    do(session, "flush", f"poke {CELL} 8")
    assert session.machine.memory.read(0x50000, 4) == 8


def test_where_there_is_no_memory_nothing_can_be_put() -> None:
    session = with_entry(WRITABLE | USER, None, wp=True)
    do(session, f"map {CELL} 0x40000000")
    before = everything(session)
    for line in (f"poke {CELL} 7", f"set u8[{CELL}] = 7", "set phys[0x40000000] = 7", f"set u16[{CELL - 1}] = 7"):
        with pytest.raises(Problem, match="no memory at physical 0x40000000"):
            do(session, line)
        assert everything(session) == before


# --- undo


@pytest.mark.parametrize("line", [
    "map user_hole", "map 0x40000000 ru", "map user_data 0x200000", "unmap user_text +0x5000", "protect user_data rs",
    "flush", "flush user_data", "poke user_data 1 2 3", "set pte(user_data) = 0", 'poke/b page_fault "xyz"',
])  # fmt: skip
def test_an_edit_is_part_of_the_past_and_back_undoes_it(linux: Session, line: str) -> None:
    do(linux, "movl $user_data,%ebx", "incl (%ebx)")
    before = everything(linux)
    do(linux, line)
    assert everything(linux) != before
    again = linux.history.machine_at(linux.machine.steps)
    assert again.cpu.save() == linux.machine.cpu.save()
    assert again.memory.frames == linux.machine.memory.frames
    do(linux, "back")
    assert everything(linux) == before
