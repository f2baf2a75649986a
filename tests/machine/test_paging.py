"""Paging, judged by the manual's rules written down a second time: the whole table of rights, and the TLB's memory."""

from __future__ import annotations

from itertools import product

import pytest
from builders import DIRECTORY, TABLE, USER_TEXT, map_page, two_rings

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import page_fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.paging import Mapped, PageWalk, walk
from pagefault_lab.machine.registers import EAX, EBX, PG, PGE, PSE, WP
from pagefault_lab.machine.step import Interrupted, Retired
from pagefault_lab.machine.tlb import TlbEntry

TARGET = 0x800000  # in a directory entry of its own
TARGET_TABLE, TARGET_FRAME = 0x90000, 0x91000
LOAD, STORE, ADD_TO, JUMP = (bytes.fromhex(text) for text in ("8b03", "8903", "0103", "ffe3"))
ENTRY_BITS = range(8)  # P=1, R/W=2, U/S=4


def expected_code(pde: int, pte: int, cpl: int, wp: bool, write: bool) -> int | None:
    """The error code of the access, None if it is allowed: SDM vol. 3, 4.6 and 4.7, in words of its own."""
    user = cpl == 3
    code = (2 if write else 0) | (4 if user else 0)
    if not (pde & 1 and pte & 1):
        return code
    both = pde & pte
    if user and not both & 4:
        return code | 1
    if write and not both & 2 and (user or wp):
        return code | 1
    return None


def with_target(code: bytes, cpl: int, wp: bool, pde: int, pte: int) -> Machine:
    machine = two_rings(code, cpl=cpl, wp=wp, ebx=TARGET, eax=0x1234)
    machine.memory.write(DIRECTORY + 4 * (TARGET >> 22), 4, TARGET_TABLE | pde)
    machine.memory.write(TARGET_TABLE + 4 * (TARGET >> 12 & 0x3FF), 4, TARGET_FRAME | pte)
    machine.memory.write(TARGET_FRAME, 4, 0x55)
    return machine


@pytest.mark.parametrize("cpl", [0, 3])
@pytest.mark.parametrize("wp", [False, True])
@pytest.mark.parametrize(("code", "write"), [(LOAD, False), (STORE, True), (ADD_TO, True), (JUMP, False)])
def test_the_whole_table_of_rights(cpl: int, wp: bool, code: bytes, write: bool) -> None:
    for pde, pte in product(ENTRY_BITS, ENTRY_BITS):
        machine = with_target(code, cpl, wp, pde, pte)
        before = list(machine.cpu.registers)
        step = machine.step()
        if code == JUMP:
            step = machine.step()  # the jump itself touches nothing: the fetch at its target does
        error = expected_code(pde, pte, cpl, wp, write)
        new_pde = machine.memory.read(DIRECTORY + 4 * (TARGET >> 22), 4) & 0xFFF
        new_pte = machine.memory.read(TARGET_TABLE + 4 * (TARGET >> 12 & 0x3FF), 4) & 0xFFF
        what = (pde, pte, cpl, wp, code.hex())
        if error is None:
            assert new_pde == pde | 0x20, what
            assert new_pte == pte | (0x60 if write else 0x20), what
            assert TARGET >> 12 in machine.cpu.tlb.entries, what
            if code == LOAD:
                assert machine.cpu.registers[EAX] == 0x55, what
        else:
            assert isinstance(step.end, Interrupted), what
            assert step.end.deliveries[0].fault == page_fault(error, TARGET), what
            assert machine.cpu.cr2 == TARGET, what
            assert (new_pde, new_pte) == (pde, pte), what
            assert machine.memory.read(TARGET_FRAME, 4) == 0x55, what
            assert machine.cpu.registers[EAX] == before[EAX], what
            assert TARGET >> 12 not in machine.cpu.tlb.entries, what


