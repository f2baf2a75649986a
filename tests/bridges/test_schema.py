"""The schema of a trace's JSON Lines: it is valid, knows every kind of event, and fits whatever is traced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from builders import flat, two_rings
from hypothesis import given, settings
from hypothesis import strategies as st

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.bridges.trace import heading, schema
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.wanted import KINDS, Wanted
from pagefault_lab.machine import delivery, events, operands, paging
from pagefault_lab.problem import Problem
from pagefault_lab.views import snake_case

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

LESSONS = Path(__file__).parents[2] / "lessons"
SCHEMA = json.loads(schema())


@cache
def validator() -> Any:
    return jsonschema.Draft202012Validator(SCHEMA)


def check(lines: Iterable[dict[str, Any]]) -> set[str]:
    """Each line fits the schema; the kinds of objects in them."""
    kinds: set[str] = set()
    for line in lines:
        error = next(validator().iter_errors(json.loads(json.dumps(line))), None)
        assert error is None, f"{error.message} at {error.json_path}"
        kinds.update(kinds_in(line))
    return kinds


def kinds_in(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("kind"), str):
            yield found["kind"]
        for item in found.values():
            yield from kinds_in(item)
    elif isinstance(found, list):
        for item in found:
            yield from kinds_in(item)


class Judge:
    """Takes a trace as a file does, and checks one step of each shape."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self._seen: set[Any] = set()

    def begin(self, session: Session, wanted: Wanted) -> None:
        self.kinds |= check([heading(session, wanted)])

    def write(self, told: Story) -> None:
        step = told.step
        form = step.instruction.form if step.instruction is not None else None
        shape = form, type(step.end), frozenset(map(_shape, step.all_events())), bool(told.stale)
        if shape not in self._seen:
            self._seen.add(shape)
            self.kinds |= check([to_json(told)])

    def close(self) -> None: ...


def _shape(event: Any) -> Any:
    return type(event), isinstance(getattr(event, "end", None), paging.Mapped), getattr(event, "fault", None) is None


def traced(lines: Iterable[str]) -> set[str]:
    """The kinds of objects in the trace of these lines, in the world `linux`."""
    session, judge = Session("linux"), Judge()
    session.trace.open_file = lambda path: judge
    session.trace.start(Path("steps.jsonl"))
    for line in lines:
        try:
            for _ in session.execute(line):
                pass
        except Problem:
            session.abandon()  # what is wrong there is not what is tested here
    return judge.kinds


def test_the_schema_is_one_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_no_object_may_have_a_key_that_the_schema_does_not_name() -> None:
    for name, found in SCHEMA["$defs"].items():
        if found.get("type") == "object":
            assert found["additionalProperties"] is False, name
            assert found["required"] == list(found["properties"]), name


def test_every_kind_of_event_and_operand_is_in_the_schema() -> None:
    never_in_a_step = {"Noted"}  # a journal's
    classes = [
        kind
        for module in (events, delivery, paging, operands)
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
        if hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__")
    ]
    names = {snake_case(kind.__name__) for kind in classes if kind.__name__ not in never_in_a_step}
    assert names - SCHEMA["$defs"].keys() == set()
    assert SCHEMA["$defs"]["trace"]["properties"]["kinds"]["items"]["enum"] == list(KINDS)


@pytest.mark.parametrize("script", sorted(LESSONS.glob("**/*.lab")), ids=lambda path: path.stem)
def test_the_trace_of_a_lesson_fits(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    assert {"trace", "step", "access"} <= traced(script.read_text("utf-8").splitlines())


# lines whose steps have every kind of event, and operands of every kind
EVERYTHING = (
    "movl %eax,0", "c", "lgdt 0", "back", "pushl %es", "popl %es", "movb %al,%bl", "movw %ax,%bx", "int $0x80", "c",
    "int $14", "c", "irq 0", "nop", "c", "kernel", "movl %cr3,%eax", "movl %eax,%cr3", "movl %dr7,%eax",
    "inb $0x60,%al", "outb %al,$0x80", "movl (%ebx,%esi,4),%eax", "ljmp $0x10,$0", "back", "ltr %ax", "back",
    "movl $0x18,%eax", "movl %eax,%fs", "pushl $0x2b", "pushl $0xbfffffe0", "pushl $0x202", "pushl $0x23",
    "pushl $0x8030000", "iret", "protect $esp r", "pushl %eax", "c",
)  # fmt: skip


def test_every_kind_of_event_that_is_traced_fits() -> None:
    kinds = traced(EVERYTHING)
    delivered = {"delivery", "gate_read", "code_chosen", "stack_chosen", "pushed", "entered", "gate", "descriptor"}
    found = {"access", "tlb_hit", "check", "page_walk", "lookup", "rule", "mapped", "segment_access", "port_access"}
    assert kinds >= delivered | found | {"segment_nulled", "fault", "instruction"}


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=4, max_size=40), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF), st.booleans())
def test_whatever_runs_fits(code: bytes, cpl: int, number: int, paging: bool) -> None:
    machine = two_rings(code, cpl, ebx=0x14000, eax=number) if paging else flat(code, ebx=number)
    for _ in range(8):
        check([to_json(tell(machine.step(), None, machine))])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "trace", "version": 2},
        {"kind": "value", "value": 1},
        {"version": 1},
        [],
    ],
)
def test_what_is_no_line_of_a_trace_does_not_fit(wrong: object) -> None:
    assert not validator().is_valid(wrong)


def test_a_step_with_a_key_more_or_less_does_not_fit() -> None:
    step = json.loads(json.dumps(to_json(tell(flat(b"\x50").step()))))
    assert validator().is_valid(step)
    for key in step:
        assert not validator().is_valid({name: value for name, value in step.items() if name != key}), key
    assert not validator().is_valid(step | {"more": 0})
    access = next(event for event in step["events"] if event["kind"] == "access")
    access["more"] = 0
    assert not validator().is_valid(step)
