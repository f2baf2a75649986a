"""What is handed in is read strictly and within bounds: a file holds a submission, or there is one clear Problem."""

import json
from binascii import b2a_base64
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_class import begun, bomb, forged, small_lesson, take, type_lines

from pagefault_lab.lab.recording import Line, digest_of
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.submission import LARGEST, LONGEST_LINE, MOST_LINES, one_line, read_submission, write

LESSON = small_lesson()
HONEST = write(take(LESSON, "Ada Lovelace", 0xF))


def complaint(data: bytes) -> str:
    with pytest.raises(Problem) as caught:
        read_submission(data, "it")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value.sentence


def signed(*objects: object) -> bytes:
    """Objects, each on its line and with its right crc: what someone writes who knows the format."""
    crc, text = 0, b""
    for each in objects:
        if isinstance(each, dict):
            crc = crc32(json.dumps(each).encode(), crc)
            each = {**each, "crc": crc}
        text += (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n"
    return text


HEAD = json.loads(HONEST.splitlines()[0])
del HEAD["crc"]
ENDED = {"ended": True}


def test_what_is_written_is_read() -> None:
    found = read_submission(HONEST, "it")
    assert (found.key, found.digest, found.student) == (LESSON.key, LESSON.digest, "Ada Lovelace")
    assert [each.text for each in found.recording.inputs if isinstance(each, Line)][-1].startswith("say")


def test_its_note_says_to_people_how_it_stands() -> None:
    attempt = begun(LESSON, "Ada")
    type_lines(attempt, "lesson hint", "nop", "lesson answer", "lesson next", "hint", "hint")
    note = json.loads(write(attempt).splitlines()[-2])["note"]
    assert note == "small-class, Ada: 0 of 10 points, 6 lines; hints: number 1, touch 2; answers shown: number"


def test_contents_of_files_come_with_it() -> None:
    found = read_submission(forged(LESSON, "Ada", ["load x.s"], contents=(b"nop\n",)), "it")
    assert found.recording.contents == {digest_of(b"nop\n"): b"nop\n"}


@pytest.mark.parametrize("cut", range(2, len(HONEST), 37))
def test_one_that_is_cut_off_is_none(cut: int) -> None:
    complaint(HONEST[:-cut])


def test_a_missing_newline_at_the_end_is_no_harm() -> None:
    assert read_submission(HONEST[:-1], "it") == read_submission(HONEST, "it")


@pytest.mark.parametrize("place", range(0, len(HONEST) - 1, 11))
def test_a_changed_byte_is_noticed(place: int) -> None:
    changed = bytes([HONEST[place] ^ 1])
    data = HONEST[:place] + changed + HONEST[place + 1 :]
    if data.split() != HONEST.split():
        complaint(data)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"%PDF-1.4\n", b"\xff\xfe{\0", b"{}\n", b"[]\n", b"null\n", b'{"recording": 1}\n', b"[" * 100_000,
        b'{"recording": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", b'{"recording": 1e999, "crc": NaN}\n',
        signed(HEAD), signed(HEAD, ENDED, ENDED, "x"), signed({**HEAD, "lesson": {}}, ENDED),
        signed({**HEAD, "lesson": {**HEAD["lesson"], "seed": 5}}, ENDED),
        signed({**HEAD, "lesson": []}, ENDED), signed({**HEAD, "world": None}, ENDED),
        signed({**HEAD, "lesson": {**HEAD["lesson"], "student": "\x1b[2J"}}, ENDED),
        signed({**HEAD, "lesson": {**HEAD["lesson"], "student": "\u202egrade"}}, ENDED),
        signed({**HEAD, "lesson": {**HEAD["lesson"], "student": "A" * 1000}}, ENDED),
        signed(HEAD, {"line": 5, "steps": 0}, ENDED), signed(HEAD, {"line": "nop"}, ENDED),
        signed(HEAD, {"line": "nop", "steps": True}, ENDED), signed(HEAD, {"line": "nop", "steps": 1.0}, ENDED),
        signed(HEAD, {"line": "nop", "steps": 1, "given": "x"}, ENDED),
        signed(HEAD, {"line": "nop", "steps": 1, "given": ["unknown"]}, ENDED),
        signed(HEAD, {"line": "nop", "steps": 1, "given": [{}]}, ENDED),
        signed(HEAD, {"line": "nop", "steps": 1, "stop": "2"}, ENDED),
        signed(HEAD, '{"line": "nop", "line": "hlt", "steps": 1, "crc": 1}', ENDED),
        signed(HEAD, '{"line": "nop", "steps": ' + "9" * 10_000 + ', "crc": 1}', ENDED),
        signed(HEAD, {"contents": "x", "data": "not base64"}, ENDED),
        signed(HEAD, {"contents": "x"}, ENDED),
    ],
)  # fmt: skip
def test_what_is_malformed_is_one_problem(data: bytes) -> None:
    complaint(data)


def test_another_format_says_so() -> None:
    assert "another format" in complaint(signed({**HEAD, "recording": 2}, ENDED))


def test_a_key_twice_and_numbers_that_are_none_are_refused() -> None:
    line = '{"line": "nop", "steps": 1, "steps": 1}'
    crc = crc32(json.dumps({"line": "nop", "steps": 1}).encode(), crc32(json.dumps(HEAD).encode()))
    twice = f'{line[:-1]}, "crc": {crc}}}'
    complaint(signed(HEAD, twice))
    complaint(signed(HEAD, {"line": "nop", "steps": float("nan")}, ENDED))


def test_contents_that_explode_are_refused_before_they_do() -> None:
    text = b2a_base64(bomb(64 << 20), newline=False).decode()
    assert len(text) < 100_000
    complaint(signed(HEAD, {"contents": digest_of(bytes(64 << 20)), "data": text}, ENDED))


def test_many_small_contents_are_refused_together() -> None:
    contents = tuple(bytes(1 << 20) + bytes([number]) for number in range(9))
    complaint(forged(LESSON, "Ada", ["load x.s"], contents=contents))


def test_its_size_and_its_lines_have_bounds() -> None:
    assert "too large" in complaint(HONEST + b" " * LARGEST)
    assert "lines" in complaint(forged(LESSON, "Ada", ["nop"] * (MOST_LINES + 1)))
    assert "characters" in complaint(forged(LESSON, "Ada", ["#" * (LONGEST_LINE + 1)]))


def test_a_strangers_text_is_one_line_that_commands_nothing() -> None:
    assert one_line("a\x1b[2J\n b\u202e\ud800", 50) == "a\ufffd[2J b\ufffd\ufffd"
    assert one_line("x" * 100, 10) == "xxxxxxx..."


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The text with some bytes replaced, left out or put in."""

    @st.composite
    def change(draw: st.DrawFn) -> bytes:
        text = bytearray(data)
        for _ in range(draw(st.integers(1, 4))):
            place = draw(st.integers(0, len(text)))
            text[place : place + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
        return bytes(text)

    return change()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
objects = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("line", "steps", "stop", "given", "contents", "data", "note", "abandoned"), values)
)
malformed = (
    st.binary(max_size=300)
    | damaged(HONEST)
    | st.lists(objects, max_size=4).map(lambda found: signed(HEAD, *found, ENDED))
    | st.fixed_dictionaries(dict.fromkeys(HEAD, values)).map(lambda head: signed(head, ENDED))
)


@settings(max_examples=150, deadline=None)
@given(malformed)
def test_whatever_is_in_a_file_is_a_submission_or_a_problem(data: bytes) -> None:
    try:
        told = read_submission(data, "it").key
    except Problem as problem:
        told = problem.sentence
    assert "\n" not in told
