"""The expression language: values, problems with their columns, bounds; C's precedence is judged by gcc."""

import contextlib
import random
import re
import shutil
import subprocess

import pytest
from benches import do, everything, value
from counting import at_most
from hypothesis import given, settings
from hypothesis import strategies as st

from pagefault_lab.lab import expressions
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.problem import Problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0x1f", 31), ("31", 31), ("037", 31), ("0b11111", 31), ("'A'", 65), (r"'\n'", 10), (r"'\x41'", 65), ("0", 0),
        ("1+2*3", 7), ("(1+2)*3", 9), ("-7/2", -3), ("-7%2", -1), ("7/-2", -3), ("1<<4|1", 17), ("~0", -1), ("!5", 0),
        ("!0", 1), ("- - 3", 3), ("5&&0", 0), ("0||7", 1), ("1?2:3", 2), ("0?2:0?4:5", 5), ("2>1==1", 1), ("3&1==1", 1),
        ("eax == -1", 1), ("-1 == eax", 1), ("eax != -1", 0), ("eax > 0", 1), ("-1 < 0", 1), ("%eax", 0xFFFFFFFF),
        ("$eax", 0xFFFFFFFF), ("ax", 0xFFFF), ("ah", 0xFF), ("bx", 0x5678), ("bh", 0x56), ("bl", 0x78), ("cl", 0),
        ("$pc == eip", 1), ("$sp == esp", 1), ("cs", 8), ("ds", 0x10), ("eflags", 2), ("cf", 0), ("cr0 & 1", 1),
        ("cpl", 0), ("cr3", 0), ("iopl", 0), ("steps", 0), ("dr7", 0x400), ("idtr.limit", 0), ("gdtr.base", 0),
        ("u8[0x9000]", 0x44), ("u16[0x9000]", 0x3344), ("u32[0x9000]", 0x11223344), ("[0x9000]", 0x11223344),
        ("phys[0x9000]", 0x11223344), ("u8[0x9000+3]", 0x11), ("u32[u8[0x9004]]", 0), ("u32[0x9004]", 0),
        ("fault.count", 0), ("fault.vector", -1), ("fault.error", -1), ("tr", 0), ("place", 0x9000),
        ("place+4", 0x9004),
        ("*0x9000", 0x11223344), ("*place + 1", 0x11223345), ("2 * *place >> 1", 0x11223344), ("&place", 0x9000),
        ("*(int*)0x9000", 0x11223344), ("*(char *)0x9000 + 1", 0x45), ("* ( unsigned short int * ) place", 0x3344),
        ("*(const volatile uint8_t*)(place+3)", 0x11), ("*(unsigned*)place", 0x11223344), ("{int}place", 0x11223344),
        ("{unsigned char}place + 1", 0x45), ("1 + { long } 0x9000", 0x11223345), ("*(char*)*(int*)0x9004", 0),
        ("&*(short*)0x9000", 0x9000), ("*(place)", 0x11223344), ("*(place + 4)", 0),
        ("&u8[0x9000]", 0x9000), ("&*0x9000 & 0xf000", 0x9000), ("&esi", 0x77),
        ("$mine + 1", 8), (r"\place", 0x9000), (r"\esi", 0x77), ("esi", 0), ("pte(0x1000).present", 0),
    ],
)  # fmt: skip
def test_an_expression_has_this_value(bare: Session, text: str, expected: int) -> None:
    do(bare, "set eax = -1", "set ebx = 0x12345678", "set u32[0x9000] = 0x11223344", "set $mine = 7")
    bare.symbols.define("place", 0x9000)
    bare.symbols.define("esi", 0x77)
    assert value(bare, text) == expected


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 0, "missing"), ("1+", 2, "missing"), ("(1", 0, ")"), ("1 2", 2, "more than"), ("0x", 0, "not a number"),
        ("09", 0, "octal"), ("1 = 2", 2, "="), ("eaz", 0, "eaz"), ("1 + eaz", 4, "eaz"), ("u7[1]", 0, "u7"),
        ("u32[1", 3, "]"), ("foo(1)", 0, "foo"), ("pte(1).presnt", 7, "presnt"), ("fault.vectro", 6, "vectro"),
        ("fault + 0", 0, "several"), ("pte", 0, "pte"), ("$nothing", 0, "nothing"), ("1/0", 1, "zero"), ("5 % (1-1)", 2,
        "zero"),
        ("1<<200", 1, "200"), ("1<<-1", 1, "-1"), ("%foo", 0, "foo"), ("'ab'", 0, "character"), ("1 ? 2", 5, ":"),
        ("1 @ 2", 2, "@"), ("idt(14).offset", 0, "limit"), ("gdt(1)", 0, "limit"), ("tss.esp0", 0, "TSS"),
        ("\\none", 0, "none"),
        ("99999999999999999999999", 0, "64 bits"), ("seg", 0, "several"), ("seg.xs.base", 0, "no seg.xs"),
        ("1 + tss", 4, "several"), ("pte(1).", 6, "more than"), ("fault(14)", 0, "no fault(..)"), ("$_", 0, "printed"),
        ("last", 0, "of what"), ("ever()", 5, "no event"), ("ever(fualt)", 5, "fualt"), ("count(fault(14", 11, ")"),
        ("1 + last(cr3)", 9, "no cr3"), ("last(cr3).aftr", 10, "aftr"), ("count(fault(14, 3))", 16, "no such"),
        ("count(fault(error, 3))", 19, "no such"), ("count(cr3(1, ever(fault)))", 13, "cannot ask"),
        ("count(fault(frame.eip == eip))", 12, "cannot ask"), ("ever(write)", 5, "of what"),
        ("at(1, at(1, 2))", 6, "inside"), ("at(1)", 4, ","), ("at(7, eax)", 3, "7"), ("at(-1, eax)", 3, "-1"),
        ("*(into*)5", 7, "begin with )"), ("{in}5", 0, "begin with {"), ("{int}", 5, "missing"),
        ("frame.eip", 0, "no exception frame"), ("&5", 0, "address"), ("a::b", 0, "module a"),
        (" + ".join(["ever(fault)"] * 9), 112, "8 times"),
    ],
)  # fmt: skip
def test_a_wrong_expression_is_told_with_its_column(bare: Session, text: str, column: int, part: str) -> None:
    with pytest.raises(Problem) as caught:
        expressions.parse(text).value(bare)
    assert part in caught.value.sentence
    assert caught.value.column == column
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("text", "number"), [("c2800028", "0xc2800028"), ("804f13c + 4", "0x804f13c"), ("14h", "0x14")]
)
def test_a_hexadecimal_number_without_its_prefix_is_told_how_it_is_written(
    bare: Session, text: str, number: str
) -> None:
    with pytest.raises(Problem) as caught:
        expressions.parse(text).value(bare)
    assert caught.value.hint == f"a hexadecimal number begins with 0x: {number}"


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("$1", 0, "set $name = ..."), ("1 + $$", 4, "set $name = ..."), ("$$3", 0, "set $name = ..."),
        ("$0x8049000", 0, "a number has no $ here"),
        ("place@3", 5, "`x/3xw ADDRESS`"), ("*place @ 12", 7, "`x/12xw ADDRESS`"),
        ("(char)eax", 0, "$eax & 0xff"), ("2 * (unsigned int) 5", 4, "$eax & 0xff"),
        ("place[1]", 0, "u32[place + 4*N]"), ("idt[14]", 0, "`idt(..)`"), ("tss[1]", 0, "`p tss`"),
    ],
)  # fmt: skip
def test_what_gdb_has_and_there_is_not_is_told_what_to_write_instead(
    bare: Session, text: str, column: int, hint: str
) -> None:
    bare.symbols.define("place", 0x9000)
    with pytest.raises(Problem) as caught:
        expressions.parse(text).value(bare)
    assert caught.value.column == column
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("event", ["fault(14)", "write(0x9000)", "ring(3, 0)"])
def test_an_event_alone_is_told_by_what_it_can_be_asked_for(bare: Session, event: str) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, f"p {event}")
    assert "it is an event: ever(" in str(caught.value.hint)


