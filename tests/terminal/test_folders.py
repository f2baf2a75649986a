"""What is remembered for a user, and that nothing of it is needed."""

import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from prompt_toolkit.history import InMemoryHistory

from pagefault_lab.lab.theme import ThemeChosen
from pagefault_lab.terminal import look
from pagefault_lab.terminal.folders import state_folder
from pagefault_lab.terminal.history import KeptHistory, history
from pagefault_lab.terminal.screen import PromptScreen, Screen


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


# --- the theme


class TerminalStream(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def default_theme() -> Iterator[None]:
    look.choose("default")
    yield
    look.choose("default")


def test_the_theme_that_was_chosen_at_a_prompt_is_remembered(home: Path, default_theme: None) -> None:
    assert look.remembered() is None
    assert not (home / "state").exists()  # to look for it makes no folder
    PromptScreen(stream=TerminalStream()).show(ThemeChosen("blue-orange"))
    assert look.remembered() == "blue-orange"
    PromptScreen(stream=TerminalStream()).show(ThemeChosen(None))  # only a question
    assert look.remembered() == "blue-orange"


@pytest.mark.parametrize("screen", [Screen(stream=TerminalStream()), PromptScreen(stream=StringIO())])
def test_the_theme_of_a_script_or_of_a_file_is_not(home: Path, default_theme: None, screen: Screen) -> None:
    screen.show(ThemeChosen("mono"))
    assert look.chosen() == "mono"
    assert look.remembered() is None


@pytest.mark.parametrize("kept", [b"purple\n", b"", b"\xff\xfe", None])
def test_a_remembered_theme_that_makes_no_sense_is_none(home: Path, kept: bytes | None) -> None:
    folder = state_folder()
    assert folder is not None
    if kept is None:
        (folder / "theme").mkdir()
        look.remember()  # nor can it be kept there
    else:
        (folder / "theme").write_bytes(kept)
    assert look.remembered() is None
