"""Tests here use the judges of the neighbouring folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from judges import gnu, guest, ours, qemu


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> gnu.Linked:
    return gnu.link(guest.SOURCE, guest.BASE, tmp_path_factory.mktemp("kernel"))


@pytest.fixture(name="guest")
def booted_guest(kernel: gnu.Linked, tmp_path: Path) -> Iterator[guest.Guest]:
    with qemu.Qemu(kernel.image) as pc:
        yield guest.Guest(kernel, pc, tmp_path)


@pytest.fixture
def our_guest(tmp_path: Path) -> guest.Guest:
    return ours.OurGuest(tmp_path)


@pytest.fixture(params=[pytest.param("guest", marks=guest.needed, id="qemu"), pytest.param("our_guest", id="ours")])
def each_guest(request: pytest.FixtureRequest) -> guest.Guest:
    """The guest in QEMU, and the guest on our machine: whatever a test says must be true of both."""
    return request.getfixturevalue(request.param)