def test_a_wrong_name_gets_a_suggestion(bare: Session) -> None:
    with pytest.raises(Problem) as caught:
        expressions.parse("eflag & 1").value(bare)
    assert "eflags" in (caught.value.hint or "")


def test_a_wrong_field_gets_the_list_and_the_nearest() -> None:
    with pytest.raises(Problem) as caught:
        expressions.parse("pte(0).writeable")
    assert caught.value.hint == (
        "did you mean writable? It has present, writable, user, write_through, cache_disable, accessed, dirty, large, "
        "global, available, frame"
    )


def test_what_is_not_needed_is_not_looked_at(linux: Session) -> None:
    assert value(linux, "pte(user_hole).present && u32[user_hole]") == 0
    assert value(linux, "1 || u32[user_hole]") == 1
    assert value(linux, "pte(user_hole).present ? u32[user_hole] : 5") == 5
    with pytest.raises(Problem, match="not"):
        value(linux, "u32[user_hole]")


def test_looking_at_memory_leaves_tlb_and_tables_as_they_are(linux: Session) -> None:
    before = linux.machine.cpu.save()
    accessed = value(linux, "pte(user_rodata).accessed")
    value(linux, "u32[user_rodata] + u8[user_stack] + pde(user_bss)")
    assert linux.machine.cpu.save() == before
    assert value(linux, "pte(user_rodata).accessed") == accessed


