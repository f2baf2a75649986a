# free-first.s - a module that gives its page back while IDTR still points to it.

        .include "own_idt.s"

        INIT_MODULE

        .globl  cleanup_module
cleanup_module:
        pushl   page
        call    free_page
        addl    $4, %esp
page_is_freed:
        lidt    oldidtr                 # lecture.s has this first
        ret

isr0x0E:
        jmp     *%ss:old_isr
