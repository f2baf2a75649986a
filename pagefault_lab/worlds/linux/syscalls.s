# syscalls.s - what a user may ask for with int $0x80, by Linux's numbers.
#
# Each is called like a C function with the saved registers as its arguments: 4(%esp) is the user's EBX, 8(%esp) ECX,
# 12(%esp) EDX. The result goes to the user's EAX; from -4095 to -1 it is an error.

        .text
ENTRY sys_ni_syscall
        movl    $-ENOSYS, %eax
        ret

# exit(status)
ENTRY sys_exit
        movzbl  4(%esp), %eax
        shll    $8, %eax                # the low byte is for a signal's number
        pushl   %eax
        call    do_exit                 # does not return

CHUNK           = 64

# write(fd, buffer, count): standard output and standard error are the console.
ENTRY sys_write
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $CHUNK, %esp            # a piece of the user's text, in memory that cannot change or go away
        movl    $-EBADF, %eax
        cmpl    $1, 8(%ebp)
        jb      4f
        cmpl    $2, 8(%ebp)
        ja      4f
        movl    12(%ebp), %esi          # the user's buffer
        movl    16(%ebp), %edi          # how much is left

1:      testl   %edi, %edi
        jz      3f
        movl    $CHUNK, %ebx
        cmpl    %edi, %ebx
        jbe     2f
        movl    %edi, %ebx
2:      movl    %esp, %edx
        pushl   %ebx
        pushl   %esi
        pushl   %edx
        call    copy_from_user
        addl    $12, %esp
        testl   %eax, %eax
        movl    $-EFAULT, %eax
        jnz     4f
        movl    %esp, %edx
        pushl   %ebx
        pushl   %edx
        call    console_write
        addl    $8, %esp
        addl    %ebx, %esi
        subl    %ebx, %edi
        jmp     1b
3:      movl    16(%ebp), %eax
4:      addl    $CHUNK, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# getpid()
ENTRY sys_getpid
        movl    current, %eax
        movl    TASK_PID(%eax), %eax
        ret

# brk(end): move the heap's end; an end that cannot be (0, say) changes nothing. Returns where it is now. New pages come
# when they are touched.
ENTRY sys_brk
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %esi
        movl    current, %ebx
        cmpl    TASK_START_BRK(%ebx), %esi
        jb      4f
        cmpl    $HEAP_LIMIT, %esi
        ja      4f

        movl    TASK_START_BRK(%ebx), %edx
        leal    TASK_AREAS(%ebx), %eax  # the heap is the area that starts there; it may be empty
1:      cmpl    $0, VM_END(%eax)
        je      4f
        cmpl    VM_START(%eax), %edx
        je      2f
        addl    $AREA_SIZE, %eax
        jmp     1b
2:      movl    %esi, TASK_BRK(%ebx)
        addl    $(PAGE_SIZE - 1), %esi
        andl    $PAGE_MASK, %esi
        movl    VM_END(%eax), %edx
        movl    %esi, VM_END(%eax)
        cmpl    %edx, %esi
        jae     4f
        pushl   %edx                    # it shrinks
        pushl   %esi
        pushl   TASK_PGD(%ebx)
        call    zap_page_range
        addl    $12, %esp
        movl    %cr3, %eax
        movl    %eax, %cr3
4:      movl    TASK_BRK(%ebx), %eax
        popl    %esi
        popl    %ebx
        ret

# pause(): nothing to do until an interrupt. If the timer has ticked since the user said `int`, another task is due, and
# this is no time to sleep. `sti` takes effect after the next instruction, so no interrupt can slip in between the two
# and leave us asleep.
ENTRY sys_pause
        cli
        movl    current, %eax
        cmpl    $0, TASK_NEED_RESCHED(%eax)
        jne     1f
        sti
ENTRY cpu_idle
        hlt
1:      movl    $-EINTR, %eax
        ret

# SYSCALL number, function: the next entry of the table; the numbers in between belong to calls that do not exist here.
        .macro  SYSCALL number, function
        .rept   \number - (. - sys_call_table) / 4
        .long   sys_ni_syscall
        .endr
        .long   \function
        .endm

NR_RT_SIGRETURN = 173                   # a program calls this one without knowing (signal.s)

        .data
        .balign 4, 0
OBJECT sys_call_table
        SYSCALL 1, sys_exit
        SYSCALL 2, sys_fork             # fork.s
        SYSCALL 4, sys_write
        SYSCALL 20, sys_getpid
        SYSCALL 29, sys_pause
        SYSCALL 45, sys_brk
        SYSCALL 48, sys_signal          # signal.s
        SYSCALL 127, sys_create_module  # module.s
        SYSCALL 128, sys_init_module
        SYSCALL 129, sys_delete_module
        SYSCALL 158, sys_sched_yield    # sched.s
        SYSCALL NR_RT_SIGRETURN, sys_rt_sigreturn       # signal.s
        SYSCALL 174, sys_rt_sigaction
NR_SYSCALLS     = (. - sys_call_table) / 4
