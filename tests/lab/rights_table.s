# An access to TARGET under every entry of its directory and table, at CPL 0 and 3, with CR0.WP 0 and 1: what a processor
# makes of each goes into `results`, a byte for each, in the order of their numbers.
#
#       number      9     7 6     4   3    2     1  0
#                  |  PDE  |  PTE  | WP | CPL3 | kind |      kind: 0 read, 1 write, 2 fetch
#
# A byte is the error code of the page fault, or ALLOWED.

TARGET          = 0x00800000
ALLOWED         = 0x80
MAGIC           = 0x1BADB002
HAS_ADDRESSES   = 0x00010000

        .text
start:
header: .long   MAGIC, HAS_ADDRESSES, -(MAGIC + HAS_ADDRESSES), header, start, 0, end, entry

entry:  lgdt    gdtr
        ljmp    $0x08, $1f
1:      movl    $0x23, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    $0x10, %eax
        movl    %eax, %ss
        movl    $stack, %esp
        movl    $tss, %eax
        orl     %eax, tss_descriptor + 2        # below 16 MiB: the base has 24 bits
        movl    $0x28, %eax
        ltr     %ax

        xorl    %ecx, %ecx                      # the first 4 MiB one to one, open to all
1:      movl    %ecx, %eax
        shll    $12, %eax
        orl     $7, %eax
        movl    %eax, table(,%ecx,4)
        incl    %ecx
        cmpl    $1024, %ecx
        jne     1b
        movl    $table + 7, directory

        movl    $14, %ecx
        movl    $page_fault, %eax
        call    set_gate
        movl    $0x40, %ecx
        movl    $allowed, %eax
        call    set_gate
        lidt    idtr
        movl    $directory, %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        jmp     try

page_fault:
        popl    %eax
        jmp     store
allowed:
        movl    $ALLOWED, %eax
store:  movl    number, %ecx
        movb    %al, results(%ecx)
next:   incl    number
        cmpl    $1024, number
        je      done
try:    movl    $stack, %esp
        movl    number, %ecx
        andl    $3, %ecx
        cmpl    $3, %ecx
        je      next
        movl    kinds(,%ecx,4), %edx

        movl    number, %eax
        shrl    $7, %eax
        orl     $target_table, %eax
        movl    %eax, directory + 4 * (TARGET >> 22)
        movl    number, %eax
        shrl    $4, %eax
        andl    $7, %eax
        orl     $target_page, %eax
        movl    %eax, target_table
        movl    $directory, %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        andl    $~0x10000, %eax
        testl   $8, number
        jz      1f
        orl     $0x10000, %eax
1:      movl    %eax, %cr0

        movl    $TARGET, %ebx
        movl    $0x90909090, %eax               # four nop, as there are at TARGET
        testl   $4, number
        jz      1f
        pushl   $0x23
        pushl   $user_stack
        pushl   $2
        pushl   $0x1b
        pushl   %edx
        iret
1:      jmp     *%edx

read:   movl    (%ebx), %eax
        int     $0x40
write:  movl    %eax, (%ebx)
        int     $0x40
fetch:  jmp     *%ebx

done:   jmp     done

set_gate:                                       # number %ecx, handler %eax
        movw    %ax, idt(,%ecx,8)
        movw    $0x08, idt + 2(,%ecx,8)
        movw    $0xee00, idt + 4(,%ecx,8)
        shrl    $16, %eax
        movw    %ax, idt + 6(,%ecx,8)
        ret

        .data
kinds:  .long   read, write, fetch
number: .long   0
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
tss_descriptor:
        .quad   0x0000890000000067              # its base is filled in
gdtr:   .word   gdtr - gdt - 1
        .long   gdt
idtr:   .word   0x7ff
        .long   idt
tss:    .long   0, stack, 0x10
        .space  0x68 - 12
        .balign 4096
target_page:
        .long   0x90909090
        int     $0x40

        .bss
        .balign 4096
directory:      .space 4096
table:          .space 4096
target_table:   .space 4096
idt:            .space 2048
results:        .space 1024
                .space 1024
stack:          .space 1024
user_stack:
end:
