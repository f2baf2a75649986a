"""The pictures' numbers are the machine's: each is compared with what an expression reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benches import do, everything, only, value
from picture_states import PICTURES, STATES, begun, built, large_page, moved_tss, null_tr, pictures_of

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab.pictures import Box, Picture, PictureSaved, Row
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.views.svg import svg_of


def picture(session: Session, line: str) -> Picture:
    return only(Picture, do(session, line))


def box(shown: Picture, key: str) -> Box:
    return next(each for each in shown.boxes if each.key == key)


def number(shown: Picture, key: str, name: str) -> int | None:
    """The number of the row that is called so."""
    return next(row.number for row in box(shown, key).rows if row.name == name)


def failed(shown: Picture) -> list[str]:
    """The boxes in which something is marked as failed."""
    return [each.key for each in shown.boxes if any(row.failed for row in each.rows)]


def leads(shown: Picture) -> set[tuple[str, str]]:
    return {(arrow.source.box, arrow.target.box) for arrow in shown.arrows}


def lying(shown: Picture) -> list[tuple[int, Row]]:
    """The numbers of which the picture says where they lie."""
    return [(row.at, row) for each in shown.boxes for row in each.rows if row.at is not None and row.number is not None]


# --- picture switch


def test_a_fault_at_cpl_3_is_drawn_with_every_number_that_led_to_its_handler(linux: Session) -> None:
    before = {name: value(linux, name) for name in ("esp", "eip", "cs", "ss")}
    do(linux, "movl %eax,0")
    shown = picture(linux, "picture switch")
    assert shown.title.startswith("#PF page fault, as it was delivered in step 0: CPL 3 -> 0")
    wanted = {
        ("idtr", "base"): "idtr.base", ("idtr", "limit"): "idtr.limit",
        ("gdtr", "base"): "gdtr.base", ("gdtr", "limit"): "gdtr.limit",
        ("tr", "selector"): "tr", ("tr", "base"): "gdt(tr >> 3).base",
        ("gate", "at"): "idtr.base + 14*8",
        ("gate", "offset"): "idt(14).offset", ("gate", "selector"): "idt(14).selector",
        ("code", "at"): "gdtr.base + (idt(14).selector & ~7)",
        ("descriptor", "at"): "gdtr.base + (tr & ~7)", ("descriptor", "base"): "gdt(tr >> 3).base",
        ("tss", "+4 ESP0"): "tss.esp0", ("tss", "+8 SS0"): "tss.ss0",
        ("handler", "CS"): "cs", ("handler", "EIP"): "eip",
        ("interrupted", "CS"): "u32[tss.esp0 - 16]", ("interrupted", "EIP"): "u32[tss.esp0 - 20]",
        ("interrupted", "SS"): "u32[tss.esp0 - 4]", ("interrupted", "ESP"): "u32[tss.esp0 - 8]",
        ("old", "at"): "u32[tss.esp0 - 8]", ("old", "+0"): "u32[u32[tss.esp0 - 8]]",
    }  # fmt: skip
    for (key, name), expression in wanted.items():
        assert number(shown, key, name) == value(linux, expression), (key, name)
    assert {name: number(shown, "interrupted", name.upper()) for name in before} == before
    stack, top = box(shown, "new").rows, value(linux, "tss.esp0")
    assert [row.at for row in stack] == [*range(top, top - 28, -4), top - 24]
    assert [row.name for row in stack[1:-1]] == ["SS", "ESP", "EFLAGS", "CS", "EIP", "error"]
    assert stack[-1].at == value(linux, "esp")
    for at, row in lying(shown):
        assert row.number == value(linux, f"u32[{at}]")
    assert {
        ("idtr", "gate"), ("gate", "code"), ("gate", "handler"), ("code", "handler"), ("gdtr", "code"),
        ("tr", "descriptor"), ("descriptor", "tss"), ("tss", "new"), ("new", "old"), ("interrupted", "old"),
    } == leads(shown)  # fmt: skip
    assert not shown.refusal


def test_what_happened_stays_what_it_was_when_the_tables_change_later(linux: Session) -> None:
    do(linux, "movl %eax,0")
    before = picture(linux, "picture switch")
    do(linux, "set idtr.limit = 7", "set gdtr.limit = 0x17", "poke/w gdtr.base 0")
    assert picture(linux, "picture switch") == before


def test_from_cpl_0_no_stack_is_switched_and_no_tss_read(linux: Session) -> None:
    do(linux, "kernel", "movl %eax,0")
    shown = picture(linux, "picture switch")
    assert "CPL stays 0, no switch" in shown.title
    assert not {"tr", "tss", "descriptor", "old"} & {each.key for each in shown.boxes}
    assert [row.name for row in box(shown, "new").rows[1:-1]] == ["EFLAGS", "CS", "EIP", "error"]
    assert box(shown, "new").rows[0].at == number(shown, "interrupted", "ESP")
    assert box(shown, "new").rows[-1].at == value(linux, "esp")
    assert ("same", "new") in leads(shown)
    assert shown.notes == ("The CPU pushes the frame by itself, the first value at the highest address.",)


def test_what_would_come_now_is_tried_on_a_copy_and_is_what_then_comes(linux: Session) -> None:
    before = everything(linux)
    would = picture(linux, "picture switch")
    assert "if it came now, at CPL 3" in would.title
    assert everything(linux) == before
    do(linux, "movl %eax,0")
    did = picture(linux, "picture switch")
    assert "as it was delivered" in did.title
    for key in ("idtr", "gdtr", "tr", "gate", "code", "descriptor", "tss", "handler", "old"):
        assert box(would, key) == box(did, key)
    pushed = zip(box(would, "new").rows, box(did, "new").rows, strict=True)
    assert [row.number for row, _ in pushed if row.name == "error"] == [None]
    same = zip(box(would, "new").rows, box(did, "new").rows, strict=True)
    assert all(mine == other for mine, other in same if mine.name != "error")


def test_a_vector_that_is_named_is_one_that_would_come_now(linux: Session) -> None:
    do(linux, "movl %eax,0")
    for vector in (0, 13, 14, 32, 128):
        shown = picture(linux, f"picture switch {vector}")
        assert "now, at CPL 0" in shown.title
        assert number(shown, "gate", "at") == value(linux, f"idtr.base + 8*{vector}")
        assert number(shown, "handler", "EIP") == value(linux, f"idt({vector}).offset")
        with_error = [row.name for row in box(shown, "new").rows].count("error")
        assert with_error == (vector in (13, 14))


@pytest.mark.parametrize("line", ["picture switch 256", "picture switch -1", "picture idt 256", "picture idt -1"])
def test_a_vector_that_there_is_none_of_is_a_problem(linux: Session, line: str) -> None:
    with pytest.raises(Problem, match="no vector"):
        do(linux, line)


@pytest.mark.parametrize(
    ("state", "where", "words"),
    [
        ("bare", "gate", "the gate lies inside the IDT"),
        ("no IDT", "gate", "P=0 in the PTE"),
        ("no IDT, shut down", "gate", "P=0 in the PTE"),
        ("a gate not present", "gate", "the gate is present (P=0)"),
        ("no gate", "gate", "the entry is a gate"),
        ("a data selector in the gate", "code", "the gate leads to a code segment"),
        ("a selector beyond the GDT", "gate", "the selector lies inside its table"),
        ("null TR", "tss", "the TSS holds a stack for the ring"),
        ("a short TSS", "tss", "the TSS holds a stack for the ring"),
        ("no kernel stack", "new", "0x00007ffc"),
        ("half a frame", "new", "0x00006ffc"),
    ],
)
def test_a_delivery_that_fails_is_drawn_as_far_as_it_came_and_marked_there(state: str, where: str, words: str) -> None:
    shown = picture(STATES[state](), "picture switch")
    assert failed(shown) == [where]
    assert words in shown.refusal
    assert "the handler is not reached" in shown.title
    assert not any(each.key == "handler" for each in shown.boxes)


def test_a_triple_fault_is_told_to_its_end() -> None:
    shown = picture(STATES["no IDT, shut down"](), "picture switch")
    assert "as it was delivered" in shown.title
    assert [note.rpartition(": ")[2] for note in shown.notes] == [
        "double fault.",
        "triple fault, the processor shuts down.",
    ]


def test_after_a_shutdown_nothing_can_come_now() -> None:
    with pytest.raises(Problem, match="shut down"):
        do(STATES["no IDT, shut down"](), "picture switch 14")


def test_a_task_gate_is_drawn_and_said_not_to_be_simulated() -> None:
    shown = picture(STATES["a task gate"](), "picture switch")
    assert "task gate" in shown.refusal
    assert [row.name for row in box(shown, "gate").rows if row.number is not None] == ["at", "selector"]


def test_tr_goes_by_what_ltr_has_loaded_and_not_by_the_gdt() -> None:
    session = built(moved_tss)()
    shown = picture(session, "picture switch")
    assert ("tr", "tss") in leads(shown)
    assert number(shown, "tss", "+4 ESP0") == value(session, "u32[0x5084]") == 0x8800
    assert any("TR keeps what ltr loaded" in note for note in shown.notes)


def test_without_a_tss_a_fault_at_cpl_0_is_delivered_all_the_same() -> None:
    shown = picture(built(null_tr, 0)(), "picture switch")
    assert not shown.refusal
    assert "no switch" in shown.title


# --- picture walk


@pytest.mark.parametrize(
    "address", ["esp", "eip", "counter", "idt_alias", "0xc0000000", "page_fault + 3", "0xbffffffe"]
)
@pytest.mark.parametrize("how", ["", " write user", " fetch supervisor"])
def test_a_walk_has_the_entries_that_lie_in_physical_memory(linux: Session, address: str, how: str) -> None:
    linear = value(linux, address)
    shown = picture(linux, f"picture walk {address}{how}")
    assert number(shown, "directory", "at") == value(linux, f"(cr3 & ~0xfff) + 4*({linear} >> 22)")
    pde = value(linux, f"phys[(cr3 & ~0xfff) + 4*({linear} >> 22)]")
    assert number(shown, "directory", "PDE") == pde
    pte_at = (pde & 0xFFFFF000) + 4 * (linear >> 12 & 0x3FF)
    assert number(shown, "table", "at") == pte_at
    assert number(shown, "table", "PTE") == value(linux, f"phys[{pte_at}]")
    assert bool(shown.refusal) == bool(failed(shown)) == (box(shown, "end").title == "#PF page fault")
    if not shown.refusal:
        physical = value(linux, f"phys[{pte_at}]") & 0xFFFFF000 | linear & 0xFFF
        assert number(shown, "end", "=") == physical
        assert number(shown, "end", "byte") == value(linux, f"phys[{physical}] & 0xff")
    bits = "".join(cell.rows[1].note for cell in shown.strips[0].cells)
    assert int(bits, 2) == linear
    assert [len(cell.rows[1].note) for cell in shown.strips[0].cells] == [10, 10, 12]


@pytest.mark.parametrize(
    ("line", "where", "bit", "error"),
    [
        ("picture walk 0 write", "directory", "P=0", 6),
        ("picture walk 0x08050000", "table", "P=0", 4),
        ("picture walk 0xc0100000 read", "directory", "U/S=0", 5),
        ("picture walk user_text write", "table", "R/W=0", 7),
        ("picture walk idt_alias write supervisor", "table", "R/W=0", 3),
    ],
)
def test_the_entry_that_refuses_is_marked_in_words(linux: Session, line: str, where: str, bit: str, error: int) -> None:
    shown = picture(linux, line)
    assert failed(shown) == [where, "end"]
    assert box(shown, where).rows[-1] == Row(note=bit, failed=True)
    assert f"refused by {bit} in the P" in shown.refusal
    assert number(shown, "end", "error") == error


def test_a_large_page_is_cut_into_10_and_22_bits_and_has_no_page_table() -> None:
    shown = picture(built(large_page)(), "picture walk 0x00412345 write user")
    assert [len(cell.rows[1].note) for cell in shown.strips[0].cells] == [10, 22]
    assert not any(each.key == "table" for each in shown.boxes)
    assert (number(shown, "end", "base"), number(shown, "end", "+")) == (0, 0x12345)


def test_without_paging_the_linear_address_is_the_physical_one(bare: Session) -> None:
    do(bare, "set u32[0x5000] = 0x12345678")
    shown = picture(bare, "picture walk 0x5000 write user")
    assert [row.number for row in box(shown, "end").rows] == [0x5000, 0x78]
    assert not shown.strips
    assert "Paging is off" in shown.notes[0]


def test_a_stale_translation_is_drawn_beside_the_tables(linux: Session) -> None:
    do(linux, "movl (%esp),%eax", "protect $esp r")
    shown = picture(linux, "picture walk $esp write")
    assert failed(shown) == ["table", "end", "tlb"]
    assert number(shown, "tlb", "->") == number(shown, "table", "PTE") & ~0xFFF  # type: ignore[operator]
    assert any("allows the access, though the page tables say read-only" in note for note in shown.notes)
    do(linux, "flush")
    assert not any(each.key == "tlb" for each in picture(linux, "picture walk $esp write").boxes)


# --- picture frame


def test_a_frame_tells_who_pushed_each_value(linux: Session) -> None:
    do(linux, "movl %eax,0", "si 3")
    shown = picture(linux, "picture frame")
    assert [row.name for row in box(shown, "cpu").rows] == ["SS", "ESP", "EFLAGS", "CS", "EIP", "error code"]
    assert [row.note for row in box(shown, "guest").rows][1:] == ["pushl %ds", "is ESP now"]
    for at, row in lying(shown):
        assert row.number == value(linux, f"u32[{at}]")
    top = next(arrow.target for arrow in shown.arrows if arrow.source.box == "now")
    assert box(shown, top.box).rows[top.row].at == value(linux, "esp")
    assert number(shown, "now", "ESP") == value(linux, "esp")
    assert number(shown, "interrupted", "ESP") == box(shown, "old").rows[0].at == value(linux, "u32[tss.esp0 - 8]")


def test_a_frame_on_the_same_stack_has_no_old_one(linux: Session) -> None:
    do(linux, "kernel", "movl %eax,0")
    shown = picture(linux, "picture frame")
    assert [row.name for row in box(shown, "cpu").rows[:-1]] == ["EFLAGS", "CS", "EIP", "error code"]
    assert not any(each.key == "old" for each in shown.boxes)
    assert "the ring did not change" in shown.notes[0].lower()


def test_without_a_frame_there_is_no_picture_of_one(linux: Session) -> None:
    with pytest.raises(Problem, match="no exception frame"):
        do(linux, "picture frame")


# --- picture idt


def test_a_gate_is_drawn_as_its_bytes_lie(linux: Session) -> None:
    for vector in (0, 14, 128):
        shown = picture(linux, f"picture idt {vector}")
        fields, memory, operand = shown.strips
        at = value(linux, f"idtr.base + 8*{vector}")
        lying_there = bytes(value(linux, f"u8[{at + place}]") for place in range(8))
        assert bytes.fromhex("".join(cell.rows[0].note for cell in memory.cells)) == lying_there
        values = {cell.title: cell.rows[1].note for cell in fields.cells}
        assert int(values["63..48"], 16) << 16 | int(values["15..0"], 16) == value(linux, f"idt({vector}).offset")
        assert int(values["31..16"], 16) == value(linux, f"idt({vector}).selector")
        assert int(values["46..45"], 2) == value(linux, f"idt({vector}).dpl")
        assert int(values["47"], 2) == value(linux, f"idt({vector}).present")
        do(linux, "sidt -8(%esp)")
        said = bytes.fromhex(" ".join(cell.rows[1].note for cell in operand.cells))
        assert said == bytes(value(linux, f"u8[esp - 8 + {place}]") for place in range(6))


def test_the_table_lists_every_vector_once(linux: Session) -> None:
    vectors = [row.name for row in box(picture(linux, "picture idt"), "idt").rows]
    assert [name for name in vectors if name == "14"] == ["14"]
    covered = [vector for name in vectors for vector in _range(name)]
    assert covered == list(range(256))


def _range(name: str) -> range:
    first, _, last = name.partition("-")
    return range(int(first), int(last or first) + 1)


def test_the_vector_asked_for_is_among_the_rows_that_are_shown() -> None:
    shown = picture(STATES["every gate differs"](), "picture idt 31")
    assert [row.name for row in box(shown, "idt").rows][-2:] == ["31", ""]
    assert box(shown, "idt").rows[-1].note == "and 15 gates more"


def test_the_idt_says_where_its_page_lies_and_where_else_it_is_mapped(linux: Session) -> None:
    shown = picture(linux, "picture idt")
    frame = number(shown, "page", "frame")
    assert frame == value(linux, "pte(idtr.base) & ~0xfff")
    alias = number(shown, "page", "and at")
    assert value(linux, f"pte({alias}) & ~0xfff") == frame
    assert [note.split()[-1] for note in shown.notes] == ["mapped.", "mapped."]
    do(linux, "unmap idtr.base", "flush")
    shown = picture(linux, "picture idt")
    assert failed(shown) == ["page", "idt"]
    assert all("NOT mapped" in note for note in shown.notes[1:])


# --- all of them


@pytest.mark.parametrize("state", STATES)
def test_a_picture_changes_nothing_and_is_the_same_again(state: str) -> None:
    session = STATES[state]()
    before = everything(session)
    first = dict(pictures_of(session))
    assert everything(session) == before
    assert dict(pictures_of(session)) == first
    assert len(first) >= len(PICTURES) - 4


@pytest.mark.parametrize("state", STATES)
def test_arrows_lead_from_rows_to_rows_of_the_same_lane_or_the_next(state: str) -> None:
    for line, shown in pictures_of(STATES[state]()):
        boxes = {each.key: each for each in shown.boxes}
        cells = {cell.key for strip in shown.strips for cell in strip.cells}
        assert len(boxes) == len(shown.boxes), line
        for arrow in shown.arrows:
            target = boxes[arrow.target.box]
            assert arrow.target.row < len(target.rows), (line, arrow)
            if arrow.source.box not in cells:
                source = boxes[arrow.source.box]
                assert arrow.source.row < len(source.rows), (line, arrow)
                assert abs(source.lane - target.lane) <= 1, (line, arrow)


def test_a_picture_in_json_has_its_numbers_as_numbers(linux: Session) -> None:
    found = to_json(picture(linux, "picture walk $esp"))
    assert json.loads(json.dumps(found)) == found
    assert (found["kind"], found["what"]) == ("picture", "walk")
    cr3 = next(each for each in found["boxes"] if each["key"] == "cr3")
    assert cr3["rows"][0]["number"] == value(linux, "cr3")
    assert found["arrows"][0]["kind"] == "arrow"


# --- files


def test_a_picture_goes_into_a_file_and_only_a_picture_is_replaced(linux: Session, tmp_path: Path) -> None:
    linux.svg_of = svg_of
    path = tmp_path / "walk.svg"
    shown = picture(linux, "picture walk $esp write user")
    assert do(linux, f"picture walk $esp write user {path}") == [PictureSaved(str(path), "walk", False)]
    assert path.read_text("utf-8") == svg_of(shown)
    assert only(PictureSaved, do(linux, f"picture switch {path}")).replaced
    assert only(PictureSaved, do(linux, f'picture idt 3 "{path}"')).what == "idt"
    assert "gate 3" in path.read_text("utf-8")
    mine = tmp_path / "mine.svg"
    mine.write_text("<svg/>")
    with pytest.raises(Problem, match="is no picture"):
        do(linux, f"picture idt {mine}")
    assert mine.read_text() == "<svg/>"


def test_a_place_that_cannot_be_written_is_a_problem(linux: Session, tmp_path: Path) -> None:
    linux.svg_of = svg_of
    with pytest.raises(Problem, match="cannot be written"):
        do(linux, f"picture idt {tmp_path}/no/such/folder/idt.svg")


def test_a_file_of_another_kind_is_refused_with_the_usage(linux: Session, tmp_path: Path) -> None:
    for name in ("walk.png", f"{tmp_path}/walk.png", "./walk"):
        for line in (f"picture walk 0 {name}", f"picture switch {name}", f"picture frame {name}"):
            with pytest.raises(Problem, match=r"does not end in \.svg") as caught:
                do(linux, line)
            assert Path(name).name in caught.value.sentence
            assert "FILE.svg" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "line",
    ["picture walk esp", "picture walk esp/2", "picture switch 28/2", "picture switch", "picture idt", "picture idt 3"],
)
def test_the_slashes_of_a_file_divide_nothing(linux: Session, tmp_path: Path, line: str) -> None:
    linux.svg_of = svg_of
    shown = picture(linux, line)
    for name in (f"{tmp_path}/a.svg", f"{tmp_path}/B.SVG", f'"{tmp_path}/c d.svg"'):
        do(linux, f"{line} {name}")
        assert Path(name.strip('"')).read_text("utf-8") == svg_of(shown)


def test_a_file_gets_the_same_bytes_each_time() -> None:
    files = [[svg_of(shown) for _, shown in pictures_of(begun("linux", "movl %eax,0")())] for _ in range(2)]
    assert files[0] == files[1]
