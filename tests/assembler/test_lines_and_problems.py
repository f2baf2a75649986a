"""Single typed lines, what a wrong one is told, and that nothing typed can break or hang the assembler."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagefault_lab.assembler import (
    Macro,
    Program,
    Unfinished,
    assemble,
    assemble_line,
    directive_help,
    is_statement,
    listing,
    statement_words,
)
from pagefault_lab.machine.effort import EFFORT
from pagefault_lab.problem import Problem, Problems

# --- problems: what was typed, where the caret stands, the sentence, and a part of the hint

WRONG = [
    ("movl %eax %ebx", "          ^", "a comma is missing between the operands", ""),
    ("movl %eax,", "         ^", "an operand is missing behind this comma", ""),
    ("mvol %eax,%ebx", "^", "mvol is not an instruction", "movl"),
    ("movl $5", "^", "movl takes 2 operands, not 1", "reg32,reg32/mem; reg32/mem,reg32; $n,reg32/mem"),
    ("  mov $5,(%eax)", "  ^", "can't tell the size of this mov", "write movb, movw or movl"),
    ("nop; incl", "     ^", "incl takes 1 operand, not 0", "incl takes: reg32/mem"),
    ("movb $300,%al", "     ^", "300 does not fit in 8 bits", "from -128 to 255"),
    ("addw $70000,%ax", "     ^", "0x11170 does not fit in 16 bits", "from -0x8000 to 0xffff"),
    ("movl $0x123456789,%eax", "     ^", "0x123456789 does not fit in 32 bits", ""),
    ("movl %eax,%bx", "          ^", "%bx has 16 bits, movl takes 32 here", "write %ebx"),
    ("mov %al,%ebx", "        ^", "%al and %ebx have different sizes", "mov takes"),
    ("stosl %al,(%edi)", "      ^", "%al has 8 bits, not what stosl needs", "write stosb"),
    ("sete %eax", "     ^", "%eax has 32 bits, sete takes 8 here", "write %al"),
    ("movl (%eax),(%ebx)", "            ^", "movl cannot have two operands in memory", "through a register"),
    ("movl %eax,$5", "          ^", "a number cannot be the destination, which comes last", "movl takes"),
    ("movl 8(%ebp,%eax", "      ^", "this parenthesis is not closed", "a ) is missing"),
    ("movl 8(%ebp,%esp),%eax", "            ^", "%esp cannot be an index", "(%esp,%eax)"),
    ("movl (%eax,%ebx,3),%ecx", "                ^", "an index cannot be scaled by 3", "1, 2, 4 or 8"),
    ("movl (%bx,%bp),%eax", "     ^", "(%bx,%bp) is no 16-bit address", "(%bx,%si)"),
    ("movl (%al),%ecx", "      ^", "%al cannot hold an address", "32-bit register"),
    ("movl %eex,%eax", "     ^", "there is no register %eex", "did you mean"),
    ("movl %rax,%ebx", "     ^", "%rax is no register of this processor", "%ax"),
    ("jmp %eax", "    ^", "jmp through a register or memory is written with a star", "write jmp *%eax"),
    ("ret 4", "    ^", "a number here is written with a $", "nothing; $n"),
    ("call prinkt", "     ^", "prinkt is not defined", "did you mean printk?"),
    ("movl eax,%ebx", "     ^", "eax is not defined", "a register is written with a %: %eax"),
    ("movl $c2800028,%eax", "      ^", "c2800028 is not defined", "a hexadecimal number begins with 0x: 0xc2800028"),
    ("movl 804f13c,%eax", "     ^", "804f13c is not a number", "a hexadecimal number begins with 0x: 0x804f13c"),
    ("sidt oldidtr", "     ^", "oldidtr is not defined", "`oldidtr:` or `.comm oldidtr,BYTES` would define it"),
    ("mov eax, 5", "    ^", "eax is a symbol here, not a register", "AT&T"),
    ("mov $5, eax", "        ^", "eax is a symbol here, not a register", "AT&T"),
    ("mov [eax],5", "    ^", "memory is not written with brackets", "4(%eax)"),
    ("lgdt %eax", "     ^", "lgdt does not take such operands", "lgdt takes: mem"),
    ("movl foo@NTPOFF,%eax", "        ^", "foo@NTPOFF needs a dynamic linker, and here is none", "@PLT, @GOT"),
    ("movl $4(%eax),%ebx", "     ^", "a $ does not go before an address in memory", "4(%ebx)"),
    ("movl $%eax,%ebx", "     ^", "a register is written without a $", ""),
    ("movl %%eax,%ebx", "     ^", "a register's name is missing behind the %", "asm in C"),
    ("movl (%eax,%ebx,%ecx),%eax", "                ^", "a scale is a number, no register", "1, 2, 4 or 8"),
    ("movl 4(),%eax", "      ^", "an address is missing in these parentheses", "(%ebx)"),
    ("{disp32} movl (%bx),%eax", "              ^", "this displacement has 16 bits", "{disp16}"),
    ("pop %cs", "    ^", "pop does not take such operands", "reg/mem; %es; %ds"),
    ("inl %dx,%al", "        ^", "%al has 8 bits, not what inl needs", "write inb"),
    ("jmp *%al", "     ^", "%al has 8 bits, jmp takes 32 here", "write *%eax"),
    ("shl", "^", "shl takes 1 or 2 operands, not 0", "%cl,reg/mem"),
    ("ljmp 8,foo", "     ^", "a number here is written with a $", "$selector,$offset"),
    ("movsl (%eax),(%ebx)", "      ^", "movsl does not take such operands", "(%esi),(%edi)"),
    ("nopl (%eax)", "^", "nopl is not an instruction of a 486", ""),
    ("jow .", "^", "jow is not an instruction", "write jo"),
    ("notbb (%eax)", "^", "notbb is not an instruction", "notb"),
    (".type f,@funktion", "         ^", "funktion is no type of a symbol", "@function"),
    (".section .x,aw", "            ^", "the section's flags are missing", "quotes"),
    ('.section .x,"aw",progbits', "                 ^", "the section's type is missing", "@progbits"),
    (".data; a: .text; .org a", "                      ^", ".org can only go to a place in its own section", ""),
    (".double one", "        ^", "a decimal number is missing here", "1.5"),
    (".struct 0; .long 5", "           ^", "a .struct has labels and room, but no contents", ".data"),
    (".byte 1, 300", "         ^", "300 does not fit in 1 byte", "-128 to 255"),
    (".long 1+", "        ^", "a value is missing here", ""),
    (".long 2*(1", "        ^", "this parenthesis is not closed", ""),
    (".long 08", "      ^", "08 is not an octal number", "a leading 0 means octal"),
    (".long 6/0", "       ^", "division by zero", ""),
    (".algin 4", "^", ".algin is not a directive", ".align"),
    (".align 3", "       ^", "3 is not a power of two", ""),
    (".space -1", "       ^", "the number of bytes is negative", "-1"),
    (".rept 1000000000\n.endr", "      ^", "1000000000 repetitions are too many", ""),
    (".space 99999999999", "       ^", "99999999999 bytes are too many", "64 MiB"),
    ('.ascii "x', "       ^", "this string is not closed", ""),
    ("lock movl %eax,(%ebx)", "     ^", "lock cannot stand before this movl", "lock;"),
    ("data16 loop .", "       ^", "data16 cannot stand before loop", "data16;"),
    ("es call .", "   ^", "es cannot stand before call", "es;"),
    ("a: .endr", "^", ".endr without a beginning", ".rept"),
    (".reloc 0, R_386_32, x", "^", ".reloc is not known here, though GNU as has it", "insmod"),
    (".altmacro", "^", "the alternate macro syntax is not known here", "\\NAME"),
    (".dcb.b 2, 300", "          ^", "300 does not fit in 1 byte", "-128 to 255"),
    (".dcb.l -1", "       ^", "the number of bytes is negative", "-4"),
    (".nops 9, 8", "         ^", "no such instruction has 8 bytes", "1 to 7"),
    (".nops 99999999999", "      ^", "99999999999 bytes are too many", "64 MiB"),
    ("fs movl %gs:(%eax),%eax", "        ^", "a segment is given twice", ""),
    ("data32 pushl $5", "       ^", "data32 is redundant here", "operands have 32 bits"),
    ("rep addr32 movsb", "           ^", "addr32 is redundant here", "addresses have 32 bits"),
    (".code16; addr16 data16 nop", "                       ^", "addr16 is redundant here", "addresses have 16 bits"),
    ("cmovne %eax,%ebx", "^", "cmovne is not an instruction of a 486", "-march=i486"),
    ("endbr32", "^", "endbr32 is not an instruction of a 486", "-fcf-protection=none"),
    ("fadds (%eax)", "^", "fadds does not exist here", "no floating point"),
    (".intel_syntax noprefix", "^", "Intel syntax is not known here", "AT&T"),
    ("addq $1,%eax", "^", "addq is not an instruction", "addb, addw or addl"),
    ("jmp 2b", "    ^", "there is no label 2: before this line", "2f looks forward"),
    ("jmp 2f", "    ^", "there is no label 2: after this line", "2b looks back"),
    ("foo: nop; foo: nop", "          ^", "foo is already defined", "line 1"),
    ("loop far; .skip 200; far:", "     ^", "the target is 200 bytes away", "-128 to 127"),
    ("x = x + 1", "^", "x is defined by itself", "x -> x"),
    (".long here*2; here:", "      ^", None, "subtracted"),
    ('.include "/etc/passwd"', "         ^", "files cannot be included here", ""),
]


@pytest.mark.parametrize(("text", "caret", "sentence", "hint"), WRONG, ids=[text for text, *_ in WRONG])
def test_a_wrong_line_gets_a_sentence_a_caret_and_a_hint(
    text: str, caret: str, sentence: str | None, hint: str
) -> None:
    with pytest.raises(Problems) as caught:
        assemble(text, name="typed", symbols={"printk": 0xC0001000, "table": 6})
    problem = caught.value.problems[0]
    assert sentence is None or problem.sentence == sentence
    assert hint in (problem.hint or "")
    assert problem.text == text.split("\n")[0]
    assert " " * (problem.column or 0) + "^" == caret
    assert (problem.line, problem.file) == (1, "typed")


def test_all_wrong_lines_are_told_in_one_go_and_each_once() -> None:
    with pytest.raises(Problems) as caught:
        assemble("nop\n movl %eax\n jmp nowhere\n addl $5,undefined(%eqx)\n pushl other\n")
    assert [(each.line, each.sentence) for each in caught.value.problems] == [
        (2, "movl takes 2 operands, not 1"),
        (3, "nowhere is not defined"),
        (4, "there is no register %eqx"),
        (5, "other is not defined"),
    ]


def test_a_problem_in_a_macro_tells_the_line_it_became_and_how_one_got_there() -> None:
    source = ".macro inner x\n movl \\x\n.endm\n.macro outer\n inner 5\n.endm\n nop\n outer\n"
    with pytest.raises(Problems) as caught:
        assemble(source)
    problem = caught.value.problems[0]
    assert (problem.line, problem.text) == (2, " movl 5")
    assert problem.trail == (
        "in macro inner, defined at line 1, called at line 5",
        "in macro outer, defined at line 4, called at line 8",
    )


def test_the_preprocessor_tells_where_a_line_was_written() -> None:
    with pytest.raises(Problems) as caught:
        assemble('# 1 "entry.S"\n nop\n# 30 "entry.h" 1\n mvol %eax,%ebx\n# 3 "entry.S" 2\n# 9 apples\n jmp nowhere\n')
    places = {(each.file, each.line, each.text) for each in caught.value.problems}
    assert places == {("entry.h", 30, " mvol %eax,%ebx"), ("entry.S", 4, " jmp nowhere")}


# --- typed lines


def test_a_typed_line_is_assembled_for_its_address() -> None:
    program = assemble_line("movl %eax,(%ebx); call 0x1000; jmp 0x2000", 0x2000)
    assert program.data.hex() == "8903" + "e8f9efffff" + "ebf7"


def test_labels_of_earlier_lines_are_passed_back_and_reached_by_short_jumps() -> None:
    symbols: dict[str, object] = {}
    first = assemble_line("again: 1: decl %ecx", 0x1000, {})
    symbols |= first.symbols
    second = assemble_line("jne again; loop 1b", 0x1001, first.symbols)
    assert second.data.hex() == "75fd" + "e2fb"
    assert first.symbols["again"].value == 0x1000
    assert first.symbols["1"].value == 0x1000


def test_a_label_typed_again_is_the_new_one_also_for_the_jump_before_it() -> None:
    program = assemble_line("jmp loop; nop; loop: jmp loop", 0x1000, {"loop": 0x500})
    assert program.data.hex() == "eb01" + "90" + "ebfe"


def test_an_equate_of_the_session_is_a_number() -> None:
    program = assemble_line("size = 12; addl $size,%esp", 0)
    assert program.data.hex() == "83c40c"
    assert program.symbols["size"].section is None
    assert assemble_line("addl $size,%esp", 0, program.symbols).data.hex() == "83c40c"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("jne done", ("done",)),
        ("call later; jmp 1f", ("later", "1f")),
        (".macro save", ()),
        (".rept 3", ()),
        (".if 1", ()),
        ("jmp done\n.if 0", ()),
    ],
)
def test_a_line_that_needs_more_lines_is_unfinished(text: str, missing: tuple[str, ...]) -> None:
    with pytest.raises(Unfinished) as caught:
        assemble_line(text, 0x1000)
    assert caught.value.missing == missing


def test_the_lines_together_are_finished() -> None:
    assert assemble_line("jne done\nnop\ndone:", 0).data.hex() == "750190"


def test_a_misspelt_data_symbol_is_a_problem_and_not_an_unfinished_line() -> None:
    with pytest.raises(Problems, match="conter is not defined"):
        assemble_line("incl conter", 0, {"counter": 5})


def test_a_misspelt_jump_is_unfinished_but_says_what_is_like_it() -> None:
    with pytest.raises(Unfinished) as caught:
        assemble_line("call prinkt", 0, {"printk": 5})
    assert caught.value.hint == "did you mean printk?"


def test_macros_of_the_session_live_from_line_to_line() -> None:
    macros: dict[str, Macro] = {}
    assemble_line(".macro twice what\n\\what\n\\what\n.endm", 0, macros=macros)
    assert is_statement("twice nop", macros)
    assert assemble_line("twice nop", 0, macros=macros).data.hex() == "9090"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("movl %eax,%ebx", True),
        ("MOV $5,%eax", True),
        ("  rep movsb", True),
        ("lock", True),
        ("fs", True),
        (".align 4", True),
        (".Byte 5", True),
        ("label:", True),
        ("1: nop", True),
        ("x = 5", True),
        ("x=5", True),
        ("{store} movl %eax,%ebx", True),
        ("calll foo", True),
        ("p $eax", False),
        ("x/4 0x1000", False),
        ("x == 5", True),  # as's assignment that must be the first
        ("info registers", False),
        (".unknown", False),
        ("walk 0x1000", False),
        ("set x = 5", False),
        ("", False),
        ("# comment", False),
        ("b main", False),
        ("; nop", True),
        ("/* why */ nop", True),
        ("/* why */ walk", False),
        ("c", False),
    ],
)
def test_the_first_word_tells_whether_a_line_is_the_assemblers(text: str, expected: bool) -> None:
    assert is_statement(text) is expected


def test_words_for_completion_come_with_help() -> None:
    words = statement_words()
    assert "movl" in words
    assert "prefix" in words["rep"]
    assert words[".align"].startswith(".align")
    assert (directive_help(".rept") or "").startswith(".rept COUNT")


# --- programs as values


def test_the_image_is_laid_out_as_documented() -> None:
    program = assemble(
        ".data\nd: .long t\n.section .rodata\nr: .byte 1\n.bss\nb: .skip 6\n.text\nt: movl d,%eax\n.comm c,4,8\n",
        origin=0x100000,
    )
    text, data = program.section(".text"), program.section(".data")
    rodata, bss = program.section(".rodata"), program.section(".bss")
    assert (text.address, data.address) == (0x100000, 0x100005)
    assert (rodata.address, bss.address, bss.size) == (0x100009, 0x100010, 12)
    assert program.symbols["c"].value == 0x100018
    assert program.address == 0x100000
    assert program.image() == bytes.fromhex("a105001000" + "00001000" + "01" + "00" * 18)


def test_sections_go_where_the_caller_wants_them() -> None:
    program = assemble(".data\nd: .long d\n.text\nmovl d,%eax\n", origin=0x1000, layout={".data": 0x3000})
    assert program.symbols["d"].value == 0x3000
    assert program.data.hex() == "a100300000"
    assert len(program.image()) == 0x2004


def test_undefined_symbols_become_relocations_if_they_may() -> None:
    program = assemble("call printk; movl $table+8,%eax; .long printk - .", allow_undefined=True)
    assert program.undefined == ("printk", "table")
    assert [(each.kind, each.offset, each.symbol, each.addend) for each in program.relocations] == [
        ("R_386_PC32", 1, "printk", -4),
        ("R_386_32", 6, "table", 8),
        ("R_386_PC32", 10, "printk", 0),
    ]


def test_a_weak_symbol_that_nobody_defines_is_zero() -> None:
    assert assemble(".weak hook\nmovl $hook,%eax").data.hex() == "b800000000"


def test_symbols_know_what_the_source_says_of_them() -> None:
    source = ".globl main\n.type main,@function\nmain: ret\n.size main,.-main\n.Lhidden: nop\nx = 7\n"
    symbols = assemble(source, origin=0x10).symbols
    assert (symbols["main"].value, symbols["main"].kind, symbols["main"].size) == (0x10, "function", 1)
    assert symbols["main"].is_global
    assert (symbols["x"].value, symbols["x"].section) == (7, None)
    assert ".Lhidden" not in symbols


def test_the_listing_has_each_statement_with_its_bytes() -> None:
    program = assemble("start: movl $5,%eax; nop\n.macro two\nnop\nret\n.endm\n two\n.data\n.byte 1,2", origin=0x100)
    assert [(each.section, each.address, each.data.hex(), each.line, each.depth) for each in listing(program)] == [
        (".text", 0x100, "b805000000", 1, 0),
        (".text", 0x105, "90", 1, 0),
        (".text", 0x106, "90", 3, 1),
        (".text", 0x107, "c3", 4, 1),
        (".data", 0x108, "0102", 8, 0),
    ]


def test_files_are_included_only_from_where_the_caller_says(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "inside"
    folder.mkdir()
    (folder / "flags.h").write_text("PRESENT = 1\n")
    (folder / "self.s").write_text('.include "self.s"\n')
    (folder / "bytes.bin").write_bytes(b"12345")
    (folder.parent / "secret").write_text("SECRET = 1\n")
    assert assemble('.include "flags.h"\norl $PRESENT,%eax', include=[folder]).data.hex() == "83c801"
    assert assemble('.incbin "bytes.bin",1,3', include=[folder]).data == b"234"
    assert assemble('.include "x"', include=lambda name: "nop" if name == "x" else None).data == b"\x90"
    for name in ("../secret", str(folder.parent / "secret"), "nothing"):
        with pytest.raises(Problems, match="there is no file"):
            assemble(f'.include "{name}"', include=[folder])
    with pytest.raises(Problems, match="included within itself"):
        assemble('.include "self.s"', include=[folder])


# --- nothing breaks it, nothing hangs it

BOMBS = {
    "repetitions": ".rept 1000\n.rept 1000\nnop\n.endr\n.endr",
    "long lines": ".rept 200000\n.long " + ",".join("1" * 1000) + "\n.endr",
    "spaces": ".rept 1000\n.space 60000000\n.endr",
    "alignments": ".rept 5000\n.byte 1\n.align 0x100000\n.endr",
    "undefined": "\n".join(f" movl symbol_{i},%eax" for i in range(2000)),
    "chain": "\n".join(f"a{i} = a{i + 1}+1" for i in range(3000)) + "\n.long a0",
    "deep": "\n".join(f"a{i} = " + "+".join(f"a{i + 1}" for _ in range(100)) for i in range(100)) + "\n.long a0",
    "parentheses": ".long " + "(" * 5000,
    "signs": ".long " + "-" * 50000 + "x\nx:",
    "a growing macro": ".macro m a\nm \\a\\a\n.endm\nm xxxxxxxx",
    "an endless macro": ".macro m\nm\n.endm\nm",
    "a doubling macro": ".macro m\nm\nm\n.endm\nm",
    "squares": "a0=x\n" + "\n".join(f"a{i}=a{i - 1}*a{i - 1}" for i in range(1, 60)) + "\n.long a59\nx=3",
    "sizes that never settle": ".skip b-a\na: .skip 1-(b-a)\nb: .skip 10-(.-a)\n",
    "conditions": ".if 1\n" * 5000,
    "a huge number": ".long " + "9" * 100000,
    "odd digits": ".byte '\\²\n.long ²\n.byte 1²",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_forever_is_refused_soon(name: str) -> None:
    with EFFORT.at_most(4_000_000), pytest.raises(Problem):
        assemble(BOMBS[name])


MANY_WORDS = """
movl %eax %bl $ ( ) , : ; .if .endif .macro .endm .rept .endr \\a \\" ' /* */ # + - * ! ~ << foo 1b 1f . = .set jmp call
.org .skip .align 5 0x 99999999999999999999 {load} .irp \\@ lock rep .text .section .popsection .else .comm .size .type
% @ [ ] == \\ .elseif .exitm .end .uleb128 .bss (%eax) 4(%ebp,%esi,4) $foo *foo é " .long .byte 1: m .globl .irpc
"""
WORDS = st.sampled_from(MANY_WORDS.split()) | st.sampled_from("\n \t")


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=40), st.booleans())
def test_no_text_raises_anything_but_problems_and_each_has_its_place(words: list[str], spaced: bool) -> None:
    text = (" " if spaced else "").join(words)
    try:
        program: Program = assemble(text, allow_undefined=True)
        assert len(program.image()) >= len(program.data)
        assemble_line(text, 0x1000, {"foo": 3, "1": 0x1010})
    except Problem as problem:
        for each in problem.problems if isinstance(problem, Problems) else ():
            assert each.sentence
            assert each.text is None or each.column is None or 0 <= each.column <= len(each.text)
    is_statement(text)