def test_structures_tell_what_the_tables_hold(linux: Session) -> None:
    assert value(linux, "idt(14).offset == page_fault && idt(14).type == 14 && idt(14).dpl == 0 && idt(14).present")
    assert value(linux, "idt(14).selector == cs") == 0
    assert value(linux, "gdt(idt(14).selector >> 3).base") == 0
    assert value(linux, "gdt(idt(14).selector >> 3).limit") == 0xFFFFFFFF
    assert value(linux, "tss.ss0 != 0 && tss.esp0 == current_stack") if "current_stack" in linux.symbols else True
    assert value(linux, "pte(idt_alias).writable") == 0
    assert value(linux, "pte(user_text).user && pte(user_text).present && !pte(user_text).writable")
    assert value(linux, "pte(idt_alias).frame == pte(idt_table).frame")
    assert value(linux, "phys[pte(idt_alias).frame << 12]") == value(linux, "u32[idtr.base]")


def test_fields_of_entries_can_be_set_and_the_tlb_stays_stale(linux: Session) -> None:
    do(linux, "movl user_data, %eax")
    do(linux, "set pte(user_data).writable = 0")
    assert value(linux, "pte(user_data).writable") == 0
    assert linux.machine.cpu.tlb.entries[value(linux, "user_data") >> 12].writable


def test_setting_a_part_of_a_register_keeps_the_rest(bare: Session) -> None:
    do(bare, "set eax = 0x11223344", "set ah = 0x1ff")
    assert value(bare, "eax") == 0x1122FF44
    do(bare, "set ax = 0")
    assert value(bare, "eax") == 0x11220000


def test_setting_a_flag_sets_that_flag_only(bare: Session) -> None:
    do(bare, "set zf = 1")
    assert value(bare, "eflags") == 0x42
    do(bare, "set iopl = 3", "set zf = 0")
    assert value(bare, "eflags") == 0x3002


def test_setting_cr3_empties_the_tlb(linux: Session) -> None:
    assert linux.machine.cpu.tlb.entries
    do(linux, "set cr3 = cr3")
    assert not linux.machine.cpu.tlb.entries


def test_memory_is_set_as_in_c_and_as_in_gdb(bare: Session) -> None:
    do(bare, "set *0x9000 = 5", "set var $eax = *0x9000 + 1")
    assert value(bare, "[0x9000] == 5 && eax == 6")
    with pytest.raises(Problem, match="has an address"):
        do(bare, "p &$eax")


@pytest.mark.parametrize(
    ("line", "expected"),
    [("set eax += 3", 13), ("set $eax -= 3", 7), ("set eax *= 2 + 1", 30), ("set eax /= 3", 3), ("set eax %= 4", 2),
     ("set eax <<= 2", 40), ("set eax >>= 1", 5), ("set eax &= 6", 2), ("set eax |= 5", 15), ("set eax ^= 3", 9),
     ("set eax=5", 5), ("set al+=0xff", 9)],
)  # fmt: skip
def test_a_compound_assignment_is_that_of_c(bare: Session, line: str, expected: int) -> None:
    do(bare, "set eax = 10", line)
    assert value(bare, "eax") == expected


def test_the_last_value_has_a_name(bare: Session) -> None:
    do(bare, "set eax = 5", "p eax + 1", "set ebx = $_", "p $ * 2")
    assert value(bare, "$_ + ebx") == 18
    before = everything(bare)
    do(bare, "p 77")
    assert everything(bare) == before


