# lecture.s - the lecture's lab as a kernel module: an IDT of our own, whose gate 14 leads here. Each page fault is
# logged in one line, then the kernel's own handler does what it always did.
#
#       insmod lecture.s        a new IDT is built and activated
#       dmesg                   a line for each fault since
#       rmmod lecture           the old IDT is active again, and our page is free
#
# lecture.c is the same in C, lecture-two.s and lecture-two.c the same in two files. lecture-as-published.s is the
# module of 2003, with its mistakes; where this one differs, a comment that begins with "Hazard" tells why.
#
#   IDTR --> the page, 256 gates --> gate 14 --> isr0x0E --> handler(tos), which prints
#                                                   |
#                                                   +------> old_isr: page_fault, as before

GFP_DMA         = 0x01
GFP_KERNEL      = 0x1F0
ENOMEM          = 12

TASK_PID        = 0                     # where in a task its number and its name lie
TASK_COMM       = 4

IDT_SIZE        = 256 * 8
GATE_14         = 14 * 8                # where the page fault's gate lies in an IDT

        .data
# What sidt stores and lidt loads, 48 bits: the limit, the base's lower half, its upper half.
oldidtr:        .word   0, 0, 0
newidtr:        .word   0, 0, 0

        .balign 4
page:           .long   0               # where our IDT lies
old_isr:        .long   0               # where the old gate 14 leads
count:          .long   0               # how many faults were logged

# ---- Start

        .text
# init_module(): 0, or -ENOMEM
        .globl  init_module
        .type   init_module, @function
init_module:
        pushl   %esi
        pushl   %edi

        # The processor reads the IDT at any time, on behalf of any task, and nobody can repair a fault that it meets
        # there. So our table needs a page that is mapped in every page directory, always: one of the DMA zone.
        pushl   $(GFP_KERNEL | GFP_DMA)
        call    get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      no_memory
        movl    %eax, page

        # Where is the IDT now? The limit stays, the base becomes our page's.
        sidt    oldidtr
        sidt    newidtr
        movl    %eax, newidtr+2

        # The old handler: offset 31..16 is the upper half of the gate's upper word, offset 15..0 the lower half of the
        # lower one.
        movl    oldidtr+2, %esi
        movl    GATE_14+4(%esi), %eax
        movw    GATE_14(%esi), %ax
        movl    %eax, old_isr

        # All gates as they are. The table in use is only read: it may be write-protected, and here it is.
        movl    page, %edi
        movl    $(IDT_SIZE / 4), %ecx
        rep movsl

        # And a new gate 14, 64 bits in EDX:EAX.
        #
        #    63          48 47 46 45 44 43  40 39   32 31      16 15           0
        #   +--------------+--+-----+--+------+-------+----------+--------------+
        #   | offset 31..16| P| DPL | 0| type |   0   | selector | offset 15..0 |
        #   +--------------+--+-----+--+------+-------+----------+--------------+
        #
        # Hazard, the type: it is 0x8E00, an interrupt gate. A trap gate would leave IF as it was, and an interrupt, and
        # with it another fault, could come before CR2 is read.
        # Hazard, the DPL: it is 0. With DPL 3 a user could say `int $14`, which pushes no error code, and everything
        # from tos[10] on would lie one place off. So that is #GP(0x72).
        # Hazard, the selector: 0x10 is the kernel's code segment in Linux 2.4 and something else in 2.6, and a wrong
        # one makes a double fault of each page fault. CS holds the right one, since we are executing in it.
        movl    $isr0x0E, %edx
        movl    %cs, %eax
        shll    $16, %eax
        movw    %dx, %ax                # EAX: selector, offset 15..0
        movw    $0x8E00, %dx            # EDX: offset 31..16, P=1, DPL 0, interrupt gate
        movl    page, %edi
        movl    %eax, GATE_14(%edi)
        movl    %edx, GATE_14+4(%edi)

        # Hazard, this module's own pages: unlike the IDT's they are vmalloc'ed, so other tasks may not have them in
        # their page directories yet. The kernel adds the missing entry when a fault asks for it; but a fault that finds
        # isr0x0E itself missing asks isr0x0E, and so on, down the stack. So let all tasks have the entry beforehand.
        call    vmalloc_sync_all

        lidt    newidtr                 # from here on it is ours
        xorl    %eax, %eax
        jmp     1f
no_memory:
        movl    $-ENOMEM, %eax          # nothing was changed
1:      popl    %edi
        popl    %esi
        ret

# ---- Stop

# cleanup_module(): in this order. A freed page may be anybody's the next moment, also while IDTR still points to it.
        .globl  cleanup_module
        .type   cleanup_module, @function
cleanup_module:
        lidt    oldidtr
        pushl   page
        call    free_page
        addl    $4, %esp
        ret

# ---- Each page fault
#
# The stack as handler sees it, the first pushed first. Of the selectors mask the lower 16 bits: what lies above them is
# not defined on every processor.
#
#   tos[15] SS      tos[14] ESP                                         the processor, only if it came from CPL 3
#   tos[13] EFLAGS  tos[12] CS   tos[11] EIP  tos[10] error code        the processor
#   tos[9] EAX      tos[8] ECX   tos[7] EDX   tos[6] EBX                pushal
#   tos[5] ESP      tos[4] EBP   tos[3] ESI   tos[2] EDI                pushal; this ESP is the address of tos[10]
#   tos[1] DS       tos[0] ES                                           isr0x0E

TOS_ERROR_CODE  = 10 * 4
TOS_EIP         = 11 * 4

        .type   isr0x0E, @function
isr0x0E:
        pushal
        pushl   %ds
        pushl   %es

        # CS and SS were set by the processor, DS and ES are our business: they are still the user's.
        mov     %ss, %eax
        mov     %eax, %ds
        mov     %eax, %es

        cld                             # Hazard: DF is the user's too, and C code relies on its being 0

        pushl   %esp
        call    handler
        addl    $4, %esp

        popl    %es
        popl    %ds
        popal

        # Hazard: DS is the user's again, and it may be null. `jmp *old_isr` would read the kernel's data through it: a
        # #GP in the kernel, for which the user could always ask. SS is still the kernel's and, as a stack, readable.
        jmp     *%ss:old_isr

# handler(unsigned long *tos)
#
# Hazard: a fault in here would overwrite CR2, which the old handler is to read after us. So nothing is touched but
# kernel memory that is always mapped and this module, which vmalloc_sync_all has made so.
        .type   handler, @function
handler:
        pushl   %ebx
        movl    8(%esp), %ebx           # tos
        movl    %cr2, %ecx
        incl    count

        movl    $no_fetch, %eax
        cmpl    TOS_EIP(%ebx), %ecx
        jne     2f
        movl    $fetch, %eax            # the instruction itself could not be read
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

# By the error code: Supervisor or User, Read or Write, Absent or Protection. (1 cannot happen: what is present, the
# supervisor may read.)
causes:         .asciz  "sra", "srp", "swa", "swp", "ura", "urp", "uwa", "uwp"
