# ds-left.s - a handler that takes DS and ES and does not give them back.

        .include "own_idt.s"

        INIT_MODULE
        CLEANUP_MODULE

        .data
count:  .long   0

        .text
isr0x0E:
        pushl   %eax
        movl    %ss, %eax
        movl    %eax, %ds               # lecture.s has pushed them before
        movl    %eax, %es
        incl    count
        popl    %eax
        jmp     *%ss:old_isr            # and popped them here
