# task.s - a task's life: started, killed by a signal, started anew.

        .text
# task_init(): make the first two tasks ready to be switched to.
ENTRY task_init
        pushl   $hello_task_union
        call    first_start
        movl    $other_task_union, (%esp)
        call    first_start
        addl    $4, %esp
        movl    $ready, other_task_union + THREAD_SIZE - PT_SIZE + PT_EIP       # one greeting will do
        movl    $init_task_union, current
        ret

first_start:
        movl    4(%esp), %eax
        movl    %eax, current           # start_program works for the current task
        pushl   %eax
        call    start_program
        call    init_thread
        addl    $4, %esp
        ret

# exec(): the current task does its program from the beginning. Does not return, but enters user mode.
ENTRY exec
        cli
        movl    current, %ebx
        leal    THREAD_SIZE(%ebx), %esp # whatever was on the kernel stack is history
        movl    %esp, init_tss + TSS_ESP0
        subl    $PT_SIZE, %esp
        call    start_program
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        RESTORE_REGISTERS
        popl    %ds
        popl    %es
        addl    $4, %esp                # orig_eax
ENTRY task_started
        iret

# start_program(): give the current task the memory of its program, and at the top of its kernel stack the registers to
# enter user mode with. Its page directory is in use afterwards.
ENTRY start_program
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    current, %ebx
        movl    $0, TASK_SIGNAL(%ebx)   # no handlers, nothing blocked
        leal    TASK_BLOCKED(%ebx), %edi
        movl    $((TASK_STRUCT_SIZE - TASK_BLOCKED) / 4), %ecx
        xorl    %eax, %eax
        rep stosl
        call    pgd_alloc
        testl   %eax, %eax
        jz      no_memory
        movl    %eax, TASK_PGD(%ebx)
        subl    $PAGE_OFFSET, %eax      # CR3 wants a physical address
        movl    %eax, %cr3

        # The areas, as the program has them. They are copied since heap and stack will grow.
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
        leal    (THREAD_SIZE - PT_SIZE)(%ebx), %edi
        movl    %edi, %edx
        movl    $(PT_SIZE / 4), %ecx
        rep stosl                       # the kernel's secrets stay in the kernel
        movl    TASK_PROGRAM(%ebx), %eax
        movl    PROGRAM_ENTRY(%eax), %eax
        movl    %eax, PT_EIP(%edx)
        movl    $INITIAL_STACK, PT_ESP(%edx)
        movl    $(EFLAGS_IF + 2), PT_EFLAGS(%edx)       # interrupts on, IOPL 0
        movl    $USER_CS, PT_CS(%edx)
        movl    $USER_DS, PT_SS(%edx)
        movl    $USER_DS, PT_DS(%edx)
        movl    $USER_DS, PT_ES(%edx)
        popl    %edi
        popl    %esi
        popl    %ebx
        ret

no_memory:
        pushl   $no_memory_text
        call    panic

# do_exit(code): the current task ends: low byte of code a signal's number, next byte its exit status. If it has a
# program it then starts anew, else it is gone. Does not return.
ENTRY do_exit
        cli
        movl    4(%esp), %eax           # not saving any registers: nobody returns
        movl    current, %ebx
        leal    THREAD_SIZE(%ebx), %esp # in an Oops, ESP may point anywhere, even into the memory that goes now
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
        movl    $(swapper_pg_dir - PAGE_OFFSET), %eax
        movl    %eax, %cr3              # the directory must not go while it is in use
        pushl   %ebx
        call    exit_mmap
        cmpl    $0, TASK_PROGRAM(%ebx)
        je      4f
        pushl   %esi
        pushl   $anew_message
        call    printk
        jmp     exec
4:      movl    $TASK_ZOMBIE, TASK_STATE(%ebx)
        call    schedule                # whoever comes next frees the stack that this call lies on

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

# Three tasks. Each lies at the low end of the 8 KiB that hold its kernel stack, which grows down towards it. No page
# between them guards either.

# Number 0 boots the machine. It has no memory of its own and is never run again.
        .balign THREAD_SIZE, 0
OBJECT init_task_union
        .long   0                       # TASK_PID
        .asciz  "swapper"               # TASK_COMM
        .balign THREAD_SIZE, 0

# Numbers 1 and 2 run the same program.
        .macro TASK name, pid, comm
OBJECT \name
        .long   \pid                    # TASK_PID
        .asciz  "\comm"                 # TASK_COMM
        .space  TASK_PROGRAM - (. - \name), 0
        .long   hello_program           # TASK_PROGRAM
        .balign THREAD_SIZE, 0
        .endm

        TASK    hello_task_union, 1, hello
        TASK    other_task_union, 2, other
