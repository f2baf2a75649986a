# lecture-as-published.s - the lecture's module as it was published in 2003, in assembly. It logs what lecture.s logs,
# as long as nobody steps on one of its hazards, which are marked. In all else the code is that of lecture.s, whose
# comments tell why each of them is a hazard; the scripts in lessons/wrong show what becomes of it.

GFP_DMA         = 0x01
GFP_KERNEL      = 0x1F0
ENOMEM          = 12

TASK_PID        = 0
TASK_COMM       = 4

IDT_SIZE        = 256 * 8
GATE_14         = 14 * 8

        .data
oldidtr:        .word   0, 0, 0
newidtr:        .word   0, 0, 0

        .balign 4
page:           .long   0
old_isr:        .long   0
count:          .long   0

# What the new gate is made of. `insmod lecture-as-published.s selector=0x60` sets it otherwise.
selector:       .long   0x10            # Hazard: the kernel's CS of 2.4, whatever kernel this is
gate_type:      .long   0xEF00          # Hazard: DPL 3, so a user can say `int $14`. Hazard: a trap gate leaves IF=1

        .text
        .globl  init_module
        .type   init_module, @function
init_module:
        pushl   %esi
        pushl   %edi

        pushl   $(GFP_KERNEL | GFP_DMA)
        call    get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      no_memory
        movl    %eax, page

        sidt    oldidtr
        sidt    newidtr
        movl    %eax, newidtr+2

        movl    oldidtr+2, %esi
        movl    GATE_14+4(%esi), %eax
        movw    GATE_14(%esi), %ax
        movl    %eax, old_isr

        movl    page, %edi
        movl    $(IDT_SIZE / 4), %ecx
        rep movsl

        movl    $isr0x0E, %edx
        movl    selector, %eax
        shll    $16, %eax
        movw    %dx, %ax
        movw    gate_type, %dx
        movl    page, %edi
        movl    %eax, GATE_14(%edi)
        movl    %edx, GATE_14+4(%edi)

                                        # Hazard: nobody has seen to it that isr0x0E is mapped in the other directories
        lidt    newidtr
        xorl    %eax, %eax
        jmp     1f
no_memory:
        movl    $-ENOMEM, %eax
1:      popl    %edi
        popl    %esi
        ret

        .globl  cleanup_module
        .type   cleanup_module, @function
cleanup_module:
        lidt    oldidtr
        pushl   page
        call    free_page
        addl    $4, %esp
        ret

TOS_ERROR_CODE  = 10 * 4
TOS_EIP         = 11 * 4

        .type   isr0x0E, @function
isr0x0E:
        pushal
        pushl   %ds
        pushl   %es

        mov     %ss, %eax
        mov     %eax, %ds
        mov     %eax, %es

                                        # Hazard: no cld
        pushl   %esp
        call    handler
        addl    $4, %esp

        popl    %es
        popl    %ds
        popal

        jmp     *old_isr                # Hazard: read through the user's DS

        .type   handler, @function
handler:
        pushl   %ebx
        movl    8(%esp), %ebx
        movl    %cr2, %ecx
        incl    count

        movl    $no_fetch, %eax
        cmpl    TOS_EIP(%ebx), %ecx
        jne     2f
        movl    $fetch, %eax
2:      pushl   %eax
        movl    TOS_ERROR_CODE(%ebx), %eax
        andl    $7, %eax
        leal    causes(, %eax, 4), %eax
        pushl   %eax
        pushl   TOS_EIP(%ebx)
        pushl   %ecx
        movl    current, %eax
        pushl   TASK_PID(%eax)
        addl    $TASK_COMM, %eax
        pushl   %eax
        pushl   count
        pushl   $fault_line
        call    printk
        addl    $32, %esp
        popl    %ebx
        ret

        .data
fault_line:     .asciz  "%5lu %s[%d] cr2=%08lx eip=%08lx %s%s\n"
fetch:          .asciz  " x"
no_fetch:       .asciz  ""
causes:         .asciz  "sra", "srp", "swa", "swp", "ura", "urp", "uwa", "uwp"