@pytest.mark.parametrize(("pde", "pte"), list(product(ENTRY_BITS, ENTRY_BITS)))
def test_a_walk_tells_the_same_and_changes_nothing(pde: int, pte: int) -> None:
    for user, wp, kind in product((False, True), (False, True), Kind):
        machine = with_target(b"", 0, wp, pde, pte)
        cpu = machine.cpu
        frames = [frame and list(frame) for frame in machine.memory.frames]
        walked = walk(machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, TARGET + 5, kind, user)
        error = expected_code(pde, pte, 3 if user else 0, wp, kind is Kind.WRITE)
        if error is None:
            assert walked.end == Mapped(TARGET_FRAME + 5, pde & pte & 2 != 0, pde & pte & 4 != 0, False, False)
            assert walked.verdict is None
        else:
            assert walked.end == page_fault(error, TARGET + 5)
            assert walked.verdict is not None
            assert not walked.verdict.holds
            assert walked.updates() == ()
        assert frames == [frame and list(frame) for frame in machine.memory.frames]
        assert (len(walked.lookups) == 2) == bool(pde & 1)


def test_the_failed_rule_is_the_one_whose_bit_changes_the_verdict() -> None:
    """For every denial by rights, setting just the named bit at the named level lets the walk get further."""
    for pde, pte, user, wp, kind in product(ENTRY_BITS, ENTRY_BITS, (False, True), (False, True), Kind):
        walked = with_target_walk(pde, pte, user, wp, kind)
        if walked.verdict is None:
            continue
        bit = {"P": 1, "R/W": 2, "U/S": 4}[walked.verdict.bit]
        mended = (pde | bit, pte) if walked.verdict.level == "PDE" else (pde, pte | bit)
        again = with_target_walk(*mended, user, wp, kind)
        assert again.verdict != walked.verdict


def with_target_walk(pde: int, pte: int, user: bool, wp: bool, kind: Kind) -> PageWalk:
    machine = with_target(b"", 0, wp, pde, pte)
    return walk(machine.memory, machine.cpu.cr0, machine.cpu.cr3, 0, TARGET, kind, user)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_a_straddling_access_faults_at_its_first_bad_byte_and_stores_nothing(distance: int) -> None:
    end = USER_TEXT + 0x3000
    machine = two_rings(STORE, ebx=end - distance, eax=0xDDCCBBAA)
    map_page(machine, end, 0)
    step = machine.step()
    assert isinstance(step.end, Interrupted)
    assert step.end.deliveries[0].fault == page_fault(6, end)
    assert machine.memory.read_bytes(end - 4, 4) == bytes(4)
    assert machine.memory.read(TABLE + 4 * (end - 1 >> 12), 4) & 0x60 == 0x60, "the first page's walk was finished"


def edit(machine: Machine, linear: int, flags: int) -> None:
    """Change a page's entry behind the processor's back."""
    machine.memory.write(TABLE + 4 * (linear >> 12), 4, linear & 0xFFFFF000 | flags)


def test_a_stale_entry_misleads_until_invlpg() -> None:
    page = USER_TEXT + 0x3000
    invlpg = bytes.fromhex("0f013b")
    machine = two_rings(LOAD + LOAD + invlpg + LOAD, cpl=0, ebx=page)
    assert isinstance(machine.step().end, Retired)
    edit(machine, page, 0)  # the tables say absent, the TLB still knows better
    assert isinstance(machine.step().end, Retired)
    assert isinstance(machine.step().end, Retired)
    assert isinstance(machine.step().end, Interrupted)


def test_a_load_of_cr3_drops_all_but_global_entries() -> None:
    page, other = USER_TEXT + 0x3000, USER_TEXT + 0x4000
    machine = two_rings(LOAD, cpl=0, ebx=page)
    machine.cpu.write_cr4(PGE)
    map_page(machine, page, 0x103)
    machine.cpu.read(3, page, 4)
    machine.cpu.read(3, other, 4)
    machine.cpu.write_cr3(machine.cpu.cr3)
    assert page >> 12 in machine.cpu.tlb.entries
    assert other >> 12 not in machine.cpu.tlb.entries
    machine.cpu.write_cr4(0)
    assert not machine.cpu.tlb.entries


