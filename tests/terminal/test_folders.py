"""What is remembered for a user, and that nothing of it is needed."""

import os
import sys
from pathlib import Path

import pytest
from prompt_toolkit.history import InMemoryHistory

from pagefault_lab.terminal.folders import state_folder
from pagefault_lab.terminal.history import KeptHistory, history


def test_the_state_folder_is_the_one_that_the_user_names(home: Path) -> None:
    assert state_folder() == home / "state" / "pagefault-lab"
    assert (home / "state" / "pagefault-lab").is_dir()


def test_a_relative_state_home_is_ignored_as_its_standard_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    found = state_folder()
    assert found is not None
    assert found.is_relative_to(home) or sys.platform == "win32"


def test_lines_are_remembered_across_sessions(home: Path) -> None:
    history().append_string("movl %eax,(%ebx)")
    history().append_string("walk é")
    assert list(history().load_history_strings()) == ["walk é", "movl %eax,(%ebx)"]


def test_where_no_folder_can_be_there_is_a_history_of_this_session(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "file"))
    assert state_folder() is None
    assert isinstance(history(), InMemoryHistory)


def test_a_history_that_cannot_be_read_or_written_is_empty(home: Path) -> None:
    os.mkdir(home / "a folder")
    kept = KeptHistory(str(home / "a folder"))
    kept.store_string("si")
    assert list(kept.load_history_strings()) == []


def test_a_history_that_is_no_text_does_no_harm(home: Path) -> None:
    (home / "history").write_bytes(b"\xff\xfe\n+si\n\x00\n")
    assert "si" in list(KeptHistory(str(home / "history")).load_history_strings())
