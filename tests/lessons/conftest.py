"""Tests here use the judges, and the helpers that tests of the lab use."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pagefault_lab.lab.session import Session

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "lab"), str(Path(__file__).parent)]

from judges import gnu, guest, qemu  # noqa: E402  found by the line above
from replay import Replay  # noqa: E402


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> gnu.Linked:
    return gnu.link(guest.SOURCE, guest.BASE, tmp_path_factory.mktemp("kernel"))


@pytest.fixture
def replay(linux: Session, kernel: gnu.Linked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    with ExitStack() as running:

        def boot() -> guest.Guest:
            pc = running.enter_context(qemu.Qemu(kernel.image))
            return guest.Guest(kernel, pc, tmp_path_factory.mktemp("guest"))

        yield Replay(linux, boot)
