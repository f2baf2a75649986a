# idt.s - the interrupt descriptor table: for each of 256 vectors, where to go.
#
# A gate (SDM volume 3, 6.11):
#
#    63                 48 47 46 45 44 43   40 39     32 31        16 15                  0
#   +---------------------+--+-----+--+-------+---------+------------+---------------------+
#   |   offset 31..16     | P| DPL | 0| type  |    0    |  selector  |    offset 15..0     |
#   +---------------------+--+-----+--+-------+---------+------------+---------------------+
#
#   0x8E00  interrupt gate: clears IF, so that nothing comes between the fault and the reading of CR2
#   0x8F00  trap gate: leaves IF as it was
#   0xEF00  trap gate with DPL 3: user code may say `int` with this vector
#   DPL says who may use `int`; exceptions and device interrupts ignore it.

INTERRUPT_GATE  = 0x8E00
TRAP_GATE       = 0x8F00
SYSTEM_GATE     = 0xEF00                # trap gate, DPL 3
DOOR_GATE       = 0xEE00                # interrupt gate, DPL 3

        .text
# trap_init(): fill the table and load IDTR.
ENTRY trap_init
        pushl   %ebx
        pushl   %esi

        # All 256 first, so that no vector is ever without a gate.
        xorl    %ebx, %ebx
1:      pushl   $ignore_int
        pushl   $INTERRUPT_GATE
        pushl   %ebx
        call    set_gate
        addl    $12, %esp
        incl    %ebx
        cmpl    $256, %ebx
        jb      1b

        # Then those that have a place of their own.
        movl    $gates, %esi
2:      pushl   8(%esi)
        pushl   4(%esi)
        pushl   (%esi)
        call    set_gate
        addl    $12, %esp
        addl    $12, %esi
        cmpl    $gates_end, %esi
        jb      2b

        # And the sixteen IRQs, whose stubs lie in memory as IRQ_STUB_SIZE bytes each.
        movl    $irq_stubs, %esi
        movl    $FIRST_IRQ_VECTOR, %ebx
3:      pushl   %esi
        pushl   $INTERRUPT_GATE
        pushl   %ebx
        call    set_gate
        addl    $12, %esp
        addl    $IRQ_STUB_SIZE, %esi
        incl    %ebx
        cmpl    $(FIRST_IRQ_VECTOR + 16), %ebx
        jb      3b

        lidt    idt_descr
        popl    %esi
        popl    %ebx
        ret

# set_gate(vector, type, offset)
set_gate:
        movl    4(%esp), %edx
        leal    idt_table(, %edx, 8), %edx
        movl    12(%esp), %eax
        movw    %ax, (%edx)             # offset 15..0
        movw    $KERNEL_CS, 2(%edx)
        movw    8(%esp), %ax            # EAX: offset 31..16 and type
        movl    %eax, 4(%edx)
        ret

# write_protect_idt(): map the IDT's page a second time, read-only, and let IDTR point there. Linux does so because of
# the Pentium's F00F bug; it also means that nobody changes the IDT in use by mistake. (The table itself can still be
# written at idt_table; the processor follows whatever the page holds.)
ENTRY write_protect_idt
        movl    $(idt_table - PAGE_OFFSET + PAGE_KERNEL_RO), vmalloc_table + VMALLOC_PTE
        movl    $(vmalloc_table - PAGE_OFFSET + PAGE_KERNEL), swapper_pg_dir + VMALLOC_PDE
        movl    $idt_alias, idt_descr + 2
        lidt    idt_descr
        ret

idt_alias       = VMALLOC_START
        .globl  idt_alias

        .data
        .word   0                       # so that the base below is aligned
OBJECT idt_descr
        .word   256 * 8 - 1
        .long   idt_table

# Vector, type, offset. What is not here, and is no IRQ, is ignore_int.
        .macro GATE vector, type, offset
        .long   \vector, \type, \offset
        .endm

        .balign 4, 0
gates:
        GATE    0, TRAP_GATE, divide_error
        GATE    1, TRAP_GATE, debug
        GATE    2, INTERRUPT_GATE, nmi
        GATE    3, SYSTEM_GATE, int3            # 3, 4 and 5 have instructions that user code may use
        GATE    4, SYSTEM_GATE, overflow
        GATE    5, SYSTEM_GATE, bounds
        GATE    6, TRAP_GATE, invalid_op
        GATE    7, TRAP_GATE, device_not_available
        GATE    8, TRAP_GATE, double_fault      # on the same stack: a bad kernel stack is the end
        GATE    9, TRAP_GATE, coprocessor_segment_overrun
        GATE    10, TRAP_GATE, invalid_TSS
        GATE    11, TRAP_GATE, segment_not_present
        GATE    12, TRAP_GATE, stack_segment
        GATE    13, TRAP_GATE, general_protection
        GATE    14, INTERRUPT_GATE, page_fault
        GATE    15, TRAP_GATE, spurious_interrupt_bug
        GATE    16, TRAP_GATE, coprocessor_error
        GATE    17, TRAP_GATE, alignment_check
        GATE    18, TRAP_GATE, machine_check
        GATE    19, TRAP_GATE, simd_coprocessor_error
        GATE    0x80, SYSTEM_GATE, system_call
        GATE    0x81, DOOR_GATE, kernel_context
gates_end:

        .bss
        .balign PAGE_SIZE
OBJECT idt_table                        # alone in its page: the alias shows all of the page
        .space  PAGE_SIZE
OBJECT vmalloc_table                    # the page table of VMALLOC_START
        .space  PAGE_SIZE
