import sys
from pathlib import Path

import pytest

from pagefault_lab.lab.session import Session

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))


@pytest.fixture
def bare() -> Session:
    return Session("bare")


@pytest.fixture
def linux() -> Session:
    return Session("linux")