def test_a_module_can_be_named_with_its_symbol(linux: Session) -> None:
    do(linux, "insmod lecture.s")
    names = linux.symbols.modules["lecture"].symbols
    for name in names:
        assert value(linux, f"lecture::{name}") == names[name]
    with pytest.raises(Problem, match="defines no nothing"):
        do(linux, "p lecture::nothing")


@pytest.mark.parametrize("line", ["p/2x 5", "p/xb 5", "p/i eip"])
def test_formats_of_memory_are_refused_for_values(bare: Session, line: str) -> None:
    with pytest.raises(Problem):
        do(bare, line)


def test_an_address_is_shown_with_its_symbol_and_a_text_as_one(linux: Session) -> None:
    (shown,) = do(linux, "p/a idt(14).offset")
    assert shown.symbol == "page_fault"
    (text,) = do(linux, "p/s message")
    assert text.values == ("Hello from user mode.\n",)


@pytest.mark.parametrize("line", ["set cs = 8", "set cpl = 0", "set 5 = 6", "set page_fault = 3", "set nothing = 1",
                                  "set steps = 1", "set fault.vector = 1", "set $ds = 0x1234", "set eax", "set eax = ",
                                  "set u32[user_hole] = 1", "set pte(0x40000000).present = 1",
                                  "set tlb(user_data).user = 1", "set seg.ds.limit = 5", "set gdt(3).writable = 0",
                                  "set idt(14).dpl = 4", "set eflags.if = 2", "set tss = 5", "set frame.eip = 5",
                                  "set ever(fault) = 1", "set at(0, eax) = 1", "set page(eip).physical = 0",
                                  "set $nothing += 1", "set eax +=", "set eax + 1 = 2", "set eax == 2"])  # fmt: skip
def test_what_cannot_be_set_is_told_and_changes_nothing(linux: Session, line: str) -> None:
    before = linux.machine.cpu.save()
    with pytest.raises(Problem):
        do(linux, line)
    assert linux.machine.cpu.save() == before
    assert not linux.history.lines


def test_a_register_wins_over_a_symbol_of_its_name(bare: Session) -> None:
    bare.symbols.define("eax", 0x1234)
    assert value(bare, "eax") == 0
    assert value(bare, r"\eax") == 0x1234


# words of the language, to be put together in all wrong ways
_WORDS = (
    "eax", "$eax", "%eax", "cr2", "tss", "fault", "frame", "seg", "seg.ds", ".limit", ".error", ".eip", "pte(", "idt(",
    "tlb(", "page(", "u8[", "phys[", "[", "]", "(", ")", ",", "ever(", "count(", "last(", "at(", "write(", "cr3(",
    "ring(3, 0)", "fault(14, error & 4)", "table(0)", "0", "1", "-1", "0xffffffff", "'a'", "+", "-", "*", "/", "%",
    "<<", ">>", "<", "==", "&&", "||", "?", ":", "!", "~", "&", "$", "$_", "$x", "::", "\\", " ", "nothing",
    "message", "=",
)  # fmt: skip
_ANYTHING = st.one_of(
    st.text(alphabet="0123456789abcdefxueipt()[].$%\\'+-*/<>=!&|^~?: \t,#", max_size=60),
    st.lists(st.sampled_from(_WORDS), max_size=40).map("".join),
    st.text(max_size=60),
)


@settings(deadline=None, max_examples=500)
@given(_ANYTHING)
def test_no_text_raises_anything_but_a_problem(text: str) -> None:
    told: Problem | None = None
    try:
        expression, end = expressions.read(text, 0)
        assert 0 < end <= len(text)
        for session in _SESSIONS:
            expression.shown(session)
            expression.holds(session)
            expression.value(session)
    except Problem as problem:
        told = problem
    assert told is None or (told.column is not None and 0 <= told.column <= len(text))


def _after_a_fault() -> Session:
    session = Session("linux")
    do(session, "movl %eax,message")
    return session


_SESSIONS = (Session("bare"), _after_a_fault())


