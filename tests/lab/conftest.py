import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "lab"), str(TESTS), str(TESTS / "machine")]


@pytest.fixture
def without_marks_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The history marks no long run now and then: where it does goes by time."""
    monkeypatch.setattr("pagefault_lab.lab.history.INTERVAL", 1e9)
