"""Where the keys and values of a TOML text stand, judged by tomllib: what stands there means what it read."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.tutor.toml_places import Places

SAMPLE = r'''# the lesson
a = 1 # one
"q\u0041" = "b\n\u0041\t\"c"
many = [1, [2, 'x', ], # two
  {y = 5, z.w = """
first \
   continued""", t = true },
]
d . 'e' = """
line "two" and three"""""
"." = \'\'\'
no \n escape\'\'\'
[[message]]
when = "x"
[[message]]
when = 'y'
[message.sub]
k = 2024-01-01
[[message.deep]]
k = 1
[[message.deep]]
k = 0x1f
[ variants . p ]
page = { from = 1, to=2 }
none = []
nothing = {}
'''.replace(r"\'", "'")


def values(found: Any, keys: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every value in a document, tables and arrays included, with its keys."""
    inside = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [(keys, found)] * bool(keys) + [pair for key, each in inside for pair in values(each, (*keys, key))]


def check(text: str) -> None:
    places = Places(text)
    for keys, value in values(tomllib.loads(text)):
        place = places.of(keys)
        written = text[place.start : place.end]
        if place in (places.of(keys[:-1]), places.of((*keys, 0))) or (isinstance(value, dict) and written[:1] != "{"):
            continue  # a table, or an array of tables, that only headers and dotted keys make
        assert tomllib.loads(f"x = {written}") == {"x": value}, keys
        if isinstance(value, str):
            check_characters(places, text, keys, value)


def check_characters(places: Places, text: str, keys: tuple[str | int, ...], value: str) -> None:
    at = [places.inside(keys, offset) for offset in range(len(value))]
    assert at == sorted(set(at))
    for character, place in zip(value, at, strict=True):
        assert text[place] in (character, "\\")


def test_every_value_of_a_sample_stands_where_it_is_said_to() -> None:
    check(SAMPLE)


@pytest.mark.parametrize(
    ("keys", "there"),
    [
        (("a",), "a = 1"),
        (("qA",), '"q\\u0041" = '),
        (("many", 1, 1), "'x', ], # two"),
        (("many", 2, "y"), "y = 5"),
        (("d", "e"), "d . 'e' = "),
        (("message",), '[[message]]\nwhen = "x"'),
        (("message", 0, "when"), 'when = "x"'),
        (("message", 1, "when"), "when = 'y'"),
        (("message", 1, "sub"), "[message.sub]"),
        (("message", 1, "deep", 1, "k"), "k = 0x1f"),
        (("message", 1, "lacks"), "[[message]]\nwhen = 'y'"),
        (("variants", "p", "page", "to"), "to=2 }"),
        (("lacks",), "# the lesson"),
    ],
)
def test_a_key_is_found_and_one_that_lacks_by_its_table(keys: tuple[str | int, ...], there: str) -> None:
    assert SAMPLE[Places(SAMPLE).of(keys).key :].startswith(there)


TEXTS = st.text(alphabet="ab'\"\\\n\t #=[]{},.é𝄞", max_size=12)
KEYS = st.text(alphabet="ab-_. \"'é", max_size=4)
PLAIN = st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | TEXTS


def quoted(text: str, how: int) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    basic = escaped.replace("\n", "\\n").replace("\t", "\\u0009")
    if how == 1:
        return f'"""\n{escaped}"""'
    if how == 2 and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    if how == 3 and not set(text) & {"'", "\n"}:
        return f"'{text}'"
    return f'"""{basic}"""' if how == 4 else f'"{basic}"'


@st.composite
def written(draw: st.DrawFn, depth: int = 2) -> str:
    """A value in TOML, in one of the ways to write it."""
    kind = draw(st.integers(0, 2 if depth else 0))
    if kind == 0:
        value = draw(PLAIN)
        if isinstance(value, str):
            return quoted(value, draw(st.integers(0, 4)))
        return str(value).lower()
    items = draw(st.lists(written(depth=depth - 1), max_size=3))
    if kind == 1:
        blank = draw(st.sampled_from(["", " ", "\n", " # comment ]\n"]))
        return f"[{blank}{f'{blank},{blank}'.join(items)}{blank}]"
    return f"{{ {', '.join(f'k{number} = {item}' for number, item in enumerate(items))} }}"


@given(pairs=st.dictionaries(KEYS, written(), max_size=4), tables=st.lists(st.sampled_from(["[[t]]", "[[t.u]]"])))
def test_every_value_of_any_text_stands_where_it_is_said_to(pairs: dict[str, str], tables: list[str]) -> None:
    lines = [f"{quoted(key, 0)} = {value}" for key, value in pairs.items()]
    for number, header in enumerate(tables if "t" not in pairs else []):
        lines += ["[[t]]"] * (number == 0) + [header, f"n = {number} "]
    check("\n".join(lines))
