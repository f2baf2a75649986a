"""How breakpoints, and what they stop at, are shown."""

from shown import text_of

from pagefault_lab.lab.breakpoints.told import (
    BreakpointLine,
    BreakpointList,
    BreakpointSet,
    By,
    Caught,
    Reached,
    Watched,
)
from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.results import Place, Ran, Stopped
from pagefault_lab.machine.notices import What

PLAIN = BreakpointLine(
    1, "breakpoint", "0xc0100340", 0xC0100340, False, "page_fault", False, True, "", 1, 0, (), ""
)  # fmt: skip
BY = By(12, 0x08048000, "movl %eax,(%ebx)", "_start")
PLACE = Place(3, 0x08048002, "_start", 2, False)


def test_a_breakpoint_is_shown_with_all_that_was_given_to_it() -> None:
    entry = BreakpointLine(
        2, "watchpoint", "pte(0x8049000).dirty", 0x00102124, True, "", True, False, "eax > 5", 3, 4,
        ("p eax", "c"), "4 bytes",
    )  # fmt: skip
    assert text_of(BreakpointList((PLAIN, entry))).splitlines() == [
        "  1  breakpoint 0xc0100340 <page_fault>  1 hit",
        "  2  watchpoint pte(0x8049000).dirty at 0x00102124 (physical)  off, once, 3",
        "       hits, 4 bytes",
        "       if eax > 5",
        "       the next 4 hits will not stop",
        "       then p eax",
        "            c",
    ]
    assert text_of(BreakpointSet(entry)).splitlines() == [
        "temporary watchpoint 2: pte(0x8049000).dirty at 0x00102124 (physical)  off, 4",
        "  bytes",
        "  if eax > 5",
        "  the next 4 hits will not stop",
        "  then p eax",
        "       c",
    ]
    assert "\n  the next hit will not stop\n" in text_of(BreakpointSet(entry._replace(ignoring=1)))
    assert text_of(BreakpointList(())) == "no breakpoints"
    assert text_of(Reached(PLAIN)) == "breakpoint 1: 0xc0100340 <page_fault>"


def test_what_was_done_to_a_watched_place_is_told_with_who_did_it() -> None:
    changed = Watched(2, "watchpoint", "user_data", "change", 0x0804A000, False, 0, 5, BY)
    assert text_of(changed).splitlines() == [
        "watchpoint 2: user_data at 0x0804a000: 0x0 -> 0x5",
        "  step 12: movl %eax,(%ebx) at 0x08048000 <_start>",
    ]
    written = changed._replace(access="write", before=5, title="access watchpoint")
    assert "access watchpoint 2: user_data at 0x0804a000: 0x5 -> 0x5 (written, not changed)" in text_of(written)
    assert ": read 0x5" in text_of(changed._replace(access="read", title="read watchpoint"))
    gone = Watched(3, "watchpoint", "pte(ecx)", "change", None, False, None, -2, BY._replace(text="", symbol=""))
    assert text_of(gone).splitlines() == [
        "watchpoint 3: pte(ecx): nothing -> -2",
        "  step 12: taken instead of the instruction at 0x08048000",
    ]


def test_what_was_caught_is_told_with_its_numbers() -> None:
    fault = Event(12, What.FAULT, 0x08048000, (14, 7, 0x08049000))
    assert text_of(Caught(3, fault, BY)).splitlines() == [
        "catchpoint 3: #PF 0x7 cr2=0x08049000",
        "  step 12: movl %eax,(%ebx) at 0x08048000 <_start>",
    ]
    assert text_of(Caught(None, fault, BY)).startswith("#PF 0x7 cr2=0x08049000\n")


def test_a_run_names_the_breakpoint_that_stopped_it_by_its_kind() -> None:
    for stopped, kind in (
        (Stopped.BREAKPOINT, "breakpoint"), (Stopped.WATCHED, "watchpoint"), (Stopped.CAUGHT, "catchpoint"),
        (Stopped.ARRIVED, "breakpoint"),
    ):  # fmt: skip
        assert text_of(Ran(5, 0, stopped, PLACE, 2)) == f"ran 5 steps: {kind} 2, at cpl3 0x08048002 <_start+2>"
