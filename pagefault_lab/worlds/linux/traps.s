# traps.s - what the kernel does about exceptions other than page faults: user mode gets a signal, kernel mode an Oops.

        .text

# One function an exception, for its name's sake: they differ in the signal, its code, and a word.
#
#       do_NAME(struct pt_regs *regs, unsigned long error_code)

        .macro TRAP name, trapnr, signal, code
ENTRY do_\name
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %edx
        pushl   %eax
        pushl   $text_\name
        pushl   $\code
        pushl   $\signal
        pushl   $\trapnr
        call    do_trap
        addl    $24, %esp
        ret
        .endm

        TRAP    divide_error, 0, SIGFPE, FPE_INTDIV
        TRAP    int3, 3, SIGTRAP, SI_KERNEL
        TRAP    overflow, 4, SIGSEGV, SI_KERNEL
        TRAP    bounds, 5, SIGSEGV, SI_KERNEL
        TRAP    invalid_op, 6, SIGILL, ILL_ILLOPN
        TRAP    double_fault, 8, SIGSEGV, SI_KERNEL
        TRAP    coprocessor_segment_overrun, 9, SIGFPE, SI_KERNEL
        TRAP    invalid_TSS, 10, SIGSEGV, SI_KERNEL
        TRAP    segment_not_present, 11, SIGBUS, SI_KERNEL
        TRAP    stack_segment, 12, SIGBUS, SI_KERNEL
        TRAP    general_protection, 13, SIGSEGV, SI_KERNEL
        TRAP    coprocessor_error, 16, SIGFPE, SI_KERNEL
        TRAP    alignment_check, 17, SIGBUS, BUS_ADRALN
        TRAP    machine_check, 18, SIGBUS, SI_KERNEL
        TRAP    simd_coprocessor_error, 19, SIGFPE, SI_KERNEL

# do_trap(trapnr, signal, code, text, regs, error_code)
do_trap:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        movl    24(%ebp), %ebx          # regs
        testb   $3, PT_CS(%ebx)
        jz      trap_in_kernel

        movl    current, %edx
        movl    8(%ebp), %eax
        movl    %eax, TASK_TRAP_NO(%edx)
        movl    28(%ebp), %eax
        movl    %eax, TASK_ERROR_CODE(%edx)
        pushl   12(%ebp)
        call    unhandled_signal
        addl    $4, %esp
        testl   %eax, %eax
        jz      1f
        movl    current, %edx
        pushl   28(%ebp)
        pushl   PT_ESP(%ebx)
        pushl   PT_EIP(%ebx)
        pushl   20(%ebp)
        pushl   TASK_PID(%edx)
        addl    $TASK_COMM, %edx
        pushl   %edx
        pushl   $trap_message           # "%s[%d]: trap %s at eip %08lx esp %08lx error %lx\n"
        call    printk
        addl    $28, %esp
1:      xorl    %eax, %eax              # SI_KERNEL tells of no address, the other codes of the instruction's
        cmpl    $SI_KERNEL, 16(%ebp)
        je      2f
        movl    PT_EIP(%ebx), %eax
2:      pushl   %eax
        pushl   16(%ebp)
        pushl   12(%ebp)
        call    force_sig_info
        addl    $12, %esp
        jmp     3f

trap_in_kernel:
        pushl   %ebx
        call    fixup_exception
        addl    $4, %esp
        testl   %eax, %eax
        jnz     3f                      # the instruction was allowed to fault
        pushl   28(%ebp)
        pushl   %ebx
        pushl   20(%ebp)
        call    die                     # does not return
3:      popl    %ebx
        popl    %ebp
        ret

# do_debug(regs, error_code): a single step (TF), a debug register, or icebp. In the kernel it is ignored, and TF with
# it, else the very next instruction would be here again.
ENTRY do_debug
        movl    4(%esp), %eax
        testb   $3, PT_CS(%eax)
        jz      1f
        movl    8(%esp), %edx
        pushl   %edx
        pushl   %eax
        pushl   $text_debug
        pushl   $TRAP_BRKPT
        pushl   $SIGTRAP
        pushl   $1
        call    do_trap
        addl    $24, %esp
        ret
1:      andl    $~EFLAGS_TF, PT_EFLAGS(%eax)
        ret

