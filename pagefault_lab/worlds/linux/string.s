# string.s - memory and strings. A module may use them, and a C compiler calls the first four even when nobody wrote
# them down.
#
# They count on DF being clear, as every i386 program does: whoever lets a user into the kernel says cld first.

        .text
# memcpy(to, from, count): returns to. The two must not overlap.
ENTRY memcpy
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %edi
        movl    16(%esp), %esi
        movl    20(%esp), %ecx
        movl    %ecx, %edx
        movl    %edi, %eax
        shrl    $2, %ecx
        rep movsl                       # four at a time
        movl    %edx, %ecx
        andl    $3, %ecx
        rep movsb                       # and the rest
        popl    %edi
        popl    %esi
        ret

# memmove(to, from, count): returns to. They may overlap: if the target lies above, the last byte goes first.
ENTRY memmove
        movl    4(%esp), %eax
        cmpl    8(%esp), %eax
        jbe     memcpy
        pushl   %esi
        pushl   %edi
        movl    16(%esp), %esi
        movl    20(%esp), %ecx
        leal    -1(%esi, %ecx), %esi
        leal    -1(%eax, %ecx), %edi
        std
        rep movsb
        cld
        popl    %edi
        popl    %esi
        ret

# memset(to, byte, count): returns to.
ENTRY memset
        pushl   %edi
        movl    8(%esp), %edi
        movzbl  12(%esp), %eax
        imull   $0x01010101, %eax, %eax # the byte, four times
        movl    16(%esp), %edx
        movl    %edx, %ecx
        shrl    $2, %ecx
        rep stosl
        movl    %edx, %ecx
        andl    $3, %ecx
        rep stosb
        movl    8(%esp), %eax
        popl    %edi
        ret

# memcmp(one, other, count): 0 if they are the same; else the sign says how the first bytes that differ compare.
ENTRY memcmp
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %esi
        movl    16(%esp), %edi
        movl    20(%esp), %ecx
        xorl    %eax, %eax
        cmpl    %eax, %eax              # nothing to compare is equal
        repe cmpsb
        je      1f
        sbbl    %eax, %eax              # -1 if the first one's byte is below
        orl     $1, %eax
1:      popl    %edi
        popl    %esi
        ret

# strlen(string): how many bytes lie before the zero.
ENTRY strlen
        pushl   $-1
        pushl   8(%esp)
        call    strnlen
        addl    $8, %esp
        ret

# strnlen(string, count): the same, but no byte behind the first `count` is looked at.
ENTRY strnlen
        movl    4(%esp), %edx
        movl    8(%esp), %ecx
        xorl    %eax, %eax
1:      cmpl    %ecx, %eax
        jae     2f
        cmpb    $0, (%edx, %eax)
        je      2f
        incl    %eax
        jmp     1b
2:      ret

# strcmp(one, other): 0 if they are the same; else the sign says how the first bytes that differ compare.
ENTRY strcmp
        pushl   8(%esp)
        call    strlen
        addl    $4, %esp
        leal    1(%eax), %ecx           # with its zero, so that no other string is equal
        pushl   %ecx
        pushl   12(%esp)
        pushl   12(%esp)
        call    memcmp
        addl    $12, %esp
        ret
