"""Single statements, generated from the instruction table: the bytes of GNU as, and of no other encoding."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import differences, judge, needs_as, ours, statements_by_as, statements_by_us

from pagefault_lab.assembler.forms import Writing, is_mnemonic, writings
from pagefault_lab.machine.instructions import by_mnemonic
from pagefault_lab.machine.registers import NAMES, SEGMENT_NAMES
from pagefault_lab.problem import Problems

MEMORY_WORDS = """
(%eax) (%ebp) (%esp) 4(%eax) -128(%ecx) 128(%edx) 0(%ebp) 8(%esp) (%eax,%ebx) (%eax,%ebp,2) (%ebp,%eax,8) foo(%bx)
(,%esi,4) 4(,%esi,2) foo foo+4 0x1234 foo(%eax) foo(,%edi,8) 0xfffffffc(%ebx) %fs:4 %es:(%ebp) %ds:(%eax) %ss:4(%ebp)
%ds:4(%esp) (%bx) (%bp) (%bx,%si) 5(%bp,%di) 300(%si) -1(%di) %gs:foo(%bx,%di) %cs:0x12345678 (%esp,%ebp,4)
0x7fffffff(%eax) 0x80(%esi,%edi) -4+8(%eax) (4)(%eax) foo-.(%eax) %es:foo(,%ecx,2) 0xffff(%bx)
"""
NUMBER_WORDS = """
0 1 -1 3 10 127 128 -128 -129 255 256 -256 0x7fff 0xffff 0xff80 0x8000 -32769 65536 0xffffffff 0xffffff80
0x80000000 -0x80000000 0x100000000 foo foo-4 'a ~0 ~0x80 1f-. (1+2)*3
"""
MEMORY = MEMORY_WORDS.split()
NUMBERS = NUMBER_WORDS.split()
TARGETS = [".", ".+10", ".-100", "1f", "foo", "foo+4"]
CHOICES = {
    "m": MEMORY,
    "mfar": MEMORY,
    "imm": [f"${number}" for number in NUMBERS],
    "uimm": [f"${number}" for number in NUMBERS],
    "rel": TARGETS,
    "moffs": ["foo", "0x1234", "%es:foo", "%ds:8"],
    "sreg": [f"%{name}" for name in SEGMENT_NAMES],
    "creg": ["%cr0", "%cr2", "%cr3", "%cr4"],
    "dreg": ["%db0", "%dr3", "%db7"],
    "treg": ["%tr3", "%tr6", "%tr7"],
    "si": ["(%esi)", "%ds:(%esi)", "%fs:(%esi)", "(%si)"],
    "di": ["(%edi)", "%es:(%edi)", "(%di)"],
    "bx": ["(%ebx)", "(%bx)", "%es:(%ebx)"],
    "$selector": ["$8", "$0x1234", "$foo"],
    "$offset": ["$8", "$0x12345678", "$foo+1"],
    "%dx": ["%dx", "(%dx)"],
}
# What we take and as does not: shapes that the disassembler needs, and names that as has dropped or never had.
OURS_ALONE = re.compile(r"\bsalc|\bicebp|\baddr16 loop|\bfs lea|\b(ud2a|popw? %cs)")
# What as takes and we refuse, on purpose: sizes guessed and values cut with a warning, prefixes without a meaning.
REFUSED = re.compile(r"both addresses|tell the size|fit in|prefix asks|cannot stand before")


def operand(pattern: str, choose: random.Random) -> str:
    """One way to write what the pattern stands for."""
    if pattern[0] == "*":
        return "*" + operand(pattern[1:], choose)
    if pattern in CHOICES:
        return choose.choice(CHOICES[pattern])
    if pattern[0] in "%$":
        return pattern
    match = re.fullmatch(r"([a-z]+)(\d*)", pattern)
    assert match is not None, pattern
    kind, bits = match[1], match[2]
    if kind == "r" or (kind == "rm" and choose.random() < 0.4):
        return "%" + choose.choice(NAMES[int(bits) // 8])
    return choose.choice(CHOICES["m" if kind == "rm" else kind])


def statement(mnemonic: str, writing: Writing, choose: random.Random) -> str:
    text = f"{mnemonic} " + ",".join(operand(pattern, choose) for pattern in writing.patterns)
    if choose.random() < 0.05:
        text = choose.choice(["lock", "rep", "repne", "cs", "addr16", "repz", "ds", "gs"]) + " " + text
    return text + "; 1:"


def compare(statements: list[str]) -> None:
    """All bytes are as's; what only one side takes is on the lists above."""
    for text, theirs, mine in zip(statements, statements_by_as(statements), statements_by_us(statements), strict=True):
        if isinstance(theirs, bytes) and isinstance(mine, bytes):
            assert mine.hex() == theirs.hex(), text
        elif isinstance(theirs, str) and isinstance(mine, bytes):
            assert OURS_ALONE.search(text), (text, theirs)
        elif isinstance(theirs, bytes) and isinstance(mine, str):
            assert REFUSED.search(mine), (text, mine)