# do_device_not_available(regs, error_code): a floating-point instruction, and no coprocessor for it.
ENTRY do_device_not_available
        pushl   $no_coprocessor
        call    printk
        addl    $4, %esp
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %edx
        pushl   %eax
        pushl   $text_device_not_available
        pushl   $SI_KERNEL
        pushl   $SIGFPE
        pushl   $7
        call    do_trap
        addl    $24, %esp
        ret

# do_spurious_interrupt_bug(regs, error_code): vector 15 is reserved; Pentium Pros were known to send it anyway.
ENTRY do_spurious_interrupt_bug
        pushl   $spurious_interrupt
        call    printk
        addl    $4, %esp
        ret

# do_nmi(regs, error_code): port 0x61 knows about memory parity errors; nobody knows about anything else.
ENTRY do_nmi
        inb     $0x61, %al
        movzbl  %al, %eax
        pushl   %eax
        pushl   $nmi_message
        call    printk
        addl    $8, %esp
        ret

# ---- The Oops: the kernel itself is wrong. Say all there is to say, then end the task it was working for, and hope.

# die(text, regs, error_code): does not return.
ENTRY die
        pushl   %ebp
        movl    %esp, %ebp
        movzwl  16(%ebp), %eax
        pushl   %eax
        pushl   8(%ebp)
        pushl   $die_message            # "%s: %04lx\n"
        call    printk
        pushl   12(%ebp)
        call    show_registers
        pushl   $SIGSEGV
        call    do_exit

# show_registers(regs)
ENTRY show_registers
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        movl    8(%ebp), %ebx
        leal    PT_ESP(%ebx), %esi      # at the same ring the frame ends where the old stack begins
        movl    %ss, %ecx
        testb   $3, PT_CS(%ebx)
        jz      1f
        movl    PT_ESP(%ebx), %esi
        movl    PT_SS(%ebx), %ecx
1:      movzwl  %cx, %ecx

        pushl   %ecx                    # the last line's arguments first
        movzwl  PT_ES(%ebx), %eax
        pushl   %eax
        movzwl  PT_DS(%ebx), %eax
        pushl   %eax
        pushl   %esi
        pushl   PT_EBP(%ebx)
        pushl   PT_EDI(%ebx)
        pushl   PT_ESI(%ebx)
        pushl   PT_EDX(%ebx)
        pushl   PT_ECX(%ebx)
        pushl   PT_EBX(%ebx)
        pushl   PT_EAX(%ebx)
        pushl   PT_EFLAGS(%ebx)
        pushl   PT_EIP(%ebx)
        movzwl  PT_CS(%ebx), %eax       # the upper half is stale on some processors
        pushl   %eax
        pushl   $registers_message
        call    printk
        addl    $60, %esp

        movl    current, %eax
        leal    PAGE_SIZE(%eax), %edx
        pushl   %edx
        pushl   TASK_PID(%eax)
        addl    $TASK_COMM, %eax
        pushl   %eax
        pushl   $process_message        # "Process %s (pid: %d, stackpage=%08lx)\n"
        call    printk
        addl    $16, %esp

        testb   $3, PT_CS(%ebx)
        jnz     2f
        andl    $~3, %esi               # a crooked ESP would miss the stack's end
        pushl   %esi
        call    show_stack
        call    show_trace
        addl    $4, %esp
        pushl   PT_EIP(%ebx)
        call    show_code
        addl    $4, %esp
2:      popl    %esi
        popl    %ebx
        popl    %ebp
        ret

STACK_LINES     = 3                     # lines of eight longs

# show_stack(esp): what lies on it, up to the end of the kernel stack.
show_stack:
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %esi
        xorl    %ebx, %ebx
        pushl   $stack_text
        call    printk
        addl    $4, %esp
1:      testl   $(THREAD_SIZE - 1), %esi
        jz      3f
        pushl   %esi
        call    probe_long
        popl    %edx                    # the argument; addl would lose the carry
        jc      3f
        testl   %ebx, %ebx
        jz      2f
        testl   $7, %ebx
        jnz     2f
        pushl   %eax
        pushl   $stack_new_line
        call    printk
        addl    $4, %esp
        popl    %eax
