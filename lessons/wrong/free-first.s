# free-first.s - a module that gives its page back while IDTR still points to it.

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
        pushl   page
        call    free_page
        addl    $4, %esp
page_is_freed:
        lidt    oldidtr                 # lecture.s has this first
        ret

isr0x0E:
        jmp     *%ss:old_isr