@needs_as
def test_every_mnemonic_in_every_shape_of_the_table() -> None:
    choose = random.Random(486)
    found = []
    for mnemonic in sorted(by_mnemonic()):
        for writing in writings(mnemonic):
            found += [statement(mnemonic, writing, choose) for _ in range(3)]
    assert len(found) > 2000
    compare(found)


@needs_as
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1 << 32))
def test_statements_at_random(seed: int) -> None:
    choose = random.Random(seed)
    names = [name for name in sorted(by_mnemonic()) if is_mnemonic(name)]
    found = []
    for _ in range(300):
        name = choose.choice(names)
        found.append(statement(name, choose.choice(writings(name)), choose))
    compare(found)


HAND_PICKED = """
movl %eax,%ebx; mov %ax,%bx; movb %ah,%dl; mov foo,%eax; mov %al,foo; mov %ecx,foo; mov foo,%ecx; movl foo(,1),%eax
mov $5,%eax; mov $foo,%al; movl $-1,(%eax); MOVL %EAX,%ebx; movl %ds:foo,%eax; movl %es:foo,%eax
addl $0xffffffff,%ecx; addw $0xfff0,%cx; sub $128,%eax; sub $-128,%eax; and $0xff80,%ax; or $0xff,%al; cmp $0xffff,%ax
test (%eax),%ebx; test %ebx,(%eax); test %eax,%ebx; xchg %eax,%ebx; xchg %ebx,%eax; xchg %ecx,%ebx; xchg (%eax),%ebx
xchg %eax,%eax; xchg %ax,%ax; xchg %al,%al; push %ax; push $5; pushw $5; pushl %ds; pushw %ds; pop %ds; push $0x80
push $foo; pushw $foo; push foo; pop foo; push (%eax); pop (%eax); call *(%eax); jmp *(%eax); ljmp *(%eax); call *foo
jmp *%eax; jmp *%ax; jmpl *%eax; calll foo; callw foo; call *%fs:4; jmp *4(,%eax,4); lcall *(%eax); jmp *%gs:foo
ljmp $8,$foo; lcall $8,$5; ljmpw $8,$5; ljmp *foo; ljmpw *foo; ljmp $foo,$5; ret $5; lret; retw; iret; iretw; iretl
lretw; lretl $4; retl; ret; int $3; int3; int $4; into; bound %eax,(%ebx); arpl %ax,%bx; bswap %eax; invlpg (%eax)
movzx %al,%eax; movzb %al,%ax; movsx %ax,%eax; movsbl %al,%eax; movsbw %al,%ax; movzwl %ax,%eax; movsb %al,%ax
movsw %ax,%eax; movzx (%eax),%ecx; movzb (%eax),%ecx; sete %al; setnbe (%eax); movzwl (%eax),%ecx; movsbl foo,%edx
imul $3,%eax; imul $300,%eax; imul $3,(%eax),%ecx; imulw $3,%ax; imul %eax; imul (%eax),%ebx; imull $foo,%eax
imulw $foo,%ax; shl %eax; shl $1,%eax; shll (%eax); shl %cl,%eax; shrd %eax,%ebx; shrd %cl,%eax,%ebx; sal $2,%eax
shl $1,%al; sarb (%eax); rcl $1,%ecx; rorw $1,(%eax); shld $5,%ax,(%ebx); in %dx,%eax; in $5,%al; inb (%dx),%al
out %al,%dx; out %al,$5; outl %eax,(%dx); insb; insl (%dx),%es:(%edi); outsl %gs:(%esi),%dx; outsb; lodsb; stosl
movsb; movsl (%esi),(%edi); movsl %fs:(%esi),%es:(%edi); cmpsb %es:(%edi),%fs:(%esi); scas (%edi),%al; lodsb (%esi)
stosb %al,(%edi); stos %eax,%es:(%edi); xlat; xlatb; xlat %es:(%ebx); rep movsl; repne scasb; repz cmpsw; rep stosl
rep; movsb; lock; addl %eax,(%ebx); lock addl %eax,(%ebx); lock xchg (%eax),%ebx; rep nop; repz ret; rep ret
ds movl (%eax),%ecx; fs; movl (%eax),%ecx; addr16 movl 8,%eax; addr16 movsb; data16 push $5; data16 call foo; cs; nop
data16 cs; addr16 ds; nop; ss cs; data16 data16; cs data16 je .; data16 ds jne foo; ds data16 jmp .; cs loop .
data16 lock addl %eax,(%bx); lock addr16 addw %ax,5; repz data16 cs movsb; gs data16 addr16 rep movsb; addr16 ds loop .
enter $16,$0; leave; leavew; pusha; pushal; pushaw; popal; pushf; pushfl; popfw; aam; aad; aam $5; aad $-1; daa; das
cbtw; cbw; cwde; cwtl; cwd; cdq; cltd; cwtd; lahf; sahf; cmc; clc; cli; sti; hlt; clts; invd; wbinvd; nop; lock; nop
mov %ds,%eax; mov %ds,(%eax); movw %ax,%ds; movw %ds,%ax; mov %eax,%ds; movl %ds,%eax; movw %ds,(%eax); mov (%eax),%es
mov %cr0,%eax; movl %eax,%cr3; mov %db7,%eax; mov %dr7,%eax; mov %tr6,%eax; lds (%eax),%ebx; lssl (%eax),%ebx; lgdt foo
lidt (%eax); sgdt foo; lldt %ax; lldt (%eax); ltr %ax; sldt (%eax); sldt %eax; sldt %ax; str %eax; str %ax; strw (%eax)
smsw %eax; smsw %ax; smsw foo; lmsw %ax; lmsw foo; verr %ax; verw foo; lar %ax,%eax; lsl %eax,%eax; lar (%ebx),%eax
larw %ax,%ax; sldtl %eax; lgdtl foo; cmpxchg %eax,%ebx; xadd %eax,(%ebx); bt $1,%eax; bts %eax,(%ebx); btl $5,foo
bsf %eax,%ebx; bsrw (%eax),%cx; loopw .; loopl .; loop .; loope .; loopnz .; jecxz .; jcxz .; jmp .; je .; jmp 0x10
{load} mov %eax,%ebx; {store} mov %eax,%ebx; {disp32} mov 4(%eax),%ebx; {disp32} jmp .; {disp8} mov (%eax),%ebx
{load} addl %eax,%ebx; {disp8} leal (%esi),%esi; {disp32} leal (%esi),%esi; movb $'a,%al; movb $'\\n',%al; movb $' ,%al
movl 4+4(%eax),%ebx; movl (4+4)(%eax),%ebx; movl (foo),%ebx; movl -(4)(%eax),%ebx; movl foo+4(%eax,%ebx,8),%ebx
leal foo,%eax; leaw 4(%eax),%cx; lea %fs:4(%eax),%ecx; lea (%bx),%eax; lea 0(%bx,%si),%eax; movl (%esp,%ebp),%eax
"""


