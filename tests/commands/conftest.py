import sys
from pathlib import Path

import pytest

from pagefault_lab.lab.session import Session

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "lab")]


@pytest.fixture
def bare() -> Session:
    return Session("bare")


@pytest.fixture
def linux() -> Session:
    return Session("linux")
