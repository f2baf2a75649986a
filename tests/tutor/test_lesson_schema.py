"""The schema of lessons: what it accepts the reader accepts, and the other way round; jsonschema is the judge."""

from __future__ import annotations

import copy
import datetime
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.problem import Problems
from pagefault_lab.tutor.lesson import FORMAT
from pagefault_lab.tutor.questions import USUAL
from pagefault_lab.tutor.reading import BUDGET, read_lesson
from pagefault_lab.tutor.schema import Misfit, read, schema
from pagefault_lab.tutor.toml_places import Keys
from pagefault_lab.worlds import WORLDS

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

SCHEMA = json.loads(schema())
SAMPLE = (Path(__file__).parent / "sample.md").read_text("utf-8")
KEYWORDS = {  # what the reader understands, and what is for people
    "type", "const", "enum", "minimum", "maximum", "maxLength", "pattern", "items", "minItems", "maxItems", "$ref",
    "uniqueItems", "properties", "required", "additionalProperties", "propertyNames", "dependentRequired", "oneOf",
    "anyOf", "format", "title", "description", "default", "$anchor",
}  # fmt: skip


def tables() -> list[tuple[str, dict[str, Any]]]:
    """The front matter of the sample and the body of each exercise, with the name of its definition."""
    bodies = re.findall(r"^```(task|ask|predict)\n(.*?)^```$", SAMPLE, re.DOTALL | re.MULTILINE)
    front = ("front_matter", SAMPLE.split("+++\n")[1])
    student = ("front_matter", 'format = 1\nkey = "s"\ntitle = "S"\nedition = "student"\nlab = "0.1"\ndigest = "00"')
    sealed = ("ask", 'id = "a"\npoints = 1\nquestion = "Which?"\ndigest = "0123abcd"')
    return [(name, tomllib.loads(text)) for name, text in [front, student, sealed, *bodies]]


TABLES = tables()


@cache
def validator(name: str) -> Any:
    """The judge of a definition. As in ECMAScript, $ is the end of a text only; in Python also before a line feed."""

    def pattern(_: Any, form: str, text: Any, __: Any) -> Iterator[Any]:
        if isinstance(text, str) and not re.search(form.replace("$", r"\Z"), text):
            yield jsonschema.ValidationError(f"{text!r} is not {form}")

    judge = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return judge({**SCHEMA, "$ref": f"#/$defs/{name}"})


def check(name: str, table: dict[str, Any]) -> bool:
    """Whether a table fits; both must say so."""
    misfits = [found for found in read(table, name) if isinstance(found, Misfit)]
    fits = validator(name).is_valid(table)
    assert fits == (not misfits), (table, misfits)
    return bool(fits)


def forms(found: Any = SCHEMA) -> Iterator[dict[str, Any]]:
    """Every form in the schema: itself, what it defines, and what these consist of."""
    yield found
    for keyword in ("properties", "$defs"):
        for form in found.get(keyword, {}).values():
            yield from forms(form)
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if found.get(keyword):
            yield from forms(found[keyword])


def places(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    yield keys
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*keys, key))


def at(table: dict[str, Any], keys: Keys) -> Any:
    value: Any = table
    for key in keys:
        value = value[key]
    return value


def changed(table: dict[str, Any], keys: Keys, change: Any) -> dict[str, Any]:
    """The table with another value at these keys; with `None`, with none there."""
    table = copy.deepcopy(table)
    holder = at(table, keys[:-1])
    if change is None:
        del holder[keys[-1]]
    else:
        holder[keys[-1]] = change
    return table


# --- the schema


def test_the_schema_is_one_of_draft_2020_12_that_describes_everything_it_allows() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for form in forms():
        for name, each in form.get("properties", {}).items():
            assert each["description"], name


def test_the_schema_is_of_front_matters_and_of_bodies_under_its_anchors() -> None:
    front, *_, task = (table for _, table in TABLES)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(front)
    for name in ("task", "ask", "predict"):
        anchored = jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#{name}"})
        assert anchored.is_valid(task) is (name == "task")


def test_the_reader_understands_every_keyword_of_the_schema() -> None:
    for form in forms():
        assert form.keys() - {"$schema", "$defs"} <= KEYWORDS
        for way in form.get("oneOf", form.get("anyOf", ())):
            assert way.keys() == {"required"}


def test_everything_is_bounded_and_no_table_may_have_a_key_that_the_schema_does_not_name() -> None:
    bounds = {
        "string": {"maxLength", "description"}, "integer": {"minimum", "maximum"}, "array": {"maxItems", "items"},
        "object": {"additionalProperties"}, "boolean": set(),
    }  # fmt: skip
    for form in forms():
        assert bounds[form["type"]] <= form.keys() if "type" in form else True


