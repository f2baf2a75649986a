"""x, xp, disas, list, set, symbols, dmesg: what they show of memory, and where memory ends."""

import pytest
from benches import do, only, value

from pagefault_lab.lab.results import (
    Assigned,
    Disassembly,
    Examined,
    KernelLog,
    Listing,
    Printed,
    Ran,
    SymbolList,
    Value,
)
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem


def examined(session: Session, line: str) -> Examined:
    found = only(Examined, do(session, line))
    assert isinstance(found, Examined)
    return found


@pytest.mark.parametrize(
    ("line", "letter", "size", "values"),
    [
        ("x/4xb 0x9000", "x", 1, (0x41, 0x42, 0x43, 0x00)), ("x/2xh 0x9000", "x", 2, (0x4241, 0x43)),
        ("x/xw 0x9000", "x", 4, (0x434241,)), ("x/1xg 0x9000", "x", 8, (0x1122334400434241,)), ("x 0x9000", "x", 4,
        (0x434241,)),
        ("x/s 0x9000", "s", 1, ("ABC",)), ("x/2s 0x9000", "s", 1, ("ABC", "D3\"\x11")), ("x/3c 0x9000", "c", 1,
        (0x41, 0x42, 0x43)),
        ("x/d 0x9004", "d", 4, (0x11223344,)), ("x/a 0x9000", "a", 4, (0x434241,)), ("xp/2xh 0x9000", "x", 2,
        (0x4241, 0x43)),
    ],
)  # fmt: skip
def test_memory_is_shown_in_gdbs_formats(
    bare: Session, line: str, letter: str, size: int, values: tuple[int, ...]
) -> None:
    do(bare, "set u32[0x9000] = 0x00434241", "set u32[0x9004] = 0x11223344")
    found = examined(bare, line)
    assert (found.letter, found.size, found.values, found.missing) == (letter, size, values, None)


def test_an_asterisk_reads_a_pointer_and_before_a_place_in_the_code_says_nothing(bare: Session) -> None:
    do(bare, "set u32[0x9000] = 0x9004", "set u32[0x9004] = 0x11223344", "set $ebx = 0x9000")
    for line in ("x/xw *0x9000", "x/xw *$ebx", "x/xw *(int*)$ebx", "x/xw [$ebx]"):
        assert (examined(bare, line).address, examined(bare, line).values) == (0x9004, (0x11223344,))
    do(bare, "asm", "nop", "there: nop", "nop", "end", "until *there")
    assert bare.here == bare.symbols["there"]


def test_x_goes_on_behind_the_last_one(bare: Session) -> None:
    assert examined(bare, "x/4xh 0x9000").address == 0x9000
    again = examined(bare, "x")
    assert (again.address, again.size, len(again.values)) == (0x9008, 2, 1)
    with pytest.raises(Problem, match="which address"):
        do(bare, "xp")


def test_where_memory_is_not_mapped_the_rule_is_told(linux: Session) -> None:
    found = examined(linux, "x/4xw user_hole-8")
    assert len(found.values) <= 2
    assert found.missing is not None
    assert (found.missing.level, found.missing.bit) == ("PTE", "P")
    assert examined(linux, "x/xw 0x40000000").missing.level == "PDE"  # type: ignore[union-attr]


def test_looking_changes_nothing(linux: Session) -> None:
    before = linux.machine.cpu.save()
    entry = value(linux, "pte(user_data)")
    do(linux, "x/64xw user_data", "disas user_text", "x/s message", "xp/4xw 0x100000", "dmesg", "symbols", "list")
    assert linux.machine.cpu.save() == before
    assert value(linux, "pte(user_data)") == entry
    assert not linux.history.lines


def test_disassembly_marks_where_the_processor_stands_and_names_what_it_refers_to(linux: Session) -> None:
    do(linux, "movl $user_hole,%ebx", "movl %eax,(%ebx)", "b page_fault+1")
    found = only(Disassembly, do(linux, "disas"))
    assert found.lines[0].here
    assert found.lines[0].label == "page_fault"
    assert len(found.lines) == 10
    assert any(line.symbol for line in found.lines)
    lines = only(Disassembly, do(linux, "disas page_fault, +4")).lines
    assert sum(len(line.bytes) for line in lines) >= 4
    assert only(Disassembly, do(linux, "x/3i $eip")).lines == found.lines[:3]


def test_disassembly_ends_where_memory_does(linux: Session) -> None:
    assert only(Disassembly, do(linux, "disas user_hole")).lines == ()
    assert only(Disassembly, do(linux, "disas user_hole")).unmapped == value(linux, "user_hole")


def test_disassembling_can_be_repeated(linux: Session) -> None:
    first = only(Disassembly, do(linux, "disas printk"))
    second = only(Disassembly, do(linux, linux.repetition))
    last = first.lines[-1]
    assert second.lines[0].address == last.address + len(last.bytes)