def test_a_right_taken_back_counts_only_after_the_entry_is_dropped_and_a_fault_drops_it() -> None:
    page = USER_TEXT + 0x3000
    machine = two_rings(STORE * 4, ebx=page)
    map_page(machine, page, 5)
    assert isinstance(machine.step().end, Interrupted), "read-only"
    machine = two_rings(LOAD + STORE + STORE, ebx=page)
    map_page(machine, page, 5)
    machine.step()
    edit(machine, page, 7)  # more permissive, but the TLB does not know: a spurious fault, which drops the entry
    step = machine.step()
    assert isinstance(step.end, Interrupted)
    assert step.end.deliveries[0].fault == page_fault(7, page)
    assert page >> 12 not in machine.cpu.tlb.entries


def test_the_first_write_to_a_clean_page_walks_again_to_set_the_dirty_bit() -> None:
    page = USER_TEXT + 0x3000
    machine = two_rings(LOAD + STORE + STORE, ebx=page)
    machine.step()
    entry = TABLE + 4 * (page >> 12)
    assert machine.memory.read(entry, 4) & 0x60 == 0x20
    step = machine.step()
    assert any(isinstance(event, PageWalk) and event.linear == page for event in step.events)
    assert machine.memory.read(entry, 4) & 0x60 == 0x60
    step = machine.step()
    assert not any(isinstance(event, PageWalk) and event.linear == page for event in step.events)


def test_a_4_mib_page_needs_cr4_pse_and_checks_its_reserved_bits() -> None:
    machine = two_rings(LOAD, cpl=0, ebx=0x400123)
    machine.memory.write(DIRECTORY + 4, 4, 0x000000E7)  # PS=1, frame 0
    without = walk(machine.memory, PG, DIRECTORY, 0, 0x400123, Kind.READ, False)
    assert len(without.lookups) == 2, "PS is ignored without PSE"
    with_pse = walk(machine.memory, PG, DIRECTORY, PSE, 0x400123, Kind.READ, False)
    assert isinstance(with_pse.end, Mapped)
    assert (with_pse.end.physical, with_pse.end.large) == (0x123, True)
    machine.memory.write(DIRECTORY + 4, 4, 0x000010E7)
    reserved = walk(machine.memory, PG, DIRECTORY, PSE, 0x400123, Kind.READ, False)
    assert reserved.end == page_fault(9, 0x400123)


def test_invlpg_drops_every_piece_of_a_4_mib_page() -> None:
    machine = two_rings(b"", cpl=0)
    machine.cpu.write_cr4(PSE)
    machine.memory.write(DIRECTORY + 4, 4, 0x000000E7)
    for linear in (0x400000, 0x405000, 0x7FF000):
        machine.cpu.read(3, linear, 4)
    machine.cpu.invalidate(0x401000)  # of which there is no piece
    assert not [page for page in machine.cpu.tlb.entries if page >= 0x400]


def test_asking_the_processor_has_no_effect() -> None:
    machine = two_rings(LOAD, ebx=USER_TEXT + 0x3000)
    before = machine.cpu.save()
    assert isinstance(machine.cpu.ask(USER_TEXT, Kind.READ, True), PageWalk)
    assert machine.cpu.peek(USER_TEXT, 2) == int.from_bytes(LOAD, "little")
    assert machine.cpu.peek(0x10000000, 4) is None
    assert machine.cpu.save() == before
    machine.step()
    assert isinstance(machine.cpu.ask(USER_TEXT, Kind.READ, True), TlbEntry)


def test_without_wp_the_supervisor_writes_read_only_pages_and_turning_wp_on_counts_at_once() -> None:
    page = USER_TEXT + 0x3000
    machine = two_rings(STORE * 3, cpl=0, wp=False, ebx=page)
    map_page(machine, page, 1)
    machine.run(1)
    machine.run(1)  # by the fast path
    machine.cpu.write_cr0(machine.cpu.cr0 | WP)
    step = machine.step()
    assert isinstance(step.end, Interrupted)
    assert step.end.deliveries[0].fault == page_fault(3, page)
    assert machine.cpu.registers[EBX] == page