def test_the_schema_knows_the_worlds_the_usual_questions_and_the_defaults() -> None:
    front, predict = (SCHEMA["$defs"][name]["properties"] for name in ("front_matter", "predict"))
    assert front["world"]["enum"] == list(WORLDS)
    assert front["format"]["const"] == FORMAT
    assert front["budget"]["default"] == BUDGET
    assert predict["asks"]["items"]["enum"] == list(USUAL)


# --- its agreement with the reader

JUNK: list[Any] = [  # no float that is whole: JSON has no such thing
    0, 1, -1, 20, 21, 600, 601, 1000, 1001, 10**8, 10**8 + 1, 2**32 - 1, 2**32, -(2**31), -(2**31) - 1, 2.5,
    float("inf"), True, False, "", " ", "\n", "a", "a-b", "a--b", "-a", "a\n", "a\nb", "A", "é", "linux", "student",
    "fault", "0f", "0f0", "k" * 60, "k" * 61, "k" * 200, "k" * 201, "k" * 10_001, datetime.date(2024, 1, 1), [], [1],
    [1, 2], ["a"], ["a", "a"], ["a", "b"], ["fault", "error"], ["fault", "fault"], [[]], [{}], ["a"] * 21, {},
    {"a": 1}, {"from": 1, "to": 2}, {"from": 1}, {"one_of": [1]}, {"value": "1"}, {"value": "1", "one_of": [1]},
    {"when": "1", "say": "x"}, [{"when": "1", "say": "x"}], [{"lines": "nop", "earns": 0}],
    [{"holds": "1", "points": 1}], [{"text": "?", "answer": "1"}], [{"text": "?", "digest": "00"}], [{"text": "?"}],
]  # fmt: skip
KEYS = sorted(
    {key for form in forms() for key in form.get("properties", {})} | {"", "x", "a b", "_a", "A1", "k" * 41, "a\n"}
)


def test_the_tables_of_the_sample_fit() -> None:
    assert all(check(name, table) for name, table in TABLES)


def kinds_of_places() -> Iterator[tuple[str, dict[str, Any], Keys]]:
    """Every kind of place in the sample once: of the items of an array, the first one's."""
    seen = set()
    for name, table in TABLES:
        for keys in places(table):
            kind = name, tuple("item" if isinstance(key, int) else key for key in keys)
            if kind not in seen:
                yield name, table, keys
            seen.add(kind)


def test_reader_and_schema_agree_on_everything_that_stands_in_the_place_of_something() -> None:
    checked = [
        check(name, changed(table, keys, junk))
        for name, table, keys in kinds_of_places()
        if keys
        for junk in [*JUNK, None]
    ]
    assert 200 < sum(checked) < len(checked) / 2


def test_reader_and_schema_agree_on_every_key_that_is_added() -> None:
    checked = [
        check(name, changed(table, (*keys, key), junk))
        for name, table, keys in kinds_of_places() if isinstance(at(table, keys), dict)
        for key in KEYS for junk in (1, "a")
    ]  # fmt: skip
    assert 20 < sum(checked) < len(checked) / 2


@given(data=st.data())
def test_reader_and_schema_agree_on_tables_with_several_changes(data: st.DataObject) -> None:
    name, table = data.draw(st.sampled_from(TABLES))
    for _ in range(data.draw(st.integers(1, 4))):
        keys = data.draw(st.sampled_from(list(places(table))))
        if isinstance(at(table, keys), dict):
            keys = (*keys, data.draw(st.sampled_from(KEYS)))
        changes = [*JUNK, None] if keys in places(table) else JUNK
        table = changed(table, keys, data.draw(st.sampled_from(changes)))
    check(name, table)


def in_toml(value: Any) -> str:
    """A value as TOML writes it, in one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {in_toml(item)}" for key, item in value.items()) + "}"
        case list():
            return f"[{', '.join(map(in_toml, value))}]"
        case bool() | int() | float():
            return str(value).lower()
        case str():
            return json.dumps(value)
        case _:
            return value.isoformat()


def is_lesson(text: str) -> bool:
    try:
        read_lesson(text, "sample.md")
    except Problems:
        return False
    return True


def test_a_file_is_read_as_its_front_matter_is() -> None:
    name, table = TABLES[0]
    for keys in (("minutes",), ("title",), ("world",), ("summary",), ("variants", "cause")):
        for junk in JUNK:
            other = changed(table, keys, junk)
            text = "+++\n" + "".join(f"{key} = {in_toml(value)}\n" for key, value in other.items()) + "+++\nText.\n"
            assert tomllib.loads(text.split("+++\n")[1]) == other
            assert is_lesson(text) == check(name, other)
