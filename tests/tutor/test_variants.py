"""Variants: a seed always draws the same values, on every Python, and all values of a range are drawn alike."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taking import lesson_of

from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.lesson import Lesson
from pagefault_lab.tutor.variants import draw, seed_of

FRONT = """
[variants]
page = { from = 1, to = 15 }
cause = { one_of = [2, 4, 6] }
sign = { from = -3, to = 3 }
one = { from = 7, to = 7 }
wide = { from = 0, to = 0xffffffff }
target = { value = "user_heap + $page * 0x1000" }
next = { value = "$target + 4" }
"""
HEAP = 0x0804C000


@cache
def world() -> Session:
    """The world as it begins."""
    return Session("linux")


@cache
def lesson() -> Lesson:
    return lesson_of("Text.", FRONT)


def drawn(seed: str) -> dict[str, int]:
    return draw(lesson(), seed, world())


@pytest.mark.parametrize(
    ("seed", "page", "cause", "sign", "wide"),
    [
        ("", 5, 4, -2, 215075192),
        ("0", 10, 2, 3, 3073983817),
        ("ada", 6, 6, -2, 1760079278),
        ("Ζωή", 11, 2, 2, 2530949421),
    ],
)
def test_a_seed_draws_the_same_values_for_ever(seed: str, page: int, cause: int, sign: int, wide: int) -> None:
    target = HEAP + page * 0x1000
    assert drawn(seed) == {
        "page": page, "cause": cause, "sign": sign, "one": 7, "wide": wide, "target": target, "next": target + 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("student", "key", "seed"),
    [
        ("", "", "5030c2a8db49e9c6"), ("Ada Lovelace", "tested", "38318147d7ff7ff0"),
        ("Ada Lovelace", "other", "d5ef987bb05ad789"), ("Ζωή", "tested", "ae719327367a14ba"),
    ],
)  # fmt: skip
def test_a_student_has_the_same_seed_for_ever(student: str, key: str, seed: str) -> None:
    assert seed_of(student, key) == seed


@given(
    words=st.lists(st.text("abcéΑΩß ", min_size=1).filter(str.strip), min_size=1, max_size=3), blank=st.text(" \t\n")
)
def test_blanks_case_and_the_way_an_accent_is_typed_are_no_difference_in_a_name(words: list[str], blank: str) -> None:
    name = " ".join(words)
    seed = seed_of(name, "k")
    assert seed_of(f"{blank}{name.replace(' ', f' {blank}')}{blank}", "k") == seed
    assert seed_of(name.casefold(), "k") == seed
    assert seed_of(unicodedata.normalize("NFD", name), "k") == seed
    assert seed_of(f"{name}x", "k") != seed
    assert seed_of(name, "other") != seed


def test_a_name_that_is_no_text_has_a_seed_too() -> None:
    assert seed_of(b"\xff".decode("utf-8", "surrogateescape"), "k") != seed_of("", "k")


@pytest.mark.parametrize(("name", "values"), [("page", range(1, 16)), ("cause", (2, 4, 6)), ("sign", range(-3, 4))])
def test_every_value_is_drawn_about_as_often_as_any_other(name: str, values: range | tuple[int, ...]) -> None:
    seeds = 300 * len(values)
    counts = Counter(drawn(f"student {number}")[name] for number in range(seeds))
    assert sorted(counts) == sorted(values)
    chi_squared = sum((count - 300) ** 2 / 300 for count in counts.values())
    assert chi_squared < len(values) + 4 * (2 * len(values)) ** 0.5  # four standard deviations


def test_variants_are_drawn_apart_from_each_other() -> None:
    pairs = Counter((drawn(str(number))["page"], drawn(str(number))["cause"]) for number in range(2000))
    assert len(pairs) == 15 * 3


def test_one_more_variant_changes_no_other() -> None:
    more = lesson_of("Text.", FRONT.replace("page =", "added = { from = 1, to = 100 }\npage ="))
    values = draw(more, "ada", world())
    assert {name: values[name] for name in drawn("ada")} == drawn("ada")


@pytest.mark.parametrize("value", ["[user_heap]", "1 / ($page - $page)", "$page ? tss.esp9 : nowhere"])
def test_a_value_that_cannot_be_computed_is_a_problem(value: str) -> None:
    with pytest.raises(Problem):
        draw(lesson_of("Text.", f'[variants]\npage = {{ from = 1, to = 2 }}\nx = {{ value = "{value}" }}'), "", world())
