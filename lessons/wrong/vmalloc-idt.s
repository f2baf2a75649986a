# vmalloc-idt.s - an IDT in vmalloc memory, which is mapped in a page directory only once somebody has touched it there.

        .include "own_idt.s"

        .globl  init_module, cleanup_module
init_module:
        pushl   $IDT_SIZE
        call    vmalloc                 # lecture.s has get_free_page(GFP_KERNEL | GFP_DMA)
        movl    %eax, (%esp)
        call    own_idt                 # own_idt(page)
        addl    $4, %esp
        ret

cleanup_module:
        lidt    oldidtr
        pushl   page
        call    vfree
        addl    $4, %esp
        ret

isr0x0E:
        jmp     *%ss:old_isr
