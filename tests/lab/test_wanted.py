"""Which steps a trace has: those that a look at the whole trace finds, at every speed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from benches import do, everything
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab import commands
from pagefault_lab.bridges.trace import TraceFile
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.tracing import Tracing
from pagefault_lab.lab.wanted import DOINGS, KINDS, Range
from pagefault_lab.problem import Problem

# lines whose steps are of every kind: what the processor does in long runs, in handlers, and in typed lines
LINES = (
    "asm", "movl $900,%ecx", "1: incl %eax", "loop 1b", "movl $20,%eax", "int $0x80", "andl $0xfffff000,%esp",
    "pushl %eax", "call 2f", "2: popl %ebx", "movb %al,-3(%esp)", "end", "run", "irq 1", "nop", "c",
    "kernel", "cli", "outb %al,$0x80", "inb $0x60,%al", "movl %cr3,%eax", "movl %eax,%cr3", "movl %cr0,%eax",
    "movl %eax,%cr0", "smsw %ax", "lmsw %ax", "clts", "sgdt -8(%esp)", "lgdt -8(%esp)", "sidt -8(%esp)",
    "lidt -8(%esp)", "sldt %ax", "lldt %ax", "movl %cr2,%eax", "movl %eax,%cr2", "invlpg (%esp)", "user",
)  # fmt: skip


def of(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield event
    yield from event.get("events", ())


def has(step: dict[str, Any], kind: str, **values: Any) -> bool:
    """Whether something of this kind is told in a step, inside its deliveries too."""
    found = (each for event in step["events"] for each in of(event))
    return any(each["kind"] == kind and all(each[key] == values[key] for key in values) for each in found)


def loads(step: dict[str, Any], instructions: str) -> bool:
    return step["end"] == "retired" and re.match(instructions, step["text"]) is not None


# the same, read from the JSON of a whole trace
ORACLES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "faults": lambda step: has(step, "delivery", source="exception"),
    "interrupts": lambda step: (
        has(step, "delivery", source="software interrupt") or has(step, "delivery", source="external interrupt")
    ),
    "rings": lambda step: any(change["register"] == "cpl" for change in step["changes"]),
    "walks": lambda step: has(step, "page_walk"),
    "ports": lambda step: has(step, "port_access"),
    "loads": lambda step: loads(step, r"movl %\w+,%cr[034]|lmsw|clts|lgdt|lidt|lldt|ltr"),
    "reads": lambda step: has(step, "access", access="read"),
    "writes": lambda step: has(step, "access", access="write"),
}


def traced(words: str, lines: tuple[str, ...] = LINES) -> tuple[list[dict[str, Any]], Session]:
    """The steps of a trace that is told these words, and the session behind it."""
    session = Session("linux")
    session.trace.open_file = TraceFile
    with TemporaryDirectory() as folder:
        path = Path(folder, "steps.jsonl")
        do(session, f"trace on {path} {words}", *lines, "trace off")
        steps = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert steps.pop(0)["kind"] == "trace"
    return steps, session


@cache
def whole() -> tuple[list[dict[str, Any]], Session]:
    return traced("")


def test_there_is_an_oracle_and_a_step_for_every_kind() -> None:
    assert ORACLES.keys() == KINDS.keys()
    for kind, oracle in ORACLES.items():
        assert 0 < sum(map(oracle, whole()[0])) < len(whole()[0]), kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_what_the_whole_trace_shows_of_it(kind: str) -> None:
    steps, session = traced(kind)
    assert steps == [step for step in whole()[0] if ORACLES[kind](step)]
    assert everything(session) == everything(whole()[1])


def test_what_is_noticed_at_full_speed_is_what_a_look_at_each_step_finds() -> None:
    noticed = [kind for kind in DOINGS if DOINGS[kind].notices]
    assert len(noticed) == 5
    fast, _ = traced(" ".join(noticed))
    assert fast == [step for step in whole()[0] if any(ORACLES[kind](step) for kind in noticed)]
    slow, _ = traced(" ".join((*noticed, "walks")))
    assert [step for step in slow if any(ORACLES[kind](step) for kind in noticed)] == fast


@pytest.mark.parametrize("ring", [0, 3])
def test_a_ring_is_the_one_that_a_step_begins_in(ring: int) -> None:
    steps, _ = traced(f"ring {ring}")
    assert steps == [step for step in whole()[0] if step["cpl"] == ring]
    assert any(change["register"] == "cpl" for step in steps for change in step["changes"])


def test_two_rings_are_either_of_them_and_a_ring_none_entered_has_nothing() -> None:
    assert traced("ring 0 ring 3")[0] == whole()[0]
    assert traced("ring 1")[0] == []


def test_a_range_is_where_the_instruction_lies() -> None:
    symbols = whole()[1].symbols
    start, end = symbols["page_fault"], symbols["page_fault"] + 16
    expected = [step for step in whole()[0] if start <= step["linear"] < end]
    assert expected
    assert traced("range page_fault +16")[0] == traced(f"range {start} {end}")[0] == expected


def test_touched_memory_is_what_was_read_or_written_even_by_one_byte() -> None:
    def touches(step: dict[str, Any], *ways: str) -> bool:
        accesses = (each for event in step["events"] for each in of(event) if each["kind"] == "access")
        return any(
            each["access"] in ways and each["linear"] < 0xBFFFEFFA and each["linear"] + each["size"] > 0xBFFFEFF9
            for each in accesses
        )

    words = "touching 0xbfffeff9 +1"
    for more, ways in (("", ("read", "write")), ("writes", ("write",)), ("reads", ("read",))):
        steps, _ = traced(f"{more} {words}")
        assert steps == [step for step in whole()[0] if touches(step, *ways)]
    assert [step["text"] for step in traced(f"writes {words}")[0]] == [
        "call 0x803001b <user_scratch+27>", "movb %al,-0x3(%esp)",
    ]  # fmt: skip


def test_all_that_is_asked_must_fit() -> None:
    steps, _ = traced("faults interrupts ring 3 range user_scratch +4096")
    assert [step["text"] for step in steps][:3] == ["int $0x80", "pushl %eax", ""]
    both = [
        step for step in whole()[0] if step["cpl"] == 3 and (ORACLES["faults"](step) or ORACLES["interrupts"](step))
    ]
    assert [step for step in both if step["linear"] >> 12 == 0x8030] == steps


@given(st.integers(0, 0xFFFFFFFF), st.integers(1, 20), st.integers(0, 0xFFFFFFFF), st.integers(1, 8))
def test_a_range_meets_what_shares_an_address_with_it(start: int, length: int, linear: int, size: int) -> None:
    for place in (linear, start + linear % 40 - 20 & 0xFFFFFFFF):
        shares = {start + n & 0xFFFFFFFF for n in range(length)} & {place + n & 0xFFFFFFFF for n in range(size)}
        assert Range(start, start + length & 0xFFFFFFFF).meets(place, size) == bool(shares)


def test_a_load_is_one_though_a_single_step_trap_follows_it() -> None:
    lines = ("kernel", "movl %cr3,%eax", "pushfl", "orl $0x100,(%esp)", "asm", "popfl", "movl %eax,%cr3", "end", "run")
    steps, _ = traced("loads", lines)
    assert [(step["text"], step["end"]) for step in steps][-1:] == [("movl %eax,%cr3", "interrupted")]


# --- words that come later


def test_words_narrow_a_trace_that_is_on_and_on_begins_it_anew(bare: Session, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    bare.trace.open_file = TraceFile
    do(bare, f"trace on {path}", "nop")
    assert do(bare, "trace writes") == [Tracing(True, str(path), 1, "writes")]
    do(bare, "incl %eax", "pushl %eax")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line.get("text", line.get("kinds")) for line in lines] == [[], "nop", ["writes"], "pushl %eax"]
    assert do(bare, "trace on") == [Tracing(True, "", 0)]


def test_words_without_a_trace_begin_one_on_the_screen(bare: Session) -> None:
    found: list[Any] = []
    bare.trace.show = found.append
    assert do(bare, "trace writes") == [Tracing(True, "", 0, "writes")]
    do(bare, "asm", "pushl %eax", "popl %eax", "movl %eax,-8(%esp)", "end", "c")
    assert [each.told.text for each in found] == ["pushl %eax", "movl %eax,-0x8(%esp)"]


def test_what_is_found_late_is_shown_before_what_it_led_to(linux: Session) -> None:
    found: list[Any] = []
    linux.trace.show = found.append
    do(linux, "trace faults rings", *LINES[:12])
    values: list[Any] = []
    for value in linux.execute("run"):
        values.append((value, len(found)))
    assert [each.told.step.number for each in found] == sorted(each.told.step.number for each in found)
    assert len(found) == values[0][1] == 4


@pytest.mark.parametrize("before", ["trace ", "trace on ", "trace on steps.txt faults ", "trace range 0 +4 ring 3 "])
def test_the_kinds_complete_wherever_they_may_stand(bare: Session, before: str) -> None:
    assert [found.word for found in commands.complete(bare, f"{before}wr")] == ["writes"]
    offered = {found.word for found in commands.complete(bare, before)}
    assert {*KINDS, "ring", "range", "touching"} <= offered


def test_a_kind_may_be_in_the_singular(bare: Session) -> None:
    for words in ("fault write", "faults writes"):
        assert do(bare, f"trace {words}")[-1].wanted == "faults writes"


@pytest.mark.parametrize("line", ["trace fautls", "trace on steps.txt fautls"])
def test_a_kind_that_is_misspelled_is_no_file_in_a_second_place(bare: Session, line: str) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, line)
    assert caught.value.hint == "did you mean faults?"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("ring", "a number is missing"),
        ("ring 4", "4 is no ring"),
        ("range", "a number is missing"),
        ("range 5", "a number is missing"),
        ("range 5 5", "the end 0x5 is not behind 0x5"),
        ("touching 5 +0", "0 is no number of bytes"),
        ("range nowhere +4", "nowhere is not defined"),
        ("on steps.txt more.txt", "one trace has one file"),
        ("wirtes", "a file belongs to `trace on`"),
    ],
)
def test_words_that_mean_nothing_are_refused(bare: Session, words: str, sentence: str) -> None:
    with pytest.raises(Problem, match=re.escape(sentence)):
        do(bare, f"trace {words}")
    assert not bare.trace.on
