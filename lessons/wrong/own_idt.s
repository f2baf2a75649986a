# own_idt.s - what the modules of this folder share, so that each shows little more than its mistake: the IDT of one's
# own, built as in lecture.s, and the two functions of a module where they are right. What is missing is isr0x0E.

GFP_DMA         = 0x01
GFP_KERNEL      = 0x1F0
IDT_SIZE        = 256 * 8
GATE_14         = 14 * 8
ENOMEM          = 12

        .data
oldidtr:        .word   0, 0, 0         # what sidt stores and lidt loads
newidtr:        .word   0, 0, 0
page:           .long   0
old_isr:        .long   0               # where the old gate 14 leads

        .text
# own_idt(page): let our IDT lie in this page, gate 14 lead to isr0x0E, and activate it. 0, or -ENOMEM without a page.
own_idt:
        pushl   %esi
        pushl   %edi
        movl    $-ENOMEM, %eax
        movl    12(%esp), %edi
        testl   %edi, %edi
        jz      1f
        movl    %edi, page
        sidt    oldidtr
        sidt    newidtr
        movl    %edi, newidtr+2

        movl    oldidtr+2, %esi
        movl    GATE_14+4(%esi), %eax
        movw    GATE_14(%esi), %ax
        movl    %eax, old_isr
        movl    $(IDT_SIZE / 4), %ecx
        rep movsl

        movl    page, %edi
        movl    $isr0x0E, %edx
        movl    %cs, %eax
        shll    $16, %eax
        movw    %dx, %ax
        movw    $0x8E00, %dx
        movl    %eax, GATE_14(%edi)
        movl    %edx, GATE_14+4(%edi)
        lidt    newidtr
        xorl    %eax, %eax
1:      popl    %edi
        popl    %esi
        ret

# A module has these, or its own in their place.

        .macro  INIT_MODULE
        .globl  init_module
init_module:
        pushl   $(GFP_KERNEL | GFP_DMA)
        call    get_free_page
        movl    %eax, (%esp)
        call    vmalloc_sync_all
        call    own_idt                 # own_idt(page)
        addl    $4, %esp
        ret
        .endm

        .macro  CLEANUP_MODULE
        .globl  cleanup_module
cleanup_module:
        lidt    oldidtr
        pushl   page
        call    free_page
        addl    $4, %esp
        ret
        .endm
