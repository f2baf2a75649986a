"""Pictures as text and as SVG: what is drawn lies where it belongs, at every width and in every state."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, pairwise, product
from xml.etree import ElementTree

import pytest
from builders import on_bench, two_rings
from picture_states import STATES, pictures_of
from shown import text_of

from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, PictureSaved, Row, Strip, bits
from pagefault_lab.views.drawing import Drawing, Frame, Wire, Words, place
from pagefault_lab.views.svg import COLUMNS, FAILED, svg_of

WIDTHS = (36, 60, 80, 100, 120, 200)
in_every_state = pytest.mark.parametrize("state", STATES)


@cache
def shown_in(state: str) -> tuple[Picture, ...]:
    """Every picture of a state."""
    return tuple(shown for _, shown in pictures_of(STATES[state]()))


def test_a_walk_as_text() -> None:
    session = on_bench(two_rings(b"\x90"))
    (shown,) = session.execute("picture walk 0x00006abc write user")
    assert (
        text_of(shown)
        == """\
write at 0x00006abc as user
                linear address 0x00006abc
                ┌ 31..22 ──────────┬ 21..12 ─────────┬ 11..0 ───────┐
                │ directory        │ table           │ offset       │
                │ 0000000000       │ 0000000110      │ 101010111100 │
                │ 0x000            │ 0x006           │ 0xabc        │
                └───────┬──────────┴────────┬────────┴──────────────┘
                        v                   │
┌ CR3 ───────┐  ┌ page directory ┐          │
│ 0x00001000 ├─>│ [0x000]        │          v
└────────────┘  │ at 0x00001000  │  ┌ page table ────┐
                │ PDE 0x00002007 ├─>│ [0x006]        │
                │ P RW US - -    │  │ at 0x00002018  │  ┌ #PF page fault ──┐
                └────────────────┘  │ PTE 0x00006003 ├─>│ ✗ no frame       │
                                    │ P RW -- - -    │  │ error 0x00000007 │
                                    │ ✗ U/S=0        │  │ CR2 0x00006abc   │
                                    └────────────────┘  └──────────────────┘
