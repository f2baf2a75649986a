"""`matrix`: its twelve cells against twelve accesses that are really made, over the whole table of rights."""

from __future__ import annotations

from itertools import product

import pytest
from benches import do, only
from builders import flat, map_page, on_bench, two_rings
from rights import ALL, BITS, NOPS, TARGET, TARGET_FRAME, TARGET_PDE, TARGET_TABLE, Situation, fault_in

from pagefault_lab.lab.matrix import RightsMatrix, matrix_of
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import PSE
from pagefault_lab.problem import Problem

TABLES = sorted({(situation.pde, situation.pte) for situation in ALL})


def matrix_under(pde: int, pte: int) -> RightsMatrix:
    return matrix_of(Situation(Kind.READ, 3, True, pde, pte).machine(), TARGET)


def made(walk: PageWalk, pde: int, pte: int) -> Fault | None:
    """What the access of a cell comes to when it is made."""
    return fault_in(Situation(walk.kind, 3 if walk.user else 0, walk.write_protect, pde, pte))


def cell(matrix: RightsMatrix, like: PageWalk) -> PageWalk:
    """The same cell of another matrix."""
    place = (like.user, like.write_protect, like.kind)
    (found,) = (walk for walk in matrix.walks if (walk.user, walk.write_protect, walk.kind) == place)
    return found


def refusal(walk: PageWalk) -> Fault | None:
    return walk.end if isinstance(walk.end, Fault) else None


def test_each_cell_is_what_the_access_comes_to_when_it_is_made() -> None:
    for pde, pte in TABLES:
        matrix = matrix_under(pde, pte)
        places = {(walk.user, walk.write_protect, walk.kind) for walk in matrix.walks}
        assert places == {*product((True, False), (True, False), Kind)}
        for walk in matrix.walks:
            assert refusal(walk) == made(walk, pde, pte), (pde, pte, walk)


def test_the_rule_that_a_cell_names_is_the_one_whose_change_gets_the_access_further() -> None:
    for pde, pte in TABLES:
        for walk in matrix_under(pde, pte).walks:
            if walk.verdict is None:
                continue
            bit = BITS[walk.verdict.bit]
            mended = (pde | bit, pte) if walk.verdict.level == "PDE" else (pde, pte | bit)
            after = cell(matrix_under(*mended), walk)
            assert after.verdict != walk.verdict
            assert len(after.rules) >= len(walk.rules)
            assert refusal(after) == made(walk, *mended)


@pytest.mark.parametrize(("cpl", "wp"), [*product((0, 3), (False, True))])
def test_it_tells_which_privilege_and_wp_are_the_present_ones(cpl: int, wp: bool) -> None:
    matrix = matrix_of(two_rings(cpl=cpl, wp=wp), TARGET)
    assert (matrix.cpl, matrix.write_protect) == (cpl, wp)


@pytest.mark.parametrize("bits", [0x87, 0x85, 0x83, 0x86, 0x1087])
def test_a_4_mib_page_is_judged_by_its_directory_entry_alone(bits: int) -> None:
    def large(situation: Situation) -> Machine:
        machine = situation.machine()
        machine.cpu.write_cr4(PSE)
        machine.memory.write(TARGET_PDE, 4, bits)
        machine.memory.write(0, 4, NOPS)
        return machine

    for walk in matrix_of(large(Situation(Kind.READ, 3, True, 0, 0)), TARGET).walks:
        assert [lookup.level for lookup in walk.lookups] == ["PDE"]
        step = large(Situation(walk.kind, 3 if walk.user else 0, walk.write_protect, 0, 0)).step()
        assert refusal(walk) == (step.deliveries[0].fault if step.deliveries else None)


def test_it_shows_the_tables_and_tells_that_the_tlb_believes_otherwise() -> None:
    machine = Situation(Kind.READ, 3, True, 7, 7).machine()
    machine.step()
    assert matrix_of(machine, TARGET).stale == ""
    machine.memory.write(TARGET_TABLE, 4, TARGET_FRAME | 5)
    matrix = matrix_of(machine, TARGET)
    assert matrix.cached == machine.cpu.tlb.entries[TARGET >> 12]
    assert "read-only" in matrix.stale
    assert [bool(refusal(walk)) for walk in matrix.walks if walk.kind is Kind.WRITE] == [True, True, False, True]


def test_while_paging_is_off_there_is_nothing_to_judge() -> None:
    assert matrix_of(flat(), TARGET).walks == ()


def test_asking_for_a_matrix_has_no_effect() -> None:
    session = on_bench(two_rings())
    before = session.machine.cpu.save()
    do(session, "matrix 0x10000", "matrix 0xffffffff", "matrix $esp + 4")
    assert session.machine.cpu.save() == before
    assert not session.history.lines


def test_the_command_takes_an_expression_and_names_the_address(linux: Session) -> None:
    matrix = only(RightsMatrix, do(linux, "matrix page_fault"))
    assert matrix.symbol == "page_fault"
    with pytest.raises(Problem, match="ADDRESS is missing"):
        do(linux, "matrix")


def test_a_page_of_its_own_rights_is_judged_by_those() -> None:
    machine = two_rings()
    map_page(machine, 0x14000, 5)
    writes = [refusal(walk) for walk in matrix_of(machine, 0x14000).walks if walk.kind is Kind.WRITE]
    assert [fault and fault.error for fault in writes] == [7, 7, None, 3]
