# task.s - a task's life: started, killed by a signal, started anew.

        .text
# exec(): give the current task its program from the beginning: memory, stack, registers. Does not return, but enters
# user mode.
ENTRY exec
        cli
        movl    current, %ebx
        leal    THREAD_SIZE(%ebx), %esp # whatever was on the kernel stack is history
        movl    %esp, init_tss + TSS_ESP0
        movl    $0, TASK_SIGNAL(%ebx)

        call    pgd_alloc
        testl   %eax, %eax
        jz      no_memory
        movl    %eax, TASK_PGD(%ebx)

        # Its name and its areas, as the program has them. They are copied since heap and stack will grow.
        movl    TASK_PROGRAM(%ebx), %esi
        leal    TASK_COMM(%ebx), %edi
        movl    $(16 / 4), %ecx
        rep movsl
        movl    TASK_PROGRAM(%ebx), %esi
        addl    $PROGRAM_AREAS, %esi
        leal    TASK_AREAS(%ebx), %edi
1:      movl    VM_END(%esi), %eax
        movl    $(AREA_SIZE / 4), %ecx
        rep movsl
        testl   %eax, %eax
        jnz     1b

        movl    TASK_PROGRAM(%ebx), %edx
        pushl   PROGRAM_HEAP(%edx)
        call    find_vma
        popl    TASK_START_BRK(%ebx)
        movl    VM_END(%eax), %eax
        movl    %eax, TASK_BRK(%ebx)

        movl    TASK_PGD(%ebx), %eax
        subl    $PAGE_OFFSET, %eax      # CR3 wants a physical address
        movl    %eax, %cr3

        # Most pages come when they are touched. Some areas want theirs at once.
        leal    TASK_AREAS(%ebx), %edi
2:      cmpl    $0, VM_END(%edi)
        je      4f
        testl   $VM_LOCKED, VM_FLAGS(%edi)
        jz      5f
        movl    VM_START(%edi), %esi
3:      pushl   %esi
        pushl   %edi
        call    handle_mm_fault
        addl    $8, %esp
        testl   %eax, %eax
        jz      no_memory
        addl    $PAGE_SIZE, %esi
        cmpl    VM_END(%edi), %esi
        jb      3b
5:      addl    $AREA_SIZE, %edi
        jmp     2b

        # What a program finds on its stack: argc, argv[0], and the ends of argv and envp. Behind them, the name.
INITIAL_STACK   = STACK_TOP - 32
4:      movl    $INITIAL_STACK, %edi
        movl    $1, %eax
        stosl
        movl    $(INITIAL_STACK + 16), %eax
        stosl
        xorl    %eax, %eax
        stosl
        stosl
        leal    TASK_COMM(%ebx), %esi
        movl    $4, %ecx
        rep movsl

        # The only way to CPL 3 is to return to it, so make believe that we came from there.
        movl    TASK_PROGRAM(%ebx), %eax
        pushl   $USER_DS                # SS
        pushl   $INITIAL_STACK          # ESP
        pushl   $(EFLAGS_IF + 2)        # EFLAGS: interrupts on, IOPL 0
        pushl   $USER_CS                # CS
        pushl   PROGRAM_ENTRY(%eax)     # EIP
        movl    $USER_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        xorl    %ebx, %ebx              # the kernel's secrets stay in the kernel
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %ebp, %ebp
ENTRY task_started
        iret

no_memory:
        pushl   $no_memory_text
        call    panic

# force_sig(signal): the current task must have this signal, now. It gets it on its way back to user mode.
ENTRY force_sig
        movl    4(%esp), %eax
        movl    current, %edx
        movl    %eax, TASK_SIGNAL(%edx)
        ret

# do_signal(regs): a signal waits. All that a signal can do here is kill.
ENTRY do_signal
        movl    current, %edx
        movl    TASK_SIGNAL(%edx), %eax
        movl    $0, TASK_SIGNAL(%edx)
        pushl   %eax
        call    do_exit                 # does not return

# do_exit(code): the current task ends: low byte of code a signal's number, next byte its exit status. This kernel has
# but one program, so the task then starts anew.
ENTRY do_exit
        cli
        movl    4(%esp), %eax           # not saving any registers: nobody returns
        movl    current, %ebx
        leal    TASK_COMM(%ebx), %esi
        cmpl    $0, TASK_PID(%ebx)
        je      killing_idle
        cmpl    $0, TASK_PGD(%ebx)
        je      killing_idle

        movzbl  %al, %edx
        testl   %edx, %edx
        jz      2f
        cmpl    $SIGSEGV, %edx
        jbe     1f
        xorl    %edx, %edx
1:      pushl   signal_names(, %edx, 4)
        pushl   %esi
        pushl   $killed_message
        jmp     3f
2:      movzbl  %ah, %edx
        pushl   %edx
        pushl   %esi
        pushl   $exited_message
3:      call    printk
        pushl   %esi
        pushl   $anew_message
        call    printk
        call    exit_mm
        jmp     exec

killing_idle:
        pushl   $killing_idle_text
        call    panic

# panic(text): the end.
ENTRY panic
        pushl   4(%esp)
        pushl   $panic_message
        call    printk
        cli
ENTRY kernel_panic
        hlt
        jmp     kernel_panic

        .data
killed_message:         .asciz "%s: %s\n"
exited_message:         .asciz "%s: exit status %d\n"
anew_message:           .asciz "starting %s anew\n"
panic_message:          .asciz "Kernel panic: %s\n"
no_memory_text:         .asciz "out of memory"
killing_idle_text:      .asciz "Attempted to kill the idle task!"

unknown_signal_text:    .asciz "Unknown signal"
sighup_text:            .asciz "Hangup"
sigint_text:            .asciz "Interrupt"
sigquit_text:           .asciz "Quit"
sigill_text:            .asciz "Illegal instruction"
sigtrap_text:           .asciz "Trace/breakpoint trap"
sigabrt_text:           .asciz "Aborted"
sigbus_text:            .asciz "Bus error"
sigfpe_text:            .asciz "Floating point exception"
sigkill_text:           .asciz "Killed"
sigusr1_text:           .asciz "User defined signal 1"
sigsegv_text:           .asciz "Segmentation fault"
        .balign 4, 0
signal_names:
        .long   unknown_signal_text, sighup_text, sigint_text, sigquit_text
        .long   sigill_text, sigtrap_text, sigabrt_text, sigbus_text
        .long   sigfpe_text, sigkill_text, sigusr1_text, sigsegv_text

# The running task. Linux 2.4 finds it by rounding ESP down to 8 KiB. Here someone may have ESP point elsewhere, and the
# kernel should still know whom it works for.
OBJECT current
        .long   init_task_union

# Two tasks. Each lies at the low end of the 8 KiB that hold its kernel stack, which grows down towards it. No page
# between them guards either.

# Number 0 boots the machine. It has no memory of its own and is never run again.
        .balign THREAD_SIZE, 0
OBJECT init_task_union
        .long   0                       # TASK_PID
        .asciz  "swapper"               # TASK_COMM
        .balign THREAD_SIZE, 0

# Number 1 runs hello.
OBJECT hello_task_union
        .long   1                       # TASK_PID
        .space  TASK_PROGRAM - TASK_COMM, 0
        .long   hello_program           # TASK_PROGRAM
        .balign THREAD_SIZE, 0