✗ refused by U/S=0 in the PTE (rule: a user may reach it)
The TLB does not hold the page: an access would walk."""
    )


def test_a_screen_without_utf_8_gets_the_same_in_ascii() -> None:
    session = on_bench(two_rings(b"\x90"))
    (shown,) = session.execute("picture walk 0x00006abc write user")
    text = text_of(shown, plain=True).splitlines()
    assert text[3:5] == [
        "                | directory        | table           | offset       |",
        "                | 0000000000       | 0000000110      | 101010111100 |",
    ]
    assert text[-5:-2] == [
        "                                    | P RW -- - -    |  | error 0x00000007 |",
        "                                    | NO U/S=0       |  | CR2 0x00006abc   |",
        "                                    +----------------+  +------------------+",
    ]


@in_every_state
def test_text_fits_the_screen(state: str) -> None:
    for shown, width, plain in product(shown_in(state), WIDTHS, (False, True)):
        text = text_of(shown, width, plain)
        assert max(map(len, text.splitlines())) <= width
        assert text.isascii() or not plain


@in_every_state
def test_nothing_lies_on_something_else(state: str) -> None:
    for shown, width in product(shown_in(state), WIDTHS):
        check(place(shown, width))
        check(place(shown, width, ascii_only=True))


def check(drawing: Drawing) -> None:
    """Boxes apart or wall to wall, words inside of boxes, arrows outside of them and apart."""
    for one, other in combinations(drawing.frames, 2):
        apart = one.x + one.width <= other.x + 1 or other.x + other.width <= one.x + 1
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y, (one, other)
    letters = [(words.x + place, words.y) for words in drawing.words for place in range(len(words.text))]
    assert len(letters) == len(set(letters))
    taken = {point for frame in drawing.frames for point in inside(frame)}
    titles = {(frame.x + 2, frame.y): frame for frame in drawing.frames}
    for words in drawing.words:
        frame = titles.get((words.x, words.y))
        if frame is not None:
            assert words.x + len(words.text) <= frame.x + frame.width - 2
        elif words.style != "note":
            assert all((words.x + place, words.y) in taken for place in range(len(words.text)))
    written = set(letters)
    lines: dict[tuple[tuple[int, int], tuple[int, int]], list[Wire]] = {}
    for wire in drawing.wires:
        points = list(path(wire))
        assert not set(points) & taken
        assert not set(points[1:]) & written
        for link in pairwise(points):
            lines.setdefault((min(link), max(link)), []).append(wire)
    for wires in lines.values():
        begun = {wire.points[0] for wire in wires}
        ended = {wire.points[-1] for wire in wires}
        assert len(begun) == 1 or len(ended) == 1, wires  # those may share a part that come from, or lead to, one row


def inside(frame: Frame) -> list[tuple[int, int]]:
    return [
        (x, y)
        for x in range(frame.x + 1, frame.x + frame.width - 1)
        for y in range(frame.y + 1, frame.y + frame.height - 1)
    ]


def path(wire: Wire) -> list[tuple[int, int]]:
    """Every place that an arrow goes through, in order."""
    found = [wire.points[0]]
    for (x1, y1), (x2, y2) in pairwise(wire.points):
        assert x1 == x2 or y1 == y2
        length = abs(x2 - x1) + abs(y2 - y1)
        found += [(x1 + (x2 - x1) * at // length, y1 + (y2 - y1) * at // length) for at in range(1, length + 1)]
    return found


@in_every_state
def test_each_arrow_is_drawn_from_its_row_to_beside_its_row(state: str) -> None:
    for shown in shown_in(state):
        drawing = place(shown, 120)
        assert len(drawing.wires) == len(shown.arrows)
        for wire in drawing.wires:
            (x, y), head = wire.points[-1], wire.head
            beside = {">": (x + 1, y), "<": (x - 1, y), "v": (x, y + 1)}[head]
            assert any(on_wall(frame, *beside) for frame in drawing.frames), wire
            assert any(on_wall(frame, *wire.points[0]) for frame in drawing.frames)


def on_wall(frame: Frame, x: int, y: int) -> bool:
    within = frame.x <= x < frame.x + frame.width and frame.y <= y < frame.y + frame.height
    return within and (x, y) not in inside(frame)


@in_every_state
def test_every_number_of_a_picture_stands_in_its_text_and_in_its_file(state: str) -> None:
    for shown in shown_in(state):
        svg = "\n".join(ElementTree.fromstring(svg_of(shown)).itertext())
        for text in (text_of(shown), text_of(shown, 120), svg):
            for box in shown.boxes:
                for row in box.rows:
                    if row.number is not None:
                        assert f"0x{row.number:0{2 * row.size}x}" in text
                    if row.at is not None:
                        assert f"0x{row.at:08x}" in text


# --- SVG

SVG = "{http://www.w3.org/2000/svg}"


@in_every_state
def test_a_file_is_xml_with_all_its_words_on_the_page(state: str) -> None:
    for shown in shown_in(state):
        root = ElementTree.fromstring(svg_of(shown))
        assert root.tag == f"{SVG}svg"
        left, top, width, height = map(float, root.attrib["viewBox"].split())
        assert (left, top) == (0, 0)
        assert width <= COLUMNS * 8 + 24  # what fits a page of A4
        assert root.findtext(f"{SVG}title") == shown.title
        told = root.findtext(f"{SVG}desc") or ""
        assert all(f"{box.title}: " in told for box in shown.boxes)
        for text in root.iter(f"{SVG}text"):
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            assert x >= 0
            assert x + float(text.attrib["textLength"]) <= width
            assert 13 <= y <= height
        for line in (*root.iter(f"{SVG}polyline"), *root.iter(f"{SVG}polygon")):
            for point in line.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


@in_every_state
def test_boxes_of_a_file_do_not_overlap(state: str) -> None:
    for shown in shown_in(state):
        root = ElementTree.fromstring(svg_of(shown))
        boxes = [
            tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
            for rect in root.iter(f"{SVG}rect")
            if rect.attrib["fill"] == "none"
        ]
        for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes, 2):
            assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1


def test_a_file_needs_nothing_from_outside_and_is_drawn_on_white() -> None:
    for shown in shown_in("a fault at CPL 3"):
        svg = svg_of(shown)
        assert not re.search(r"href|url\(|<script|<style|@import|<!DOCTYPE|<\?", svg)
        assert re.search(r'<rect width="\d+" height="\d+" fill="#ffffff"/>', svg)


def test_what_failed_has_a_sign_and_words_and_not_only_a_colour() -> None:
    shown = Picture("walk", "x", (Box("a", "a", 0, (Row(note="bad", failed=True),)),), (), (), "because")
    marked = [text for text in ElementTree.fromstring(svg_of(shown)).iter(f"{SVG}text") if text.get("fill") == FAILED]
    assert [text.text for text in marked] == ["✗ bad", "✗ because"]


def test_names_from_a_guest_are_text_and_nothing_else() -> None:
    name = "<a&b\"'>\x1b[2J\x00\ud800日本"
    shown = Picture("walk", f"t {name}", (Box("a", name, 0, (Row(note=name, more=name),)),), (), (), name, (name,))
    root = ElementTree.fromstring(svg_of(shown))
    assert "\x1b" not in "".join(root.itertext())
    text = text_of(shown)
    assert "\x1b" not in text
    walls = [line.rindex("│") for line in text.splitlines() if line.startswith("│")]
    corners = [line.rindex("┐") for line in text.splitlines() if line.startswith("┌")]
    assert walls == corners


# --- layouts that no picture has yet


def boxes(*heights: int, lane: int) -> list[Box]:
    return [
        Box(f"{lane}.{at}", f"box {lane}.{at}", lane, (Row(note="row"),) * height) for at, height in enumerate(heights)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_arrows_that_change_places_cross_but_never_lie_on_each_other(count: int) -> None:
    left, right = boxes(count, lane=0), boxes(count, count, lane=1)
    arrows = [Arrow(End("0.0", at), End("1.1", count - 1 - at)) for at in range(count)]
    check(place(Picture("x", "x", (*left, *right), tuple(arrows)), 80))


def test_two_arrows_may_lead_to_one_row_and_two_come_from_one() -> None:
    arrows = (Arrow(End("0.0"), End("1.0")), Arrow(End("0.1"), End("1.0")), Arrow(End("0.1"), End("1.1")))
    shown = Picture("x", "x", (*boxes(2, 2, lane=0), *boxes(1, 1, lane=1)), arrows)
    check(place(shown, 80))


def test_an_arrow_within_a_lane_goes_round_on_its_side() -> None:
    arrows = (Arrow(End("0.0"), End("0.1")), Arrow(End("0.1"), End("0.0"), left=True))
    shown = Picture("x", "x", tuple(boxes(1, 1, lane=0)), arrows)
    drawing = place(shown, 80)
    check(drawing)
    assert {wire.head for wire in drawing.wires} == {"<", ">"}


def test_on_a_narrow_screen_the_boxes_stand_in_one_lane_and_say_where_they_lead() -> None:
    shown = Picture("x", "x", (*boxes(1, lane=0), *boxes(1, lane=1)), (Arrow(End("0.0"), End("1.0")),))
    drawing = place(shown, 20)
    assert not drawing.wires
    assert {frame.x for frame in drawing.frames} == {0}
    assert Words(2, 1, "row -> box 1.0") in drawing.words


def test_a_strip_that_is_too_wide_goes_on_below() -> None:
    cells = tuple(bits(0x12345678, f"bit{place}", place, place)._replace(key=str(place)) for place in range(31, -1, -1))
    shown = Picture("x", "x", tuple(boxes(1, lane=0)), (), (Strip("bits", cells, True),))
    drawing = place(shown, 80)
    assert drawing.width <= 80
    check(drawing)


@pytest.mark.parametrize(
    ("number", "cell"),
    [(0x80, ("7", "1")), (0xFFFF, ("15..0", "0xffff")), (0x6000, ("14..13", "11")), (0x00E0, ("7..5", "111"))],
)
def test_a_field_is_shown_in_the_digits_that_suit_it(number: int, cell: tuple[str, str]) -> None:
    high, _, low = cell[0].partition("..")
    field = bits(number, "field", int(high), int(low or high))
    assert (field.title, field.rows[-1].note) == cell


def test_a_saved_picture_says_where_it_is_and_what_was_there() -> None:
    assert text_of(PictureSaved("walk.svg", "walk", False)) == "picture walk saved to walk.svg"
    assert text_of(PictureSaved("a\x1b.svg", "idt", True)).startswith("picture idt saved to a\\x1b.svg, in place of")
