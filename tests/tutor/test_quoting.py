"""Text that quotes the machine: how numbers are written, and that nothing but a quote is changed."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.quoting import fill, quotes


@cache
def world() -> Session:
    session = Session("linux")
    session.variables["n"] = 0
    return session


def filled(text: str, n: int = 0) -> str:
    world().variables["n"] = n
    return fill(text, world())


@pytest.mark.parametrize(
    ("quote", "n", "expected"),
    [
        ("{{ $n }}", 0, "0"), ("{{ $n }}", 0xFFF, "4095"), ("{{ $n }}", 0x1000, "0x1000"), ("{{ $n }}", -1, "-1"),
        ("{{ $n }}", 0xFFFFFFFF, "0xffffffff"), ("{{/d $n}}", 0x1000, "4096"), ("{{/x $n}}", 10, "0xa"),
        ("{{/x $n}}", -10, "-0xa"), ("{{/z $n}}", 10, "0x0000000a"), ("{{/z $n}}", 0xC0000000, "0xc0000000"),
        ("{{/t $n}}", 6, "0b110"), ("{{/a $n}}", 0x0804C000, "user_heap"), ("{{/a $n}}", 0x0804C004, "user_heap+4"),
        ("{{/a $n}}", 3, "0x00000003"), ("{{$n}}", 5, "5"), ("{{ $n\n+ 1 }}", 5, "6"), ("{{/x\t$n}}", 5, "0x5"),
        ("{{ $n == 5 ? 1 : 2 }}", 5, "1"), ("{{ user_heap }}", 0, "0x804c000"),
    ],
)  # fmt: skip
def test_a_quote_is_written_like_this(quote: str, n: int, expected: str) -> None:
    assert filled(quote, n) == expected
    assert filled(f"a {quote}b{quote}", n) == f"a {expected}b{expected}"


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("a {{ b", 2, "never closed"), ("{{ 1 }} {{", 8, "never closed"), ("{{ 1 {{ 2 }}", 0, "never closed"),
        ("{{ 1 }", 0, "never closed"), ("x {{/q 1}}", 4, "no format /q"), ("{{/xx 1}}", 2, "no format /xx"),
        ("{{/ 1}}", 2, "no format"), ("{{}}", 2, "missing"), ("a {{ 1 + }}", 9, "missing"),
        ("\n{{ 1 2 }}", 6, "more than"), ("{{ pte(1).presnt }}", 10, "presnt"),
    ],
)  # fmt: skip
def test_a_wrong_quote_says_where(text: str, column: int, part: str) -> None:
    with pytest.raises(Problem) as caught:
        list(quotes(text))
    assert part in caught.value.sentence
    assert (caught.value.text, caught.value.column) == (text, column)


@given(
    st.lists(
        st.text("ab{}\n $/x\\`é", max_size=8).filter(lambda text: "{{" not in text and text[-1:] != "{"), max_size=5
    )
)
def test_nothing_but_quotes_is_changed(texts: list[str]) -> None:
    assert filled("{{ 7 }}".join(texts)) == "7".join(texts)


@given(n=st.integers(-(2**40), 2**40))
def test_what_is_written_means_the_value(n: int) -> None:
    for letter in ("", "/d", "/x", "/t"):
        assert int(filled(f"{{{{{letter} $n}}}}", n), 0) == n
    assert int(filled("{{/z $n}}", n), 16) == n


@given(st.text("{}/xzq $n1+()&\n", max_size=30))
def test_any_text_is_filled_or_a_problem_with_a_place_in_it(text: str) -> None:
    try:
        filled(text)
    except Problem as problem:
        assert problem.column is None or 0 <= problem.column <= len(text)  # noqa: PT017
