"""Checkpoints: what is kept of a frame, and what a machine that is brought to one goes by."""

from __future__ import annotations

from collections.abc import Callable

import builders
import pytest
from builders import DIRECTORY, USER_TEXT
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.machine.checkpoints import Checkpoints
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.memory import PAGE, ZEROS, Frame, framed, give_back, keep
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.paging import PRESENT
from pagefault_lab.machine.registers import WP

WRITES = st.lists(st.tuples(st.integers(0, PAGE - 1), st.binary(min_size=1, max_size=600)), max_size=12)


def frame_with(writes: list[tuple[int, bytes]]) -> Frame:
    data = bytearray(PAGE)
    for place, written in writes:
        data[place : place + len(written)] = written
    return framed(bytes(data[:PAGE]))


@given(WRITES, WRITES)
def test_a_frame_is_given_back_whatever_it_has_become(
    before: list[tuple[int, bytes]], after: list[tuple[int, bytes]]
) -> None:
    frame = frame_with(before)
    kept = keep(frame)
    became = frame_with(after)
    give_back(became, kept)
    assert became == frame


def test_a_frame_that_was_never_used_is_given_back_as_zeros() -> None:
    frame = framed(b"\xff" * PAGE)
    give_back(frame, keep(None))
    assert frame == framed(ZEROS)


def test_a_frame_with_little_in_it_takes_little() -> None:
    assert not keep(framed(ZEROS))
    for place in (0, 1028, 4092):
        assert len(keep(frame_with([(place, b"word")])) or b"") < 100
    assert len(keep(framed(b"full" * 1024)) or b"") == PAGE


PLACE = USER_TEXT + 0x4000


def protect(machine: Machine) -> None:
    machine.cpu.write_cr0(machine.cpu.cr0 | WP)


def make_table(machine: Machine) -> None:
    machine.memory.write(DIRECTORY + 4 * 0x200, 4, PLACE | 7)


@pytest.mark.parametrize(("change", "expected"), [(protect, Stop.FAULT), (make_table, Stop.CAUGHT)])
def test_a_machine_goes_by_the_rights_and_page_tables_of_where_it_is_brought(
    change: Callable[[Machine], None], expected: Stop
) -> None:
    """The TLB is the same at both checkpoints: only what the host has done between them tells what a write does."""
    increment = b"\xff\x05" + PLACE.to_bytes(4, "little")
    machine = builders.two_rings(3 * increment, cpl=0, wp=False)
    builders.map_page(machine, PLACE, PRESENT)
    machine.run(1)
    checkpoints = Checkpoints(machine)
    checkpoints.take()
    machine.run(1)
    change(machine)
    checkpoints.take()
    copy = checkpoints.copy_of(0)
    for _ in range(2):
        assert copy.run(1, on_fault=True, catch={What.TABLE}) is Stop.LIMIT
        checkpoints.bring(copy, 0, 1)
        assert copy.run(1, on_fault=True, catch={What.TABLE}) is expected
        checkpoints.bring(copy, 1, 0)
