"""Every value that a command may yield has a view and survives JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any

import pytest
from builders import flat, two_rings
from hypothesis import given, settings
from hypothesis import strategies as st
from shown import text_of

from pagefault_lab import commands
from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab import (
    advice,
    asking,
    authors,
    backtrace,
    changed_ranges,
    context,
    decode,
    difference,
    explain,
    frames,
    hypotheses,
    manual,
    matrix,
    modules,
    moments,
    page_tables,
    pictures,
    poking,
    rescue,
    results,
    stacks,
    stages,
    stale_translations,
    story,
    tables,
    tasks,
    theme,
    tracing,
    walks,
    whatif,
)
from pagefault_lab.lab.breakpoints import told
from pagefault_lab.lab.session import Session
from pagefault_lab.machine import delivery, events, faults, paging, step
from pagefault_lab.tutor import findings
from pagefault_lab.views import snake_case, view_of

# parts of other values, which never stand alone; and the types of machinery
PARTS = {
    "Listed", "BreakpointLine", "By", "Register", "HiddenSegment", "DescriptorEntry", "TssField", "TlbLine",
    "MemoryRange",
    "ModuleLine", "Task", "Slot", "Field", "InstructionRow", "Example", "Lookup", "Rule", "Mapped", "Vector", "Change",
    "EntryEdit", "PokedValue", "Misled", "StaleTranslation", "Page", "Moment", "HiddenChange", "EntryChange",
    "DescriptorChange", "GateChange", "FieldChange", "ChangedRange", "TlbChange",
    "EntryBits", "TranslationDropped", "PageMapped", "Privilege", "RegisterBits", "OtherAccess", "TableField",
    "SegmentField", "SelectorLoaded", "Outcome", "Trial", "SupposedAccess",
    "Maps", "Stage", "Lost", "Saving", "TableRestored", "TableRegisterRestored",
    "Advice", "Level", "Case", "Term", "When", "Blamed",
    "Row", "Box", "Strip", "End", "Arrow", "OpenFrame",
    "Stack",
    "FieldValue", "HelpEntry", "HelpSection",
    "Proof",
    "Cached", "Retired", "Interrupted", "ShutDown", "Waiting", "Unsupported",
}  # fmt: skip


def value_types(module: ModuleType) -> Iterator[type]:
    for name, kind in vars(module).items():
        if inspect.isclass(kind) and kind.__module__ == module.__name__ and not name.startswith("_"):
            is_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
            if (is_tuple or hasattr(kind, "__dataclass_fields__")) and not issubclass(kind, Enum | Exception):
                yield kind


MODULES = (
    events, delivery, paging, faults, step,
    results, tables, explain, frames, decode, manual, modules, story, tasks, tracing, walks,
    changed_ranges, moments, difference, page_tables, poking, stale_translations,
    advice, asking, authors, backtrace, hypotheses, matrix, whatif, stages, rescue, pictures,
    context, stacks, theme, told, findings,
)  # fmt: skip


@pytest.mark.parametrize(
    "kind", [kind for module in MODULES for kind in value_types(module)], ids=lambda kind: kind.__name__
)
def test_every_kind_of_value_has_a_view(kind: type) -> None:
    if kind.__name__ not in PARTS:
        assert view_of(kind) is not None, f"views/{snake_case(kind.__name__)}.py is missing"


# one line for each command at least; the session is in the world where most of them have something to show
LINES = [
    "movl $5,%eax", "movl %eax,0", "why", "frame", "si 3", "frame", "backtrace", "info registers", "info idt",
    "info idt 14", "info gdt", "info ldt", "info tss", "info tlb", "info mem", "info creg", "info break", "sreg",
    "walk 0", "walk $esp write supervisor", "page $eip fetch",
    "picture switch", "picture walk $esp write", "picture frame", "picture idt",
    "why 0 write", "why $eip fetch", "why fault 1", "advice",
    "matrix 0", "matrix $esp", "whatif", "whatif fault 1", "whatif write $esp", "whatif fetch 0xc0100000 user wp=0",
    "micro fault", "micro", "micro back", "micro on", "si", "micro off",
    "decode error 7", "decode error 0x72", "decode pte 0x107025", "decode pde 0x105067", "decode selector 0x2b",
    "decode gate 0xc0108e0000100340", "decode gate 0x00100340 0xc0108e00", "decode descriptor 0x00cffa000000ffff",
    "decode eflags 0x10246", "decode cr0 0x80050033", "decode cr4 0x90",
    "help", "help walk", "help info", "help pushl", "help running", "help expressions", "help instructions",
    "p eax+4", "p/t 7", "p/c 65", "p/d -1", "p/a eip", "p/s $esp", "p fault", "p last(fault)", "p frame", "p tss",
    "p/x pte($esp)", "p seg.ds", "p/z at(-1, idt(14))",
    "x/8xw $esp", "x/3xb $esp", "x/s $esp", "x/3i $eip", "xp/4xw 0x1000",
    "x/4xw 0x10", "b $eip", "tb $eip + 1 if eax == 1", "info break", "delete 1", "disas", "list", "symbols", "spot = 5",
    "set $ebx = 9", "set $count = 1", "ni", "irq 0", "back", "redo", "who eax", "who [esp]", "timeline", "goto -1",
    "goto fault", "goto", "reverse-stepi", "set $ebx = 8", "world", "dmesg", "kernel", "user",
    "map 0x40000000", "protect $esp r", "poke $esp 1 2", 'poke/b $esp "text"', "diff", "unmap $esp", "flush", "back 2",
    "watch eax", "awatch [esp] +8", "rwatch user_data", "watch pte(user_heap)", "pb 0x100000", "catch fault 14 if cr2",
    "catch ring", "modebp", "condition 3 eax", "ignore 3 1", "disable 3", "enable 3", "commands 3 p eax", "info break",
    "movl %eax,user_heap", "c", "c", "reverse-nexti", "reverse-continue ring", "reverse-continue", "reverse-finish",
    "goto", "delete", "user", "user", "diff 0", "display/x $eax", "nop", "undisplay 1", "ksyms page", "lsmod",
    "insmod lecture.s", "lsmod", "rmmod lecture", "atmost 3 nop", "trace", "tour", "switch",
    "context", "layout", "layout off", "theme",
    "watch ebx", "awatch $esp", "rwatch $esp, +8", "watch phys 0x1000 if eax", "catch fault", "modebp",
    "pb 0x1000", "b $cs:$eip", "condition 1 eax", "ignore 1 2", "disable 1", "enable", "commands 1 p eax", "info break",
    "pushl %ebx; popl %ebx", "incl %ebx", "b $eip", "int3", "reverse-nexti", "reverse-continue", "reverse-continue",
    "reverse-finish", "delete",
    "kernel", "unmap $idtr.base", "flush", "movl 0,%eax", "why",
]  # fmt: skip


def values_of(lines: list[str], world: str) -> Iterator[tuple[str, object]]:
    from pagefault_lab.problem import Problem

    session = Session(world)
    for line in lines:
        try:
            for value in session.execute(line):
                yield line, value
        except Problem:
            pass  # what is wrong there is not what is tested here


def assert_plain(found: Any) -> None:
    """Nothing but what JSON knows, and a kind in every object of a class."""
    if isinstance(found, dict):
        assert all(isinstance(key, str) for key in found)
        for item in found.values():
            assert_plain(item)
    elif isinstance(found, list):
        for item in found:
            assert_plain(item)
    else:
        assert found is None or isinstance(found, bool | int | float | str)


@pytest.mark.parametrize("world", ["linux", "bare"])
def test_what_lines_yield_is_shown_and_survives_json(world: str) -> None:
    seen = set()
    for line, value in values_of(LINES, world):
        found = to_json(value)
        assert isinstance(found["kind"], str)
        assert_plain(found)
        assert json.loads(json.dumps(found)) == found
        assert view_of(type(value)) is not None, line
        for width in (80, 120):
            shown = text_of(value, width)
            assert max(map(len, shown.splitlines()), default=0) <= width, (line, shown)
        assert text_of(value, plain=True).isascii()
        seen.add(found["kind"])
    assert {"step", "value", "decoded", "idt_table", "command_help", "instruction_help", "examined"} <= seen
    if world == "linux":
        assert {"task_switched", "page_tables_edited", "stale_translations", "flushed", "poked", "difference"} <= seen
        assert {"explanation", "frame_picture", "tss_picture", "tlb_table", "memory_map", "kernel_log"} <= seen


def test_the_lines_above_try_every_command() -> None:
    needs_a_file_or_ends_it_all = {"save", "load", "quit", "asm", "run", "c", "finish", "until"}
    tried = {found.spelling for line in LINES if (found := commands.find(line)) is not None}
    first_names = {commands.spellings()[spelling][1] for spelling in tried}
    elsewhere = {command.name for command in commands.all_commands() if command.group == "lesson"}  # test_lesson_shown
    all_names = {command.name for command in commands.all_commands()}
    assert all_names - first_names - elsewhere <= needs_a_file_or_ends_it_all


def test_a_value_in_json_is_as_documented() -> None:
    values = [to_json(value) for _, value in values_of(["p 3 + 4", "p/x 255"], "bare")]
    assert values == [
        {"kind": "value", "expression": "3 + 4", "value": 7},
        {"kind": "value", "expression": "255", "value": 255},
    ]


def test_a_step_in_json_tells_text_changes_and_the_fault() -> None:
    steps = [to_json(value) for _, value in values_of(["movl %eax,0"], "linux")]
    told = next(found for found in steps if found["kind"] == "step")
    assert told["text"] == "movl %eax,0x0"
    assert told["end"] == "interrupted"
    assert told["fault"]["words"] == "user, write, not-present"
    assert {"register": "cpl", "before": 3, "after": 0} in told["changes"]
    kinds = [event["kind"] for event in told["events"]]
    assert kinds[-2:] == ["page_walk", "delivery"]
    assert told["events"][-2]["access"] == "write"


def test_text_from_the_guest_cannot_command_the_terminal() -> None:
    log = results.KernelLog("a\x1b[2Jb\x07\nnext\tline", 0)
    assert text_of(log) == "a\\x1b[2Jb\\x07\nnext    line"
    assert "\x1b" not in text_of(results.Examined(0, False, "s", 1, ("\x1b]0;x\x07",), "", None))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=4, max_size=40), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF), st.booleans())
def test_whatever_runs_can_be_told(code: bytes, cpl: int, number: int, paging: bool) -> None:
    machine = two_rings(code, cpl, ebx=0x14000, eax=number) if paging else flat(code, ebx=number)
    for _ in range(12):
        step = machine.step()
        told = story.tell(step)
        assert max(map(len, text_of(told).splitlines()), default=0) <= 80
        assert_plain(to_json(told))
        why = explain.explain(told)
        if why is not None:
            assert max(map(len, text_of(why).splitlines())) <= 80
            assert_plain(to_json(why))
