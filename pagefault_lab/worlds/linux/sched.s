# sched.s - which task runs: the next in the table, after each tick of the timer.
#
# A task gives way only here, in the kernel, on its own kernel stack, and comes back just where it left. So switching
# tasks is switching stacks; with them go the page directory, and ESP0, where the next entry from user mode will push.
# The stack of a task that waits:
#
#       ss esp eflags cs eip orig_eax es ds eax ... ebx     top: struct pt_regs, what user mode had
#       ...                                                 the calls that led to switch_to
#       eip                                                 SWITCH_ part: where switch_to returns to
#       ebp edi esi ebx fs gs                               <- TASK_ESP

SWITCH_GS       = 0x00
SWITCH_FS       = 0x04
SWITCH_EIP      = 0x18
SWITCH_SIZE     = 0x1C

        .text
# schedule(): let the next task run; without any, the current one goes on. Returns when it is this one's turn again.
# Interrupts must be off.
ENTRY schedule
        movl    current, %edx
        movl    $0, TASK_NEED_RESCHED(%edx)
        movl    $-1, %ecx
1:      incl    %ecx
        cmpl    %edx, task(, %ecx, 4)
        jne     1b
2:      incl    %ecx                    # the one behind it in the table, round and round
        andl    $(NR_TASKS - 1), %ecx
        jz      2b                      # number 0 has nothing to do
        movl    task(, %ecx, 4), %eax
        testl   %eax, %eax
        jz      2b
        cmpl    %edx, %eax
        je      3f
        pushl   %eax
        call    switch_to
        movl    %eax, (%esp)
        call    schedule_tail
        addl    $4, %esp
3:      ret

# switch_to(next): go on where `next` once called this. Returns, to `next`, the task that ran until now.
ENTRY switch_to
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %ebx
        pushl   %fs                     # the kernel does not use FS and GS, so they are still the user's
        pushl   %gs
        movl    current, %eax
        movl    SWITCH_SIZE(%esp), %ecx # next
        movl    %esp, TASK_ESP(%eax)
        movl    TASK_ESP(%ecx), %esp
        movl    %ecx, current
        leal    THREAD_SIZE(%ecx), %edx
        movl    %edx, init_tss + TSS_ESP0
        movl    TASK_PGD(%ecx), %edx
        subl    $PAGE_OFFSET, %edx      # CR3 wants a physical address
        movl    %edx, %cr3              # this also empties the TLB
        call    load_gs                 # their arguments lie on the stack
        addl    $4, %esp
        call    load_fs
        addl    $4, %esp
        popl    %ebx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret

# schedule_tail(previous): nobody stands on the previous task's kernel stack any more. If it has ended, the stack can go.
ENTRY schedule_tail
        movl    4(%esp), %eax
        cmpl    $TASK_ZOMBIE, TASK_STATE(%eax)
        jne     2f
        movl    $-1, %ecx
1:      incl    %ecx
        cmpl    %eax, task(, %ecx, 4)
        jne     1b
        movl    $0, task(, %ecx, 4)
        pushl   $1                      # 2^1 pages
        pushl   %eax
        call    free_pages
        addl    $8, %esp
2:      ret

# init_thread(task): it has not run yet. Under the registers for user mode, at the top of its kernel stack, put what
# switch_to expects. FS and GS will be the caller's.
ENTRY init_thread
        movl    4(%esp), %eax
        leal    (THREAD_SIZE - PT_SIZE - SWITCH_SIZE)(%eax), %edx
        movl    %edx, TASK_ESP(%eax)
        movl    $ret_from_fork, SWITCH_EIP(%edx)
        movl    %fs, %eax
        movl    %eax, SWITCH_FS(%edx)
        movl    %gs, %eax
        movl    %eax, SWITCH_GS(%edx)
        ret

# load_fs(selector), load_gs(selector): a selector that cannot be loaded becomes null. EAX is kept.
ENTRY load_fs
        movl    4(%esp), %edx
load_fs_selector:
        movl    %edx, %fs
        ret
bad_fs: xorl    %edx, %edx
        jmp     load_fs_selector

ENTRY load_gs
        movl    4(%esp), %edx
load_gs_selector:
        movl    %edx, %gs
        ret
bad_gs: xorl    %edx, %edx
        jmp     load_gs_selector

# sched_yield(): as if the timer had ticked.
ENTRY sys_sched_yield
        movl    current, %eax
        movl    $1, TASK_NEED_RESCHED(%eax)
        xorl    %eax, %eax
        ret

        .data
        .balign 4, 0
# All tasks; 0 is a free place.
OBJECT task
        .long   init_task_union, hello_task_union, other_task_union
        .space  (NR_TASKS - 3) * 4, 0

# The running task. Linux 2.4 finds it by rounding ESP down to 8 KiB. Here someone may have ESP point elsewhere, and the
# kernel should still know whom it works for.
OBJECT current
        .long   init_task_union
