# lecture-two.s - the lecture's module in two files: here is where the processor arrives. lecture-two.c is the rest.
#
#       insmod lecture-two.s lecture-two.c
#
# The stub is that of lecture.s, whose comments explain it.

        .text
        .globl  isr0x0E
        .type   isr0x0E, @function
isr0x0E:
        pushal
        pushl   %ds
        pushl   %es

        mov     %ss, %eax               # kernel data: CS and SS were set by the processor, DS and ES are by us
        mov     %eax, %ds
        mov     %eax, %es
        cld                             # DF is still the user's

        pushl   %esp
        call    handler                 # handler(unsigned long *tos)
        addl    $4, %esp

        popl    %es
        popl    %ds
        popal
        jmp     *%ss:old_isr            # DS is the user's again: it may be null

        .comm   old_isr, 4, 4           # where the old gate 14 leads: init_module finds out
