# no-addl.s - the stub of lecture.s, but the argument of handler stays on the stack.

        .include "own_idt.s"

        INIT_MODULE
        CLEANUP_MODULE

        .data
count:  .long   0

        .text
isr0x0E:
        pushal
        pushl   %ds
        pushl   %es

        mov     %ss, %eax
        mov     %eax, %ds
        mov     %eax, %es

        pushl   %esp
        call    handler
                                        # here lecture.s has addl $4, %esp

        popl    %es
        popl    %ds
        popal
        jmp     *%ss:old_isr

handler:
        incl    count
        ret
