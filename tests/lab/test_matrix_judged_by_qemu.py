"""The whole table of rights judged by QEMU: a guest makes every access there, `matrix` tells what each comes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from judges import gnu, qemu
from rights import ALL, TARGET, Situation

from pagefault_lab.lab.matrix import matrix_of
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault

pytestmark = [
    pytest.mark.skipif(not gnu.is_installed(), reason="GNU binutils are not installed"),
    pytest.mark.skipif(not qemu.is_installed(), reason=f"{qemu.EMULATOR} is not installed"),
]

SOURCE = Path(__file__).with_name("rights_table.s")
BASE = 0x100000
ALLOWED = 0x80


def test_every_cell_of_every_matrix_is_what_qemu_makes_of_the_access(tmp_path: Path) -> None:
    guest = gnu.link(SOURCE, BASE, tmp_path)
    with qemu.Qemu(guest.image) as pc:
        pc.run_to(guest["done"])
        results = pc.read(guest["results"], 1024)
    assert len(ALL) == 768
    for situation in ALL:
        assert told(situation) == results[number(situation)], situation


def number(situation: Situation) -> int:
    """The place of its result, as rights_table.s draws it."""
    bits = situation.pde << 7 | situation.pte << 4 | situation.wp << 3 | (situation.cpl == 3) << 2
    return bits | [*Kind].index(situation.kind)


def told(situation: Situation) -> int:
    """The cell of the matrix, as a result of the guest."""
    matrix = matrix_of(situation.machine(), TARGET)
    (end,) = (
        walk.end
        for walk in matrix.walks
        if (walk.user, walk.write_protect, walk.kind) == (situation.cpl == 3, situation.wp, situation.kind)
    )
    if not isinstance(end, Fault):
        return ALLOWED
    assert end.error is not None
    return end.error
