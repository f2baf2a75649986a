"""The lecture in QEMU, line by line: after each line of its scripts both machines and both logs are the same."""

from __future__ import annotations

import pytest
from judges import guest
from lecture import script
from replay import Replay

pytestmark = guest.needed


@pytest.mark.parametrize("name", ["lecture.lab", "typed.lab"])
def test_each_line_does_in_qemu_what_it_does_here(name: str, replay: Replay) -> None:
    for line in script(name):
        replay.perform(line)
