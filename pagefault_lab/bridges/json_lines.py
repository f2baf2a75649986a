"""Every value that a line yields as one JSON object with a `kind`.

`kind` is the name of the value's class in snake_case. Its fields follow by their names: numbers as integers (addresses
too), bytes as hexadecimal text, enumerations as their words, values within values as objects of their own. A field
that is itself called `kind` is called `access` where it says read, write or fetch, and else after its class
(`symbol_kind`). A mapping whose keys are numbers is a list of [key, value] pairs.

Stable: {"kind": "value", "expression": "...", "value": 7}, and of `kind` "step" the fields number, cs, eip, linear,
cpl, text, changes, end, fault, events.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from pagefault_lab.lab.results import Value
from pagefault_lab.lab.stages import Stages, StageShown
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.tracing import Traced
from pagefault_lab.machine.decoder import Instruction
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.segmentation import Descriptor
from pagefault_lab.machine.step import Step
from pagefault_lab.views import snake_case

Json = dict[str, Any]


def to_json(value: object) -> Json:
    """The object of one value; text and numbers on their own are wrapped, so that it is always an object."""
    found = _json(value)
    return found if isinstance(found, dict) else {"kind": "text" if isinstance(value, str) else "plain", "value": found}


def _json(value: object) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.value if isinstance(value.value, str) else value.name.lower()
        case bytes() | bytearray():
            return value.hex()
        case Mapping():
            if all(isinstance(key, str) for key in value):
                return {key: _json(item) for key, item in value.items()}
            return [[_json(key), _json(item)] for key, item in value.items()]
    special = SPECIAL.get(type(value))
    if special is not None:
        return special(value)
    kind: type = type(value)
    names = _fields(kind)
    if names is not None:
        return _object(value, names)
    if isinstance(value, tuple | list | set | frozenset):
        return [_json(item) for item in value]
    return str(value)


def _object(value: object, names: tuple[str, ...]) -> Json:
    found: Json = {"kind": _kind(type(value))}  # type: ignore[arg-type]
    for name in names:
        item = getattr(value, name)
        if name == "kind":
            name = "access" if isinstance(item, Kind) else f"{found['kind']}_kind"
        found[name] = _json(item)
    return found


@cache
def _kind(kind: type) -> str:
    return snake_case(kind.__name__)


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's or a NamedTuple's fields; None for other types."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    if issubclass(kind, tuple):
        return getattr(kind, "_fields", None)
    return None


@cache
def _properties(kind: type) -> tuple[str, ...]:
    return tuple(name for name, member in vars(kind).items() if isinstance(member, property))


# --- values whose fields are not what a reader wants


def _value(value: Value) -> Json:
    return {"kind": "value", "expression": value.expression, "value": value.value}


def _story(told: Story) -> Json:
    step = told.step
    delivered = [delivery.fault for delivery in step.deliveries]
    return {
        "kind": "step",
        "number": step.number,
        "cs": step.cs,
        "eip": step.eip,
        "linear": step.linear,
        "cpl": step.cpl,
        "text": told.text,
        "instruction": _json(step.instruction),
        "changes": [{"register": name, "before": before, "after": after} for name, before, after in step.changes],
        "end": snake_case(type(step.end).__name__),
        "unsupported": getattr(step.end, "what", None),
        "fault": _json(delivered[0]) if delivered else None,
        "events": [_json(event) for event in step.events],
        "names": [[address, name] for address, name in told.names.items()],
        "stale": [[linear, _json(walk)] for linear, walk in told.stale.items()],
    }


def _stages(whole: Stages) -> Json:
    told = _story(whole.told)
    del told["events"]
    stages = [{"attempt": attempt, "events": _json(events)} for attempt, events in whole.stages]
    return {**told, "kind": "stages", "stages": stages}


def _stage_shown(shown: StageShown) -> Json:
    told = shown.whole.told
    return {
        "kind": "stage_shown",
        "step": told.step.number,
        "text": told.text,
        "stage": shown.at + 1,
        "stages": len(shown.whole.stages),
        "replayed": shown.replayed,
        "attempt": shown.stage.attempt,
        "events": _json(shown.stage.events),
        "stack": _json(shown.stack),
    }


def _instruction(instruction: Instruction) -> Json:
    return {
        "kind": "instruction",
        "name": instruction.form.name,
        "mnemonic": instruction.form.mnemonic,
        "bytes": instruction.bytes.hex(),
        "length": instruction.length,
        "operands": [_json(operand) for operand in instruction.operands],
        "operand_size": instruction.operand_size,
        "address_size": instruction.address_size,
        "repeat": instruction.repeat,
        "lock": instruction.lock,
    }


def _fault(fault: Fault) -> Json:
    from pagefault_lab.views.words import error_words

    return {
        "kind": "fault",
        "vector": fault.vector,
        "mnemonic": fault.row.mnemonic,
        "name": fault.row.name,
        "error": fault.error,
        "words": error_words(fault),
        "linear": fault.linear,
        "trap": fault.trap,
    }


def _with_properties(value: Gate | Descriptor) -> Json:
    """A value that is bits, with all that the bits say."""
    found = {"kind": snake_case(type(value).__name__), "raw": value.raw}
    for name in _properties(type(value)):  # type: ignore[arg-type]
        found[f"{found['kind']}_kind" if name == "kind" else name] = _json(getattr(value, name))
    return found


SPECIAL: dict[type, Callable[[Any], Any]] = {
    Value: _value,
    Story: _story,
    Stages: _stages,
    StageShown: _stage_shown,
    Step: lambda step: _story(tell(step)),
    Traced: lambda step: _story(step.told),
    Instruction: _instruction,
    Fault: _fault,
    Gate: _with_properties,
    Descriptor: _with_properties,
}
