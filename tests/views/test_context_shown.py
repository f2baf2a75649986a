"""The context on screens of all sizes."""

from __future__ import annotations

import pytest
from shown import text_of

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.lab.context import context
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.travel import TimelineRow
from pagefault_lab.views.context import filling, shares
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.panes import Pane, Panes

FAULTED = ("pushl $0x1234", "movl %eax,0", "si 3")


@pytest.fixture(scope="module")
def faulted() -> Session:
    session = Session("linux")
    for line in FAULTED:
        list(session.execute(line))
    return session


def test_a_screen_of_80x24_has_it_all(faulted: Session) -> None:
    shown = text_of(context(faulted))
    rows = shown.splitlines()
    assert len(rows) <= 22  # with the line that asked for it, and the prompt
    assert max(map(len, rows)) <= 80
    for part in ("code: cpl0 error_code", "registers, * changed", "TLB: supervisor write", "timeline: step 5",
                 "user stack: saved ESP 0x", "kernel stack: ESP 0x"):  # fmt: skip
        assert part in shown


def test_what_has_changed_is_marked_without_colour(faulted: Session) -> None:
    shown = text_of(context(faulted))
    assert "esp*  0x" in shown
    assert "eip*  0x" in shown
    assert "edi*" not in shown
    (next_one,) = (row for row in shown.splitlines() if row.startswith("=>"))
    assert "pushl %eax" in next_one
    tops = [row for row in shown.splitlines() if "-> 0x" in row and "TLB" not in row]
    assert len(tops) in (1, 2)  # of both stacks


def test_a_wide_screen_shows_more(faulted: Session) -> None:
    session = Session("linux")
    list(session.execute("movl %eax,0"))
    narrow, wide, widest = (text_of(context(session), width) for width in (80, 120, 160))
    assert "cr3 0x01000000 + 0x000*4" not in narrow
    assert "cr3 0x01000000 + 0x000*4" in wide
    assert "was 0xbfffffe0" in wide
    assert "68 3e a9 10 c0" not in wide
    assert "68 3e a9 10 c0" in widest


def test_a_refused_walk_names_the_bit_on_a_narrow_screen() -> None:
    session = Session("linux")
    list(session.execute("movl %eax,0xc0000000"))
    shown = text_of(context(session))
    assert "<- U/S=0" in shown
    assert "✗ user write refused: U/S=0 in the P" in shown


@pytest.mark.parametrize("height", range(1, 60))
def test_a_view_fills_its_height_exactly(faulted: Session, height: int) -> None:
    assert sum(shares(height)) in (height, 0)
    for width in (64, 80, 120):
        rows = list(filling(context(faulted), height).rows(width))
        assert len(rows) == sum(shares(height))
        assert max((sum(len(span.text) for span in row) for row in rows), default=0) <= width


def test_the_mark_in_the_timeline_leaves_its_column_straight(faulted: Session) -> None:
    event = next(faulted.chronicle.events())
    rows = tuple(TimelineRow(step, event, "", "", None) for step in (500, 9_999_000))
    shown = context(faulted)
    shown = shown._replace(timeline=shown.timeline._replace(rows=rows, step=22_092, present=10_000_000))
    drawn = text_of(shown)
    assert "┬ step 22,092 of 10,000,000 ─" in drawn
    assert "│ >   22,092  you are here\n" in drawn
    assert "│  9,999,000  #PF 0x6\n" in drawn


def test_the_next_instruction_is_there_at_any_height(faulted: Session) -> None:
    for height in range(6, 60):
        assert "=>" in filling(context(faulted), height).text(80)


def test_plain_is_ascii(faulted: Session) -> None:
    assert text_of(context(faulted), plain=True).isascii()


def test_panes_stand_side_by_side_and_are_cut_where_they_end() -> None:
    lines = Lines(tuple(Line.of(str(number)) for number in range(5)))
    row = Panes((Pane("first", lines, 8), Pane("last", lines, ends=True)), 3)
    assert Lines.of(row).text(20) == "first ───┬ last ────\n0        │ 3\n1        │ 4"
    assert Lines.of(row).text(20, ascii_only=True) == "first ---+ last ----\n0        | 3\n1        | 4"