2:      pushl   %eax
        pushl   $stack_long             # "%08lx "
        call    printk
        addl    $8, %esp
        addl    $4, %esi
        incl    %ebx
        cmpl    $(STACK_LINES * 8), %ebx
        jb      1b
3:      popl    %esi
        popl    %ebx
        ret

# show_trace(esp): of all longs on the stack those that could be return addresses, since they point into the kernel's
# code. Some are left-overs of earlier calls.
show_trace:
        pushl   %esi
        movl    8(%esp), %esi
        pushl   $trace_text
        call    printk
        addl    $4, %esp
1:      testl   $(THREAD_SIZE - 1), %esi
        jz      3f
        pushl   %esi
        call    probe_long
        popl    %edx
        jc      3f
        cmpl    $_text, %eax
        jb      2f
        cmpl    $_etext, %eax
        jae     2f
        pushl   %eax
        pushl   $trace_long             # "[<%08lx>] "
        call    printk
        addl    $8, %esp
2:      addl    $4, %esi
        jmp     1b
3:      popl    %esi
        ret

CODE_BYTES      = 20

# show_code(eip): the bytes of the instruction that failed and of those behind it.
show_code:
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %esi
        xorl    %ebx, %ebx
        pushl   $code_text
        call    printk
        addl    $4, %esp
1:      pushl   %esi
        call    probe_byte
        popl    %edx
        jc      2f
        pushl   %eax
        pushl   $code_byte              # "%02x "
        call    printk
        addl    $8, %esp
        incl    %esi
        incl    %ebx
        cmpl    $CODE_BYTES, %ebx
        jb      1b
        jmp     3f
2:      pushl   $bad_eip
        call    printk
        addl    $4, %esp
3:      pushl   $new_line
        call    printk
        addl    $4, %esp
        popl    %esi
        popl    %ebx
        ret

        .data
text_divide_error:                .asciz "divide error"
text_debug:                       .asciz "debug"
text_int3:                        .asciz "int3"
text_overflow:                    .asciz "overflow"
text_bounds:                      .asciz "bounds"
text_invalid_op:                  .asciz "invalid operand"
text_device_not_available:        .asciz "device not available"
text_double_fault:                .asciz "double fault"
text_coprocessor_segment_overrun: .asciz "coprocessor segment overrun"
text_invalid_TSS:                 .asciz "invalid TSS"
text_segment_not_present:         .asciz "segment not present"
text_stack_segment:               .asciz "stack segment"
text_general_protection:          .asciz "general protection fault"
text_coprocessor_error:           .asciz "coprocessor error"
text_alignment_check:             .asciz "alignment check"
text_machine_check:               .asciz "machine check"
text_simd_coprocessor_error:      .asciz "SIMD coprocessor error"

trap_message:           .asciz "%s[%d]: trap %s at eip %08lx esp %08lx error %lx\n"
no_coprocessor:         .asciz "math-emulation not enabled and no coprocessor found.\n"
spurious_interrupt:     .asciz "Ignoring spurious interrupt 15\n"
nmi_message:            .ascii "Uhhuh. NMI received for unknown reason %02x.\n"
                        .asciz "Dazed and confused, but trying to continue\n"

die_message:            .asciz "%s: %04lx\n"
registers_message:      .ascii "CPU:    0\n"
                        .ascii "EIP:    %04x:[<%08lx>]    Not tainted\n"
                        .ascii "EFLAGS: %08lx\n"
                        .ascii "eax: %08lx   ebx: %08lx   ecx: %08lx   edx: %08lx\n"
                        .ascii "esi: %08lx   edi: %08lx   ebp: %08lx   esp: %08lx\n"
                        .asciz "ds: %04x   es: %04x   ss: %04x\n"
process_message:        .asciz "Process %s (pid: %d, stackpage=%08lx)\n"
stack_text:             .asciz "Stack: "
stack_new_line:         .asciz "\n       "
stack_long:             .asciz "%08lx "
trace_text:             .asciz "\nCall Trace: "
trace_long:             .asciz "[<%08lx>] "
code_text:              .asciz "\nCode: "
code_byte:              .asciz "%02x "
bad_eip:                .asciz "Bad EIP value."
new_line:               .asciz "\n"
        .balign 4, 0
