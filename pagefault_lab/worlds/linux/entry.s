# entry.s - the way into the kernel and out of it.
#
# Whoever comes in, the stack looks the same once the registers are saved: struct pt_regs, drawn in constants.s. The
# handlers are written as C functions are called: arguments on the stack, result in EAX, EBX ESI EDI EBP preserved.

        .text

# Save what the processor did not. DS and ES still hold the user's selectors, which may even be null: no data may be
# touched before they are loaded. (Pushes are safe: SS came from the TSS.) And the user may have set DF, which would
# let our string instructions run backwards.
        .macro SAVE_ALL
        cld
        pushl   %es
        pushl   %ds
        pushl   %eax
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %edx
        pushl   %ecx
        pushl   %ebx
        movl    $KERNEL_DS, %edx
        movl    %edx, %ds
        movl    %edx, %es
        .endm

# The inverse, up to DS and ES, whose loading can fail.
        .macro RESTORE_REGISTERS
        popl    %ebx
        popl    %ecx
        popl    %edx
        popl    %esi
        popl    %edi
        popl    %ebp
        popl    %eax
        .endm

# ---- Exceptions
#
# Some push an error code, some do not. Each stub makes both look alike (a 0 where there was none), pushes the address
# of its handler, and goes on at error_code, which finds the handler's address in the place meant for ES.

        .macro EXCEPTION name, handler
ENTRY \name
        pushl   $0                      # the processor pushed no error code
        pushl   $\handler
        jmp     error_code
        .endm

        .macro EXCEPTION_WITH_CODE name, handler
ENTRY \name
        pushl   $\handler
        jmp     error_code
        .endm

ENTRY divide_error
        pushl   $0                      # the processor pushed no error code
        pushl   $do_divide_error
        .balign 4, 0x90

ENTRY error_code
        pushl   %ds
        pushl   %eax
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %edx
        pushl   %ecx
        pushl   %ebx
        cld
        movl    %es, %ecx
        movl    PT_ORIG_EAX(%esp), %esi # the error code
        movl    PT_ES(%esp), %edi       # the handler
        movl    $-1, PT_ORIG_EAX(%esp)  # this is no system call
        movl    %ecx, PT_ES(%esp)
        movl    %esp, %edx
        pushl   %esi
        pushl   %edx
        movl    $KERNEL_DS, %edx
        movl    %edx, %ds
        movl    %edx, %es
        call    *%edi                   # handler(struct pt_regs *regs, unsigned long error_code)
        addl    $8, %esp

# Leave the kernel. Other tasks and signals are looked at only on the way to user mode.
ENTRY ret_from_exception
ENTRY ret_from_intr
ENTRY ret_from_sys_call
        testb   $3, PT_CS(%esp)
        jz      restore_all
return_to_user:
        cli                             # no interrupt between the tests and the iret
        movl    current, %eax
        cmpl    $0, TASK_NEED_RESCHED(%eax)
        jne     reschedule
        cmpl    $0, TASK_SIGNAL(%eax)
        je      restore_all
        sti
        pushl   %esp
        call    do_signal               # do_signal(regs)
        addl    $4, %esp
        jmp     return_to_user
reschedule:
        call    schedule
        jmp     return_to_user

# The three instructions with names may fault, when the frame was tampered with; extable.s says what happens then.
ENTRY restore_all
        RESTORE_REGISTERS
restore_ds:
        popl    %ds
restore_es:
        popl    %es
        addl    $4, %esp                # drop orig_eax: iret does not remove an error code
ENTRY restore_iret
        iret

bad_ds: movl    $0, (%esp)              # a selector that cannot be loaded becomes null
        jmp     restore_ds
bad_es: movl    $0, (%esp)
        jmp     restore_es
bad_iret:
        movl    %ss, %eax
        movl    %eax, %ds
        movl    %eax, %es
        pushl   $SIGSEGV
        call    do_exit

# A new task's first instructions: switch_to comes here, with the task that ran until now in EAX.
ENTRY ret_from_fork
        pushl   %eax
        call    schedule_tail
        addl    $4, %esp
        jmp     ret_from_exception

        EXCEPTION               debug, do_debug
        EXCEPTION               int3, do_int3
        EXCEPTION               overflow, do_overflow
        EXCEPTION               bounds, do_bounds
        EXCEPTION               invalid_op, do_invalid_op
        EXCEPTION               device_not_available, do_device_not_available
        EXCEPTION_WITH_CODE     double_fault, do_double_fault
        EXCEPTION               coprocessor_segment_overrun, do_coprocessor_segment_overrun
        EXCEPTION_WITH_CODE     invalid_TSS, do_invalid_TSS
        EXCEPTION_WITH_CODE     segment_not_present, do_segment_not_present
        EXCEPTION_WITH_CODE     stack_segment, do_stack_segment
        EXCEPTION_WITH_CODE     general_protection, do_general_protection

ENTRY page_fault
        pushl   $do_page_fault
        jmp     error_code

        EXCEPTION               spurious_interrupt_bug, do_spurious_interrupt_bug
        EXCEPTION               coprocessor_error, do_coprocessor_error
        EXCEPTION_WITH_CODE     alignment_check, do_alignment_check
        EXCEPTION               machine_check, do_machine_check
        EXCEPTION               simd_coprocessor_error, do_simd_coprocessor_error

# An NMI can come at any instruction, so it must not do what an exception's way out may do: look at signals.
ENTRY nmi
        pushl   %eax
        SAVE_ALL
        movl    %esp, %edx
        pushl   $0
        pushl   %edx
        call    do_nmi
        addl    $8, %esp
        jmp     restore_all

# A vector that nobody asked for.
ENTRY ignore_int
        pushl   $-1
        SAVE_ALL
        pushl   $unknown_interrupt
        call    printk
        addl    $4, %esp
        jmp     restore_all

# ---- int $0x80: EAX is the call's number, EBX ECX EDX its arguments. They lie at the top of the stack after SAVE_ALL,
# just where a C function looks for them.
ENTRY system_call
        pushl   %eax
        SAVE_ALL
        cmpl    $NR_SYSCALLS, %eax
        jae     bad_sys
        call    *sys_call_table(, %eax, 4)
        movl    %eax, PT_EAX(%esp)
        jmp     ret_from_sys_call
bad_sys:
        movl    $-ENOSYS, PT_EAX(%esp)
        jmp     ret_from_sys_call

        .data
unknown_interrupt:
        .asciz  "Unknown interrupt\n"
        .balign 4, 0
