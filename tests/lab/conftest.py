import sys
from pathlib import Path

import pytest

from pagefault_lab.lab.session import Session

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture
def bare() -> Session:
    return Session("bare")


@pytest.fixture
def linux() -> Session:
    return Session("linux")
