"""Whole programs: every section has the bytes that GNU as gives it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from judged import differences, judge, needs_as, ours

from pagefault_lab.problem import Problems

PROGRAMS = {
    "values": """
        .byte 1, -1, 255, 'a, '\\n, '\\\\, 'b', 0x7f, 0b101, 017, ~0x80
        .word 0x1234, -32768, 65535
        .short 1; .hword 2; .value 3; .2byte 4
        .long 0x12345678, -1, 4294967295, here, here+4, 4+here, here-4, . , .-here, here - . + 2
        .int 5; .4byte 6
        .quad 0x123456789abcdef0, -1; .8byte 7
here:   .long elsewhere - ., elsewhere, elsewhere-8
        .byte
""",
    "expressions": """
        .long 5!3, 1<>2, 3!=3, 1||0, -5%3, 5/-2, 3<4, 4<3, 1<<2+1, 2*3|1, 6&3+1, 6^3-1, -1>>60, !5+1, 010
        .long (1+2)*3, -(4), ~(0), - - 5, +3, 1==1, 1 == 2, 2>=2, 2<=1, 5&&0, 1+2*3-4/2, 0x10|0x01&0xf, 1<<31, 2-1-1
        .long 7%4*2, 100/7/2, 1|2^3, 'a+1, 'a-'b, ('x)
        .quad 1<<40, 0xffffffff+1, 1<<63>>63, 1<<64
a:      .long b-a, (b-a)*2, (b-a)/2+1, b-a==8, c-a
b:      .long c-b
c:
        .set d, c-a
        .long d, d*2, -d
""",
    "strings": """
        .ascii "one", "two" "three"
        .asciz "zero", ""
        .string "tab\\t newline\\n octal\\101\\7\\08 hex\\x41\\x7 quote\\" backslash\\\\ bell\\a"
        .ascii "; # /* not a comment */ // "
        .asciz "ümlaut €"
        .ascii
""",
    "comments and separators": """
        # a comment
        / another
   // and another
        nop # behind
        nop /* inside */ ; nop /* over
        several; lines
        */ nop
