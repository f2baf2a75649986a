# late-cr2.s - a handler that first looks at the user's stack, and at CR2 only then.

        .include "own_idt.s"

        INIT_MODULE
        CLEANUP_MODULE

isr0x0E:
        pushal
        pushl   %ds
        pushl   %es

        mov     %ss, %eax
        mov     %eax, %ds
        mov     %eax, %es
        cld

        pushl   %esp
        call    handler
        addl    $4, %esp

        popl    %es
        popl    %ds
        popal
        jmp     *%ss:old_isr

handler:
        movl    4(%esp), %edx           # tos
        xorl    %eax, %eax
        testb   $3, 12 * 4(%edx)        # tos[12] is CS: only from CPL 3 there is a tos[14], its ESP
        jz      look_at_cr2
        movl    14 * 4(%edx), %eax
look_at_stack:
        movl    (%eax), %eax            # what if that page is not there?
look_at_cr2:
        movl    %cr2, %ecx
        pushl   %eax
        pushl   11 * 4(%edx)
        pushl   %ecx
        pushl   $line
        call    printk
        addl    $16, %esp
        ret

        .data
line:   .asciz  "cr2=%08lx eip=%08lx, on the stack %08lx\n"
