"""Lines that fit: what is optional goes first, then words move to the next row, further to the right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.views.lines import Line, Lines, Span, glued, maybe, note, table


def test_what_is_optional_is_left_out_where_there_is_no_room() -> None:
    line = Lines.of(Line.of("address", maybe(" <symbol>"), " value", maybe(" more")))
    assert line.text(40) == "address <symbol> value more"
    assert line.text(24) == "address <symbol> value"
    assert line.text(15) == "address value"


def test_a_long_line_goes_on_further_to_the_right() -> None:
    assert Lines.of(Line.of("one two three four", indent=2, hang=3)).text(12) == "  one two\n     three\n     four"


def test_a_word_over_several_spans_is_not_broken_between_them() -> None:
    assert Lines.of(Line.of("aaa ", Span("bbb", "bold"), ",", note("ccc"))).text(9) == "aaa\n    bbb,c\n    cc"


def test_glued_text_stays_together_and_shows_spaces() -> None:
    assert Lines.of(Line.of("aaa ", glued("b b b"), hang=0)).text(6) == "aaa\nb b b"


def test_a_table_drops_optional_columns_and_breaks_the_last_one() -> None:
    shown = Lines.of(table([("a", "bb", "some words here"), ("aaa", "b", "x")], ("h", "", ""), optional=(1,)))
    assert shown.text(40) == "h\na    bb  some words here\naaa  b   x"
    assert shown.text(16) == "h\na    some words\n     here\naaa  x"


def test_signs_become_words_without_unicode() -> None:
    assert Lines.of(Line.of("✓ yes ✗ no … │")).text(80, ascii_only=True) == "ok yes NO no ... |"


words = st.text(st.sampled_from("ab <>0123456789x✓✗"), max_size=30)


@given(
    st.lists(st.builds(Span, words, st.just(""), st.booleans()), max_size=6), st.integers(0, 12), st.integers(20, 60)
)
def test_no_row_is_too_long_and_no_wanted_text_is_lost(spans: list[Span], indent: int, width: int) -> None:
    rows = Lines.of(Line(tuple(spans), indent)).text(width).splitlines()
    assert all(len(row) <= width for row in rows)
    shown = "".join("".join(rows).split())
    everything = "".join("".join(span.text for span in spans).split())
    wanted = "".join("".join(span.text for span in spans if span.wanted).split())
    assert shown in (everything, wanted) or len(wanted) < len(shown) < len(everything)
