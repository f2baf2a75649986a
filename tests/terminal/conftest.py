"""Folders of their own for tests that start the program, and a terminal to look at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tmux import TOOLBAR, Terminal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder without history, and nothing in the environment that changes how the program looks."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PAGEFAULT_LAB_DEBUG", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    """The program at its first prompt, in a terminal of 80x24."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    opened = Terminal(XDG_STATE_HOME=str(home / "state"), TERM="screen-256color")
    try:
        opened.wait(TOOLBAR)
        yield opened
    finally:
        opened.close()
