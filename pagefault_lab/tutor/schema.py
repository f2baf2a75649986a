"""The keys and values that a lesson's TOML may have: lesson.schema.json says them, for editors and for the reader.

As the reader goes by the same file, the two cannot disagree. It understands what that file uses of JSON Schema; by
`format`, it knows what a string is: a text that may quote the machine, or an expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from pagefault_lab.problem import closest
from pagefault_lab.tutor.toml_places import Keys

_Form: TypeAlias = Mapping[str, Any]

_TYPES: Final[dict[str, type]] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


class Misfit(NamedTuple):
    """What is wrong with the value at `keys`, and what would fit."""

    keys: Keys
    sentence: str
    hint: str | None


class Written(NamedTuple):
    """A string that fits, at `keys`; `format` is "text", "expression", or "" for one of no further meaning."""

    keys: Keys
    text: str
    format: str


def schema() -> str:
    """The JSON Schema (draft 2020-12) of front matters; of bodies under its anchors task, ask and predict."""
    return (Path(__file__).parent / "lesson.schema.json").read_text("utf-8")


def read(table: dict[str, Any], name: str) -> Iterator[Misfit | Written]:
    """All that a table has which does not fit the definition of this name, and the strings that do."""
    return _read(table, {"$ref": f"#/$defs/{name}"}, ())


@cache
def _definitions() -> dict[str, _Form]:
    return {f"#/$defs/{name}": form for name, form in json.loads(schema())["$defs"].items()}


def _form(shape: _Form) -> _Form:
    """What a shape refers to, or itself."""
    return _definitions()[shape["$ref"]] if "$ref" in shape else shape


def _read(value: Any, shape: _Form, keys: Keys) -> Iterator[Misfit | Written]:
    form = _form(shape)
    if not _fits(value, form):
        hint = closest(value, form["enum"], 1) if "enum" in form and isinstance(value, str) else None
        yield Misfit(keys, f"{_called(keys)} must be {_wanted(form)}", hint or shape.get("description"))
    elif isinstance(value, str):
        yield Written(keys, value, form.get("format", ""))
    elif isinstance(value, dict):
        yield from _read_table(value, form, keys)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _read(item, form["items"], (*keys, number))
            if form.get("uniqueItems") and item in value[:number]:
                yield Misfit((*keys, number), f"{_called(keys)} has {item} twice", "leave one of them out")


def _read_table(table: dict[str, Any], form: _Form, keys: Keys) -> Iterator[Misfit | Written]:
    properties = form.get("properties", {})
    further = form["additionalProperties"]
    for key, value in table.items():
        place = (*keys, key)
        if key in properties:
            yield from _read(value, properties[key], place)
        elif not further:
            hint = closest(key, properties) or f"there are {', '.join(properties)}"
            yield Misfit(place, f"there is no key {key} in {_this(form)}", hint)
        elif not _fits(key, form["propertyNames"]):
            yield Misfit(place, f"{key} cannot be a key here", f"it must be {_wanted(form['propertyNames'])}")
        else:
            yield from _read(value, further, place)
    yield from _combined(table, form, keys)


def _combined(table: dict[str, Any], form: _Form, keys: Keys) -> Iterator[Misfit]:
    """Keys that a table needs beside those that it has, and those that exclude each other."""

    def purpose(*names: str) -> str:
        return "; ".join(f"{name}: {form['properties'][name]['description']}" for name in names)

    for key in form.get("required", ()):
        if key not in table:
            yield Misfit(keys, f"{_this(form)} has no {key}", purpose(key))
    for key, others in form.get("dependentRequired", {}).items():
        for other in others:
            if key in table and other not in table:
                yield Misfit((*keys, key), f"{_this(form)} has {key} but no {other}", purpose(other))
    ways = [way["required"] for way in form.get("oneOf", form.get("anyOf", ()))]
    names = [key for way in ways for key in way]
    had = [way for way in ways if all(key in table for key in way)]
    if ways and not any(key in table for key in names):
        yield Misfit(keys, f"{_this(form)} has neither {' nor '.join(map(' and '.join, ways))}", purpose(*names))
    elif "oneOf" in form and len(had) > 1:
        (first, *_), (second, *_) = had[:2]
        yield Misfit((*keys, second), f"{_this(form)} has both {first} and {second}", "one of them is enough")


def _fits(value: Any, form: _Form) -> bool:
    """Whether a value by itself is what a form says, whatever it consists of."""
    allowed = form.get("enum", [form["const"]] if "const" in form else None)
    if allowed is not None:
        return any(type(value) is type(each) and value == each for each in allowed)
    if type(value) is not _TYPES[form["type"]]:  # isinstance would take true for a number
        return False
    if isinstance(value, int):
        return bool(form.get("minimum", value) <= value <= form.get("maximum", value))
    if isinstance(value, str):
        pattern = form.get("pattern", "").replace("$", r"\Z")  # in Python, $ also stands before a last line feed
        return len(value) <= form["maxLength"] and re.search(pattern, value) is not None
    if isinstance(value, list):
        return bool(form.get("minItems", 0) <= len(value) <= form["maxItems"])
    return True


# --- words


def _wanted(form: _Form) -> str:
    """What a form wants."""
    if "const" in form:
        return json.dumps(form["const"])
    if "enum" in form:
        return f"one of {', '.join(form['enum'])}"
    match form["type"]:
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number from {form['minimum']} to {form['maximum']}"
        case "string":
            return f"{form['description']}, of at most {form['maxLength']} characters"
        case "array":
            return f"a list of {form.get('minItems', 0)} to {form['maxItems']} {_item(form['items'])}"
        case _:
            return "a table"


def _item(shape: _Form) -> str:
    """What an array consists of."""
    form = _form(shape)
    return {"object": "tables", "string": "texts", "integer": "whole numbers"}[form.get("type", "string")]


def _this(form: _Form) -> str:
    return f"this {form['title']}"


def _called(keys: Keys) -> str:
    """What the value at these keys is called: its key, in an array with its number there, from 1 on."""
    key = next(key for key in reversed(keys) if isinstance(key, str))
    return f"number {keys[-1] + 1} of {key}" if isinstance(keys[-1], int) else key
