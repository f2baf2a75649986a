# no-addl.s - the stub of lecture.s, but the argument of handler stays on the stack.

        .include "own_idt.s"

        .globl  init_module, cleanup_module
init_module:
        pushl   $(GFP_KERNEL | GFP_DMA)
        call    get_free_page
        movl    %eax, (%esp)
        call    vmalloc_sync_all
        call    own_idt                 # own_idt(page)
        addl    $4, %esp
        ret

cleanup_module:
        lidt    oldidtr
        pushl   page
        call    free_page
        addl    $4, %esp
        ret

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