@needs_as
@pytest.mark.parametrize("line", HAND_PICKED.strip().splitlines())
def test_encodings_that_as_chooses(line: str) -> None:
    assert differences(line) == []


# --- jumps and alignments


def program_of_jumps(choose: random.Random, length: int) -> str:
    """Jumps of about the length where short ones end, with alignments and differences of labels between."""
    lines: list[str] = []
    placed = 0
    for _ in range(length):
        kind = choose.random()
        if kind < 0.12:
            lines.append(f"L{placed}:")
            placed += 1
        elif kind < 0.5:
            word = choose.choice(["jmp", "je", "jbe", "jnz", "jg"])
            target = choose.randint(max(0, placed - 4), placed + 4)
            lines.append(f" {word} L{target}{choose.choice(['', '', '', '+1', '-3', '+100'])}")
        elif kind < 0.62:
            more = choose.choice(["", "", "", ",0x90", ",,3", ",,15", ",0xcc"])
            lines.append(f" .p2align {choose.randint(0, 6)}{more}")
        elif kind < 0.66:
            lines.append(f" .skip {choose.choice([1, 2, 5, 60, 100, *range(117, 130)])}")
        elif kind < 0.68:
            lines.append(f" .long L{choose.randint(0, placed)}-., .-L{choose.randint(0, placed)}")
        elif kind < 0.71:
            lines.append(f" pushl $L{choose.randint(0, placed)}-L{choose.randint(0, placed)}")
        elif kind < 0.73:
            lines.append(f" call L{choose.randint(0, placed + 2)}")
        elif kind < 0.74:
            lines.append(f" .uleb128 L{choose.randint(0, placed + 1)}-L{choose.randint(0, placed)}")
        elif kind < 0.75:
            lines.append(f" .text {choose.randint(0, 2)}")
        else:
            lines.append(" " + choose.choice(["nop", "movl %eax,%ebx", "addl $1000,4(%ebx)", "ret", "movb $1,L0"]))
    for number in range(placed, placed + 8):
        lines += [f"L{number}:", " nop"]
    return "\n".join(lines) + "\n"


@needs_as
@pytest.mark.parametrize("seed", range(12))
def test_jumps_are_as_long_as_those_of_as(seed: int) -> None:
    source = program_of_jumps(random.Random(seed), 100 if seed % 3 else 1200)
    judgement = judge(source)
    if judgement.refused:
        with pytest.raises(Problems):
            ours(source)
        return
    assert differences(source) == []


@needs_as
def test_a_jump_at_the_very_end_of_its_reach() -> None:
    for distance in range(120, 136):
        assert differences(f"jmp 1f; .skip {distance}; 1: .skip {distance}; je 1b; jmp 1b; call 1b") == []


@needs_as
def test_every_length_of_padding_in_code() -> None:
    lines = []
    for length in range(1, 140):
        lines += [f".p2align 8; .skip {256 - length},0xcc; .p2align 8"]
    assert differences("\n".join(lines)) == []


@needs_as
@pytest.mark.parametrize(("mode", "longest"), [(".code32", 7), (".code16", 4)])
def test_every_length_of_instructions_that_do_nothing(mode: str, longest: int) -> None:
    lines = [f".nops {length},{most}" for length in (*range(40), 129, 130, 300) for most in range(longest + 1)]
    assert differences("\n".join([mode, *lines, ".nops 5; .nop; .nop 3"])) == []
