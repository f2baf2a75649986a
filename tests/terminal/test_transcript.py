"""What lines have said can be shown again in any width, and is drawn once for each."""

import re

import pytest

from pagefault_lab.lab.context import LayoutAsked
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.theme import ThemeChosen
from pagefault_lab.problem import Problem
from pagefault_lab.terminal import look, transcript
from pagefault_lab.terminal.transcript import Transcript


@pytest.fixture(autouse=True)
def default_theme() -> None:
    look.choose("default")


def text(kept: Transcript, width: int = 80) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m", "", row).rstrip() for row in kept.rows(width)]


def test_values_problems_and_lines_are_kept_in_order() -> None:
    kept = Transcript(plain=False)
    kept.say("cpl3> what")
    kept.show(Message("it holds", "good"))
    assert text(kept) == ["cpl3> what", "✓ it holds"]
    kept.complain(Problem("what?", "nothing", text="what", column=0))
    assert text(kept)[2:] == ["what?", "  what", "  ^", "  nothing"]


@pytest.mark.parametrize("width", [10, 20, 40, 80])
def test_another_width_breaks_the_lines_anew(width: int) -> None:
    kept = Transcript(plain=False)
    said, shown_by_a_view = "some words that are not as narrow as a screen may be", "and some more, broken at spaces"
    kept.say(said)
    kept.show(Message(shown_by_a_view))
    for shown in (80, width, 80):
        rows = text(kept, shown)
        assert max(map(len, rows)) <= shown
        assert " ".join(rows).split() == f"{said} {shown_by_a_view}".split()


def test_only_the_last_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "MOST", 5)
    kept = Transcript(plain=True)
    for number in range(12):
        kept.say(str(number))
        if number % 3 == 0:  # drawn now and then
            assert text(kept) == [str(each) for each in range(max(number - 4, 0), number + 1)]
    assert text(kept) == ["7", "8", "9", "10", "11"]


def test_a_theme_is_that_of_all_that_was_said() -> None:
    kept = Transcript(plain=False)
    kept.show(Message("it holds", "good"))
    before = kept.rows(80)
    kept.show(ThemeChosen("mono"))
    assert kept.rows(80)[0] != before[0] or "\x1b" not in before[0]
    kept.show(ThemeChosen("default"))
    assert kept.rows(80)[0] == before[0]


def test_it_tells_when_the_view_is_to_be_closed() -> None:
    kept = Transcript(plain=False)
    kept.show(LayoutAsked(None))
    assert kept.closes
    assert text(kept) == []