def test_setting_tells_before_and_after(bare: Session) -> None:
    assert only(Assigned, do(bare, "set eax = 5")) == Assigned("eax", 0, 5)
    assert only(Assigned, do(bare, "set u16[0x9000] = -1")) == Assigned("u16[0x9000]", 0, 0xFFFF)
    assert only(Assigned, do(bare, "set $n = 3")) == Assigned("$n", None, 3)


def test_the_program_is_listed_with_the_line_that_is_next(bare: Session) -> None:
    do(bare, "asm", "nop", "here: incl %eax", "end", "si")
    lines = only(Listing, do(bare, "list")).lines
    assert [(line.text, line.here) for line in lines] == [("nop", False), ("here: incl %eax", True)]


def test_the_listing_begins_with_the_line_at_a_place_if_one_is_said(bare: Session) -> None:
    do(bare, "asm", "isr: pushal", "again: incl %eax", "jmp again", "end")
    for line in ("list again", "list *isr + 1", "l again"):
        assert [listed.text for listed in only(Listing, do(bare, line)).lines] == ["again: incl %eax", "jmp again"]
    with pytest.raises(Problem, match="nothing that was typed lies at 0x0"):
        do(bare, "list 0")


def test_symbols_can_be_searched(linux: Session) -> None:
    found = only(SymbolList, do(linux, "symbols PAGE_FAULT")).symbols
    assert {"page_fault", "do_page_fault"} <= {symbol.name for symbol in found}
    kinds = {symbol.name: symbol.kind for symbol in only(SymbolList, do(linux, "symbols")).symbols}
    assert kinds["page_fault"] == "code"
    assert kinds["PAGE_OFFSET"] == "constant"
    assert kinds["jiffies"] == "data"
    assert kinds["add_up"] == "code"
    do(linux, "mine: nop")
    assert only(SymbolList, do(linux, "symbols mine")).symbols[0].kind == "typed"


def test_the_kernels_log_is_read_from_its_memory(linux: Session) -> None:
    assert "Hello" in only(KernelLog, do(linux, "dmesg")).text
    do(linux, "movl $user_hole,%ebx", "movl %eax,(%ebx)", "c")
    log = only(KernelLog, do(linux, "dmesg"))
    assert "Segmentation fault" in log.text
    assert log.lost == 0
    text = log.text
    do(linux, "set u8[log_buf] = 'X'")
    assert only(KernelLog, do(linux, "dmesg")).text == "X" + text[1:]


def test_a_full_log_tells_how_much_is_lost(linux: Session) -> None:
    do(linux, f"set u32[log_end] = u32[log_end] + {linux.world.log.size}")  # type: ignore[union-attr]
    log = only(KernelLog, do(linux, "dmesg"))
    assert len(log.text) == linux.world.log.size  # type: ignore[union-attr]
    assert log.lost > 0


def test_what_is_displayed_is_shown_after_every_line_that_changes_something(bare: Session) -> None:
    assert only(Value, do(bare, "display/x eax")) == Value("eax", 0, "x")
    do(bare, "display u32[$esp] + 1")
    assert [each for each in do(bare, "movl $5,%eax") if isinstance(each, Value)] == [
        Value("eax", 5, "x"), Value("u32[$esp] + 1", 1),
    ]  # fmt: skip
    assert not any(isinstance(each, Value) for each in do(bare, "list"))
    assert len(do(bare, "display")) == 2
    do(bare, "undisplay 1")
    assert only(Value, do(bare, "incl %eax")) == Value("u32[$esp] + 1", 1)
    with pytest.raises(Problem, match="no display 1"):
        do(bare, "undisplay 1")
    do(bare, "undisplay")
    assert not any(isinstance(each, Value) for each in do(bare, "incl %eax"))


def test_display_with_i_shows_the_instruction_there(bare: Session) -> None:
    do(bare, "asm", "movl $5,%eax", "incl %eax", "end")
    assert only(Disassembly, do(bare, "display/i $eip")).lines[0].text == "movl $0x5,%eax"
    assert only(Disassembly, do(bare, "si")).lines[0].text == "incl %eax"


def test_registers_may_be_asked_for_by_name(linux: Session) -> None:
    assert [(each.expression, each.value) for each in do(linux, "info registers $cs eip")] == [
        ("$cs", 0x23), ("eip", linux.machine.cpu.eip),
    ]  # fmt: skip


def test_what_the_kernel_prints_in_a_run_is_shown_with_it(linux: Session) -> None:
    values = do(linux, "movl %eax,0", "c")
    printed = only(Printed, values)
    assert "segfault at 00000000" in printed.text
    assert isinstance(values[-1], Ran)
    assert not any(isinstance(each, Printed) for each in do(linux, "kernel"))