# what is well formed and takes time
_SLOW = (
    "eax", "tss.esp0", "fault.cs", "frame.eip", "pte(message).user", "u32[$esp]", "count(fault)", "7", "at(-1, eax)",
    "last(fault(14, error & 4 && cr2 > 5)).eip", "ever(write(message))", "count(ring(3, 0))",
)  # fmt: skip
_AROUND = (
    "({0})", "u8[{0}]", "at(-1, {0})", "count(fault(14, error == {0}))", "({0} ? {1} : {2})", "{0} + {1}", "{0} << {1}",
    "{0} && {1}", "{0} || {1}", "-{0} % {1}", "pte({0}).frame", "ever(write({0}))",
)  # fmt: skip


def _slow_expression(choose: random.Random, depth: int) -> str:
    if not depth:
        return choose.choice(_SLOW)
    return choose.choice(_AROUND).format(*(_slow_expression(choose, depth - 1) for _ in range(3)))


@pytest.mark.parametrize("depth", range(9))
def test_whatever_is_asked_is_answered_in_a_moment(depth: int) -> None:
    choose = random.Random(depth)
    answered = 0
    for _ in range(40):
        text = _slow_expression(choose, depth)[: expressions.LONGEST]
        with at_most(100_000), contextlib.suppress(Problem):
            expressions.parse(text).value(_SESSIONS[1])
            answered += 1
    assert answered or depth > 4


def test_a_question_looks_at_so_many_events_only() -> None:
    session = Session("linux")
    do(session, "movl %eax,message")
    (first,) = session.chronicle.events(What.FAULT)
    for _ in range(300_000):
        session.chronicle.take(first.step, first.address, Notice(What.FAULT, first.numbers, 0))
    assert value(session, "count(fault)") == 300_001
    with at_most(4_000_000), pytest.raises(Problem, match="events would have to be looked at"):
        do(session, "p " + " + ".join(["count(fault(14, error & 4 && cr2 && !reserved && !external))"] * 8))


@pytest.mark.parametrize(
    "text",
    ["(" * 5000, "-" * 1999 + "1", "1" + "+1" * 900, "[" * 100 + "0" + "]" * 100, "1<<127<<127", "9" * 1900,
     "1?" * 900 + "1", "*".join(["0xffffffffffffffff"] * 90), "~" * 50 + "1"],
)  # fmt: skip
def test_the_cost_of_an_expression_is_bounded(bare: Session, text: str) -> None:
    with at_most(100_000), contextlib.suppress(Problem):
        expressions.parse(text).value(bare)


def _random_expression(choose: random.Random, depth: int) -> str:
    if depth == 0:
        return str(choose.randint(0, 20))
    kind = choose.randrange(8)
    left, right = _random_expression(choose, depth - 1), _random_expression(choose, depth - 1)
    if kind == 0:
        return f"({left})"
    if kind == 1:
        return f"{choose.choice('-~!')}({left})"
    if kind == 2:
        return f"{left} {choose.choice(['/', '%', '<<', '>>'])} {choose.randint(1, 5)}"
    if kind == 3:
        return f"{left} ? {right} : {choose.randint(0, 9)}"
    operators = ["*", "+", "-", "<", "<=", ">", ">=", "==", "!=", "&", "^", "|", "&&", "||"]
    return f"{left} {choose.choice(operators)} {right}"


def _is_defined(text: str, session: Session) -> bool:
    """C leaves shifts by too much and divisions by zero undefined; here they are Problems."""
    try:
        return abs(expressions.parse(text).value(session)) < 1 << 62
    except Problem:
        return False


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is the judge of C's precedence, and it is not installed")
def test_precedence_is_that_of_c(bare: Session, tmp_path) -> None:  # type: ignore[no-untyped-def]
    choose = random.Random(4)
    texts = [text for text in (_random_expression(choose, 3) for _ in range(600)) if _is_defined(text, bare)]
    assert len(texts) > 400
    source = tmp_path / "judge.c"
    wide = [re.sub(r"\d+", r"\g<0>LL", text) for text in texts]
    lines = "\n".join(f'printf("%lld\\n", (long long)({text}));' for text in wide)
    source.write_text(f"#include <stdio.h>\nint main(void) {{\n{lines}\nreturn 0; }}\n")
    program = tmp_path / "judge"
    subprocess.run(["gcc", "-w", "-fwrapv", "-O0", "-o", program, source], check=True)
    judged = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    assert [expressions.parse(text).value(bare) for text in texts] == [int(each) for each in judged]
