"""The timeline, where one has gone to, and who wrote it, as text of 80 columns."""

from __future__ import annotations

import pytest
from shown import text_of

from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.results import NewFuture, Place, Travelled
from pagefault_lab.lab.travel import Timeline, TimelineRow
from pagefault_lab.lab.walks import Maps
from pagefault_lab.machine.notices import What
from pagefault_lab.views.timeline import words

FAULT = TimelineRow(3, Event(3, What.FAULT, 0x8030000, (14, 6, 0x804C000)), "", "user_scratch+5", 1)
TABLE = Event(900, What.TABLE, 0xC0100000, (0x1001130, 0, 0x100A067))
ROWS = (
    TimelineRow(2, None, "movl %eax, (%ebx)\nand another", "", None),
    FAULT,
    TimelineRow(3, Event(3, What.RING, 0x8030000, (3, 0)), "", "", None),
    TimelineRow(900, TABLE, "", "", None, Maps("PTE", 0x804C000)),
)


def test_a_timeline_is_a_list_to_jump_to() -> None:
    assert text_of(Timeline(ROWS, 1000, 1000, 0, 12, 0)) == (
        "the history has steps 0 to 1000; you are at step 1000\n"
        "   step  what\n"
        "      2  line: movl %eax, (%ebx)\n"
        "      3  fault 1: #PF 0x6 cr2=0x0804c000              <user_scratch+5>\n"
        "      3  CPL 3 -> 0\n"
        "    900  PTE of 0x0804c000: 0x0 -> 0100a P RW US A D\n"
        ">  1000  you are here\n"
        "  12 earlier: `timeline COUNT` shows more, `goto STEP` goes there"
    )


@pytest.mark.parametrize(
    ("step", "marked"),
    [(1, ">  1  you are here"), (3, ">    3  fault 1"), (4, ">    4  you are here"), (900, ">  900  PTE of")],
)
def test_in_the_past_the_place_where_one_stands_is_marked(step: int, marked: str) -> None:
    drawn = text_of(Timeline(ROWS, step, 1000, 0, 0, 3)).splitlines()
    assert drawn[0] == f"the history has steps 0 to 1000; you are at step {step} of 1000"
    marks = [line for line in drawn if line.startswith(">")]
    assert len(marks) == 1
    assert marks[0].replace(" ", "").startswith(marked.replace(" ", ""))


def test_of_what_did_not_happen_it_says_so() -> None:
    assert "nothing of what was asked for" in text_of(Timeline((), 5, 5, 0, 0, 0))


@pytest.mark.parametrize(
    ("what", "numbers", "told"),
    [
        (What.FAULT, (6, -1, 0), "#UD"),
        (What.FAULT, (13, 0x30, 0), "#GP 0x30"),
        (What.INTERRUPT, (0x80, 0), "INT 0x80"),
        (What.INTERRUPT, (0x20, 1), "interrupt 0x20"),
        (What.CR3, (0x1000, 0x2000), "cr3 = 0x00002000 (was 0x00001000)"),
        (What.IDT, (0xC0000000, 0x7FF), "idtr: base 0xc0000000 limit 0x7ff"),
        (What.GDT, (0, 0), "gdtr: base 0x00000000 limit 0x0"),
        (What.LDT, (0x28, 0), "ldtr = 0x0028"),
        (What.TASK, (0x60, 0), "tr = 0x0060"),
        (What.TABLE, (0x1001130, 0x1005025, 0), "entry at 0x01001130: 01005 P -- US A - -> 0x0"),
        (What.PORT, (0xE9, 65, 1, 1), "OUT to 0xe9: 0x41"),
        (What.PORT, (0x60, 0xFFFF, 2, 0), "IN from 0x60: 0xffff"),
        (What.FLUSH, (0x1000,), "INVLPG 0x00001000"),
        (What.SHUTDOWN, (), "shutdown"),
    ],
)
def test_each_kind_of_event_has_its_words(what: What, numbers: tuple[int, ...], told: str) -> None:
    assert words(Event(1, what, 0, numbers)) == told


def test_going_elsewhere_tells_how_far_and_where_that_is() -> None:
    place = Place(3, 0x8030005, "user_scratch", 5, True)
    assert text_of(Travelled(False, 2, (), place, 7, 9)) == (
        "back by 2 steps: cpl3 0x08030005 <user_scratch+5>\n  this is step 7, 2 steps before the present"
    )
    assert text_of(Travelled(True, 1, (), place, 9, 9)) == (
        "forward by 1 step: cpl3 0x08030005 <user_scratch+5>\n  this is the present"
    )
    assert "undone: incl %eax" in text_of(Travelled(False, 1, ("incl %eax",), place, 7, 9))


def test_a_new_future_says_what_is_gone() -> None:
    assert text_of(NewFuture(7, 1)) == "a new future begins here; the old one, 7 steps in 1 line, is gone"
    assert text_of(NewFuture(1, 0)) == "a new future begins here; the old one, 1 step, is gone"
    assert text_of(NewFuture(0, 2)) == "a new future begins here; the old one, 2 lines, is gone"