label: other: nop; third:nop
        movb $'#,%al; movb $';, %bl; movb $'/,%cl
        .byte 'a'; nop; .byte ';';.byte '\\''; .byte '"'#"
        .byte '''; .byte '#'/* no quote is open */; .if 'a'=='a'; nop; .endif
        .byte 6/2, 8 / 4
 /* */  hlt
   spaced :   nop
        "quoted label": .long "quoted label"
""",
    "equates": """
        x = 1
        .long x
        x = 2
        .long x, y
        y = 1
        y = 2
        .long y
        .set z, x+y
        .equ w, z*2
        .equiv once, 7
        other == 9
        .long z, w, once, other
        addl $x,%eax
        addl $late,%eax
        movl late(%eax),%ebx
        late = 5
        addl $late,%eax
        movl late(%eax),%ebx
        alias = label+4
label:  .long alias, alias-label
        jmp alias
        jmp forward
        .set forward, label
        . = . + 6
        .byte 1
        far = 0x12345
        jmp far
        call far
        jne far
""",
    "locations": """
        jmp .
        jmp .+2
        jne .-4
        movl $.,%eax
        movl .,%eax
        call .+5
        .long ., ., .
        jmp . + 0x200
        pushl $.-here
here:
""",
    "numeric labels": """
1:      jmp 1b
        jmp 1f
        jne 2f
1:      jmp 1b
2:      .long 1b-2b, 1f-2b
10:     jmp 10b
1:      movl $1b,%eax; movl 2b,%ebx
        0: loop 0b
""",
    "alignment": """
        nop
        .align 4
        nop
        .p2align 4
        nop
        .p2align 4,,7
        nop
        .p2align 4,,15
        .balign 16,0x90
        nop
        .balign 8,0xcc
        nop
        .balignw 4,0x1234,2
        nop
        .p2align 2,0
        nop
        .align 32
        .p2align 5,,30
        .data
        .byte 1
        .align 8
        .byte 2
        .p2align 3,0xff
        .byte 1
        .balign 4,,2
        .byte 3
        .balignl 4
        .bss
        .skip 3
        .align 8
        .skip 1
""",
    "sections": """
        .text
        nop
        .data
d1:     .long t2
        .text 1
        hlt
        .text
t2:     movl d1,%eax
        .section .rodata
r1:     .asciz "hello"
        .section .fixup,"ax",@progbits
        jmp t2
        .previous
        .byte 1
        .pushsection .init.data,"aw"
        .long 1
        .popsection
        .byte 2
        .section __ex_table,"a",@progbits
        .long t2, r1
        .subsection 2
        .long 2
        .subsection 1
        .long 1
        .text
        .pushsection .data,1
        .long 77
        .popsection
        ret
        .section .rodata.str1.1,"aMS",@progbits,1
.LC0:   .string "merged"
        .section .note.GNU-stack,"",@progbits
        .bss
        .lcomm block,12
        .local b2
        .comm b2,40,32
        .skip 5
        .text
        movl block,%eax; movl b2,%eax; movl .LC0,%eax
""",
    "filling": """
        .skip 5
        .space 3,0xaa
        .zero 2
        .fill 3
        .fill 2,4,0x12345678
        .fill 2,8,-1
        .fill 3,2,0xabcd
        .fill 1,3,0x123456
        .org 100
        .byte 1
        .org 110,0xee
        .skip end-start
start:  jmp end
        .skip 200
end:
""",
    "blocks": """
        .dc.b 1, -1, 'a; .dc.w 0x1234; .dc 5, -6; .dc.l end, 7; .dc.a end-4; .slong -5; .dc.s 1.5; .dc.d -2e3
        .dcb.b 3,0xaa; .dcb.w 2,-2; .dcb 2; .dcb.l 2,0x12345678; .dcb.s 2,1.5; .dcb.d 2,-0.25; .dcb.d 1
        .ds.b 3; .ds.b 2,5; .ds.w 2; .ds 1,-2; .ds.l 2; .ds.s 1,7; .ds.d 1,-1; .ds.x 1; .ds.p 2,0x123456789
        .data
end:    .long 1
        .bss
        .ds.l 3
        .dcb.b 5
""",
    "conditions": """
        a = 3
        .if a == 3
        .byte 1
        .elseif a == 4
        .byte 2
        .else
        .byte 3
        .endif
        .if a > 3
        .byte 4
        .if 1
        .byte 5
        .else
        this is not looked at
        .endif
        .elseif a - 3
        .byte 6
        .else
        .byte 7
        .endif
        .ifdef a; .byte 8; .endif
        .ifndef a; .byte 9; .else; .byte 10; .endif
        .ifdef nothing; .byte 11; .endif
        .ifeq a-3; .byte 12; .endif
        .ifne a-3; .byte 13; .endif
        .ifgt a; .byte 14; .endif
        .ifge a-4; .byte 15; .endif
        .iflt a-4; .byte 16; .endif
        .ifle a; .byte 17; .endif
        .ifc a b,a b; .byte 18; .endif
        .ifnc a,b; .byte 19; .endif
        .ifb; .byte 20; .endif
        .ifb x; .byte 21; .endif
        .ifnb x; .byte 22; .endif
        .ifeqs "x","x"; .byte 23; .endif
here:   .if . - here == 0; .byte 24; .endif
        .if 0
        .macro skipped
        .endif
        .byte 25
""",
    "macros": """
        .macro save reg, other=%ebx
        pushl \\reg
        pushl \\other
        .endm
        save %eax
        save %ecx, %edx
        save other=%esi, reg=%edi
        SAVE "%ebp"
        .macro entry name:req, number, rest:vararg
name_\\name\\()_\\number:
        .ifnb \\number
        pushl $\\number
        .else
        pushl $0
        .endif
        .ascii "\\name:\\rest"
        .long \\rest+0
        jmp name_\\name\\()_\\number
        .endm
        entry page_fault, 14, 1, 2 , 3
        entry divide,,4
        .macro unique
l\\@:     jmp l\\@
        .endm
        unique; unique
        .macro outer n
        .macro inner
        .byte \\n
        .endm
        inner
        .purgem inner
        .endm
        outer 1
        outer 2
        .macro count from, to
        .byte \\from
        .if \\to-\\from
        count "(\\from+1)",\\to
        .endif
        .endm
        count 0,5
        .macro early x
        .byte 1
        .if \\x
        .exitm
        .endif
        .byte 2
        .endm
        early 0
        early 1
        .macro blanks a b c
        .long \\a, \\b, \\c+0
        .endm
        blanks 1 -1
        blanks 1 + 2, 3
        blanks 1 2 +3
        blanks (1 + 2)*4 , 5
        .macro characters a, b=9, c=8
        .byte \\a, \\b, \\c
        .endm
        characters 'a','b'
        characters 'a,'b
        characters '\\n', ';', '"'
        characters '(','),',
        characters a='x', c=' '
        .irp each, 'a', ',', ' '
        .byte \\each
        .endr
        .macro memory operand
        movl \\operand, %eax
        .endm
        memory 4(%esp)
        memory %fs:(%ecx)
        memory "4(%eax,%ebx,4)"
        memory $5
""",
    "repetitions": """
        .rept 3
        .byte 1
        .rept 2; .byte 2; .endr
        .endr
        .irp reg,%eax,%ebx, %ecx
        pushl \\reg
        .endr
        .irpc digit,0123
        .byte \\digit
        .ascii "\\digit"
        .endr
        .irp empty
        .byte 0\\empty
        .endr
        i = 0
        .rept 5
        .long i*i
        i = i+1
        .endr
        .rept 0; .byte 9; .endr
        .irp a,1,2
        .irp b,3,4
        .byte \\a*10+\\b
        .endr
        .endr
        vector = 0
        .rept 40
        .if vector == 8
        pushl $vector
        .else
        pushl $0; pushl $vector
        .endif
        jmp common
        vector = vector+1
        .endr
common:
""",
    "leb128": """
        .uleb128 0, 1, 127, 128, 624485, end-start
        .sleb128 0, -1, 63, 64, -64, -65, -123456
start:  .skip 150
end:
""",
    "16-bit code": """
        .code16
        movw %ax,%bx; movl %eax,%ebx; movb $5,%al; movw $5,%ax; movl $5,%eax
        jmp 1f; je 1f; call 1f; pushw $1; pushl $1; push $1; push %eax; push %ax
        movw (%bx,%si),%ax; movw 4(%ebp),%ax; movw label,%ax; movw %fs:label,%cx
        lgdt label; ljmp $8,$label; ret; iret; int $16; lodsb; rep movsw; movsl
        .skip 130
1:      loop 1b
        .code32
        movl %eax,%ebx; movw %ax,%bx; push $1; movw label,%ax; lodsb
        .code16
label:  .p2align 4
        nop
""",
    "names that other programs use": """
        retf; retfw $4; setgeb %al; setzb (%eax); slodb; scmpl; sscaw; ssto %al,%es:(%edi)
        inb %dx; inb $5; outl %dx; outb $0x70; div %ecx,%eax; divb %cl,%al; idivl (%eax),%eax
        call $8,$0x1234; jmp $8,$5; callw $5,$6; rep bsfl %eax,%ebx
        movzx %ax,%ax; movzxw (%eax),%ax; movsxw (%ecx),%dx; movsx %cx,%ax; movzx (%eax),%ax; movsx (%eax),%eax
""",
    "structures": """
        movl second+4(%eax),%ebx
        .struct 8
first:  .long 0
second: .word 0; .byte 0
        .align 8
third:  .skip 12
size:
        .text
        movl third(%eax),%ebx; movl $size-third,%ecx; .byte first, second, third, size
""",
    "wide, floating and broad": """
        .octa 1, -1, 0x0123456789abcdef0123456789abcdef, 5+3*2, -0x123
        .float 1.5, -2.25, 0.1, 3.14159265358979, 1e10, 1e-10, 123456789, 0f2.5, +3, .5, 5.
        .double -2.5, 0.1, 3.14159265358979, 1e100, 1e-300; .single 1
        .string8 "ab"; .string16 "ab\\n", "c"; .string32 "x"; .string64 "a"; .ascii "\\v\\x\\xzz"
        .fill 2,,7; .fill 2,1,7; .fill 3
""",
    "position-independent code": """
f:      jmp g@PLT; jmp f@PLT; call l@PLT; jne l@PLT; call unknown@PLT
        .globl g
g: l:   addl $_GLOBAL_OFFSET_TABLE_,%ebx; addl $_GLOBAL_OFFSET_TABLE_+4,%eax; leal _GLOBAL_OFFSET_TABLE_(%ecx),%eax
        movl x@GOT(%ebx),%eax; movl f@GOT(%ebx),%eax; leal l@GOTOFF+4(%ebx),%eax; movl $x@GOTOFF,%eax
        .long x@GOTOFF, l@GOTOFF, x@GOT
        movl x@GOT,%ebx; call *x@GOT(%ebx); jmp *y@GOT; jmp *f@GOT(%eax,%ecx,4)
""",
    "lines of the preprocessor": """# 0 "entry.S"
# 0 "<built-in>"
# 1 "entry.h" 1
        nop
# 2 "entry.S" 2
        ret  # a comment
# 5 apples
""",
    "what compilers print": """
        .file "x.c"
        .text
        .globl main
        .type main, @function
main:
.LFB0:  .cfi_startproc
        .file 1 "x.c"
        .loc 1 2 3 view .LVU1
        pushl %ebp
        .cfi_def_cfa_offset 8
        movl %esp,%ebp
        leave
        ret
        .cfi_endproc
.LFE0:  .size main, .-main
        .weak maybe
        call maybe
        .hidden main
        .ident "GCC"
        .section .note.GNU-stack,"",@progbits
""",
}


@needs_as
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_section_has_the_bytes_of_as(name: str) -> None:
    assert differences(PROGRAMS[name]) == []


C_FILES = sorted((Path(__file__).parent / "c").glob("*.c"))
OPTIONS = (
    "-O0",
    "-O1 -fno-omit-frame-pointer",
    "-O2",
    "-O3 -funroll-loops",
    "-Os -g",
    "-O2 -fpic",
    "-O1 -fPIE -fno-plt",
)


@needs_as
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("path", C_FILES, ids=lambda path: path.stem)
def test_what_gcc_prints_becomes_the_bytes_of_as(path: Path, options: str) -> None:
    command = ["gcc", "-m32", "-march=i486", "-S", "-fno-pic", "-ffreestanding", "-fcf-protection=none"]
    done = subprocess.run(
        [*command, *options.split(), "-o", "-", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert differences(done.stdout) == []


@needs_as
@pytest.mark.parametrize(
    "source",
    [
        ".rept 3\nnop\n",
        ".if 1\nnop\n",
        ".macro m\nnop\n",
        ".endif\n",
        ".else\n",
        ".endr\n",
        ".if later\n.endif\nlater = 1\n",
        ".align 3\n",
        ".org 10\n.org 5\n",
        "x: nop\nx: nop\n",
        "x: nop\nx = 5\n",
        ".equiv x,1\n.equiv x,2\n",
        "jmp 1b\n",
        "jmp 1f\n",
        ".macro m a\n.endm\nm 1,2\n",
        ".macro m a:req\n.endm\nm\n",
        ".macro m a\n.endm\nm b=1\n",
        ".macro m\nm\n.endm\nm\n",
        ".macro m\n.endm\n.macro m\n.endm\n",
        ".purgem nothing\n",
        ".popsection\n",
        ".exitm\n",
        '.ascii "open\n',
        '.include "nothing.inc"\n',
        ".unknown 5\n",
        "a = b\nb = a\n.long a\n",
        ".long a*2\na: nop\n",
        ".err\n",
        '.error "no"\n',
        ".bss\n.long 1\n",
        "jow .\n",
        "jmpl label\n",
        "cwdel\n",
        "nopl\n",
        "movzxl %al,%eax\n",
        "movl 4(),%eax\n",
        "{disp32} movl (%bx),%eax\n",
        "movzx %al,%al\n",
        ".type x,@bar\n",
        ".section .x,aw\n",
        '.section .x,"aw",progbits\n',
        '.section .x,"aw",\n',
        ".struct 0\n.long 5\n",
        ".struct 0\na:\n.text\na: nop\n",
        ".double x\n",
        ".octa x\n",
        "movl x@,%eax\n",
        '.data\n.long here-there\n.text\nhere: nop\n.section x,"a"\nthere:\n',
    ],
)
def test_what_as_refuses_or_warns_of_is_a_problem(source: str) -> None:
    judgement = judge(source)
    assert judgement.refused or judgement.warned
    with pytest.raises(Problems):
        ours(source)
