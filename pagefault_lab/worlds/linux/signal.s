# signal.s - signals to user handlers, for the exceptions that a program may want to deal with itself.
#
# An exception in user mode forces a signal on the task (force_sig_info). On the way back to user mode do_signal sees it
# and either ends the task, or writes a frame on the user's stack and lets the task go on in its handler instead:
#
#       handler(int sig, siginfo_t *info, ucontext_t *uc)
#
# The frame is that of Linux 2.4 for all handlers (there, the shorter one without siginfo is used for those that do not
# ask for it). A handler may change what the frame tells of its registers. It returns to FRAME_RETCODE, two instructions
# that call rt_sigreturn, which puts the registers back.

# ---- struct rt_sigframe, on the user's stack

FRAME_PRETCODE  = 0                     # <- ESP when the handler is entered: where it returns to
FRAME_SIG       = 4                     # its three arguments
FRAME_PINFO     = 8
FRAME_PUC       = 12
FRAME_INFO      = 16                    # struct siginfo
FRAME_UC        = 144                   # struct ucontext
FRAME_HEAD      = 260                   # so far it is written as one piece
FRAME_FPSTATE   = 260                   # for what a coprocessor holds: not used here
FRAME_RETCODE   = 884                   # movl $NR_RT_SIGRETURN, %eax; int $0x80
FRAME_SIZE      = 892

SI_SIGNO        = FRAME_INFO + 0
SI_ERRNO        = FRAME_INFO + 4
SI_CODE         = FRAME_INFO + 8
SI_ADDR         = FRAME_INFO + 12

UC_FLAGS        = FRAME_UC + 0
UC_LINK         = FRAME_UC + 4
UC_STACK_SP     = FRAME_UC + 8          # sigaltstack()'s, which this kernel does not have
UC_STACK_FLAGS  = FRAME_UC + 12
UC_STACK_SIZE   = FRAME_UC + 16
UC_MCONTEXT     = FRAME_UC + 20         # struct sigcontext, 88 bytes
UC_SIGMASK      = FRAME_UC + 108        # the signals that were blocked

SC_GS           = UC_MCONTEXT + 0
SC_FS           = UC_MCONTEXT + 4
SC_ES           = UC_MCONTEXT + 8
SC_DS           = UC_MCONTEXT + 12
SC_EDI          = UC_MCONTEXT + 16
SC_ESI          = UC_MCONTEXT + 20
SC_EBP          = UC_MCONTEXT + 24
SC_ESP          = UC_MCONTEXT + 28
SC_EBX          = UC_MCONTEXT + 32
SC_EDX          = UC_MCONTEXT + 36
SC_ECX          = UC_MCONTEXT + 40
SC_EAX          = UC_MCONTEXT + 44
SC_TRAPNO       = UC_MCONTEXT + 48
SC_ERR          = UC_MCONTEXT + 52
SC_EIP          = UC_MCONTEXT + 56
SC_CS           = UC_MCONTEXT + 60
SC_EFLAGS       = UC_MCONTEXT + 64
SC_ESP_AT_SIGNAL = UC_MCONTEXT + 68
SC_SS           = UC_MCONTEXT + 72
SC_FPSTATE      = UC_MCONTEXT + 76      # 0: no coprocessor was used
SC_OLDMASK      = UC_MCONTEXT + 80
SC_CR2          = UC_MCONTEXT + 84

SS_DISABLE      = 2                     # for UC_STACK_FLAGS: there is no such stack

# The bits of EFLAGS that a handler may change: AC OF DF TF SF ZF AF PF CF.
SAFE_EFLAGS     = 0x00040DD5

        .text
# force_sig_info(signal, code, address): the current task must have this signal, now: it did what it cannot go on after.
# If it wants to ignore it or makes it wait, as while its handler runs, it must not have a handler either. (So since
# Linux 2.6. In 2.4 a fault in the handler of faults enters it again, until the stack is full.)
ENTRY force_sig_info
        pushl   4(%esp)
        call    unhandled_signal
        popl    %ecx
        testl   %eax, %eax
        jz      1f
        imull   $ACTION_SIZE, %ecx, %eax
        addl    current, %eax
        movl    $SIG_DFL, (TASK_ACTIONS - ACTION_SIZE + ACTION_HANDLER)(%eax)
1:      movl    current, %edx
        movl    %ecx, TASK_SIGNAL(%edx)
        movl    8(%esp), %eax
        movl    %eax, TASK_SI_CODE(%edx)
        movl    12(%esp), %eax
        movl    %eax, TASK_SI_ADDR(%edx)
        ret

# unhandled_signal(signal): 1 if the current task would die of it, were it forced on it.
ENTRY unhandled_signal
        movl    4(%esp), %ecx
        movl    current, %edx
        imull   $ACTION_SIZE, %ecx, %eax
        cmpl    $SIG_IGN, (TASK_ACTIONS - ACTION_SIZE + ACTION_HANDLER)(%edx, %eax)
        movl    $1, %eax
        jbe     1f                      # SIG_IGN or SIG_DFL
        decl    %ecx
        xorl    %eax, %eax
        btl     %ecx, TASK_BLOCKED(%edx)
        adcl    $0, %eax
1:      ret

# do_signal(regs): a signal waits, and the current task is about to return to user mode.
ENTRY do_signal
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    current, %ebx
        movl    TASK_SIGNAL(%ebx), %eax
        movl    $0, TASK_SIGNAL(%ebx)
        imull   $ACTION_SIZE, %eax, %esi
        leal    (TASK_ACTIONS - ACTION_SIZE)(%ebx, %esi), %esi  # ESI: the action
        cmpl    $SIG_DFL, ACTION_HANDLER(%esi)
        jne     1f
        pushl   %eax
        call    do_exit                 # does not return
1:      pushl   %eax
        pushl   8(%ebp)
        pushl   %esi
        call    setup_rt_frame
        addl    $8, %esp
        popl    %ecx                    # the signal

        testl   $SA_ONESHOT, ACTION_FLAGS(%esi)
        jz      2f
        movl    $SIG_DFL, ACTION_HANDLER(%esi)
2:      testl   $SA_NODEFER, ACTION_FLAGS(%esi)
        jnz     3f
        decl    %ecx
        btsl    %ecx, TASK_BLOCKED(%ebx)
        movl    ACTION_MASK(%esi), %eax
        orl     %eax, TASK_BLOCKED(%ebx)
        movl    (ACTION_MASK + 4)(%esi), %eax
        orl     %eax, (TASK_BLOCKED + 4)(%ebx)
3:      popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# setup_rt_frame(action, regs, signal): write the frame, and change the registers so that user mode is entered in the
# handler. If the user's stack cannot take it, the task is killed.
setup_rt_frame:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $FRAME_HEAD, %esp
        movl    %esp, %edi
        xorl    %eax, %eax
        movl    $(FRAME_HEAD / 4), %ecx
        rep stosl

        movl    current, %ebx
        movl    12(%ebp), %esi          # ESI: regs
        movl    PT_ESP(%esi), %edi
        subl    $FRAME_SIZE, %edi
        andl    $-8, %edi               # EDI: the frame's place

        movl    8(%ebp), %edx           # the action
        leal    FRAME_RETCODE(%edi), %eax
        testl   $SA_RESTORER, ACTION_FLAGS(%edx)
        jz      1f
        movl    ACTION_RESTORER(%edx), %eax
1:      movl    %eax, FRAME_PRETCODE(%esp)
        movl    16(%ebp), %eax
        movl    %eax, FRAME_SIG(%esp)
        movl    %eax, SI_SIGNO(%esp)
        leal    FRAME_INFO(%edi), %eax
        movl    %eax, FRAME_PINFO(%esp)
        leal    FRAME_UC(%edi), %eax
        movl    %eax, FRAME_PUC(%esp)
        movl    TASK_SI_CODE(%ebx), %eax
        movl    %eax, SI_CODE(%esp)
        movl    TASK_SI_ADDR(%ebx), %eax
        movl    %eax, SI_ADDR(%esp)
        movl    $SS_DISABLE, UC_STACK_FLAGS(%esp)
        movl    TASK_BLOCKED(%ebx), %eax
        movl    %eax, UC_SIGMASK(%esp)
        movl    %eax, SC_OLDMASK(%esp)
        movl    (TASK_BLOCKED + 4)(%ebx), %eax
        movl    %eax, (UC_SIGMASK + 4)(%esp)
        movl    TASK_TRAP_NO(%ebx), %eax
        movl    %eax, SC_TRAPNO(%esp)
        movl    TASK_ERROR_CODE(%ebx), %eax
        movl    %eax, SC_ERR(%esp)
        movl    TASK_CR2(%ebx), %eax
        movl    %eax, SC_CR2(%esp)
        movl    PT_ESP(%esi), %eax
        movl    %eax, SC_ESP_AT_SIGNAL(%esp)
        movl    %gs, %eax
        movl    %eax, SC_GS(%esp)
        movl    %fs, %eax
        movl    %eax, SC_FS(%esp)
        xorl    %ecx, %ecx
2:      movzbl  saved_registers(, %ecx, 2), %eax
        movzbl  (saved_registers + 1)(, %ecx, 2), %edx
        movl    (%esi, %eax), %eax
        movl    %eax, UC_MCONTEXT(%esp, %edx)
        incl    %ecx
        cmpl    $NR_SAVED_REGISTERS, %ecx
        jb      2b

        movl    %esp, %eax
        pushl   $FRAME_HEAD
        pushl   %eax
        pushl   %edi
        call    copy_to_user
        addl    $12, %esp
        testl   %eax, %eax
        jnz     bad_signal_frame
        pushl   $(sigreturn_code_end - sigreturn_code)
        pushl   $sigreturn_code
        leal    FRAME_RETCODE(%edi), %eax
        pushl   %eax
        call    copy_to_user
        addl    $12, %esp
        testl   %eax, %eax
        jnz     bad_signal_frame

        movl    %edi, PT_ESP(%esi)
        movl    8(%ebp), %edx
        movl    ACTION_HANDLER(%edx), %eax
        movl    %eax, PT_EIP(%esi)
        movl    $USER_DS, PT_DS(%esi)
        movl    $USER_DS, PT_ES(%esi)
        movl    $USER_DS, PT_SS(%esi)
        movl    $USER_CS, PT_CS(%esi)
        andl    $~EFLAGS_TF, PT_EFLAGS(%esi)
        addl    $FRAME_HEAD, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# Copied into the frame.
sigreturn_code:
        movl    $NR_RT_SIGRETURN, %eax
        int     $0x80
sigreturn_code_end:

# rt_sigreturn(): what a handler returns to. The frame lies at the user's ESP, but for the address that `ret` took. Its
# registers become the user's, with whatever the handler has changed: it can raise no privilege by that.
ENTRY sys_rt_sigreturn
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $FRAME_HEAD, %esp
        movl    current, %ebx
        leal    (THREAD_SIZE - PT_SIZE)(%ebx), %esi     # ESI: regs
        movl    PT_ESP(%esi), %edi
        subl    $4, %edi                # EDI: the frame
        movl    %esp, %eax
        pushl   $FRAME_HEAD
        pushl   %edi
        pushl   %eax
        call    copy_from_user
        addl    $12, %esp
        testl   %eax, %eax
        jnz     bad_signal_frame

        movl    UC_SIGMASK(%esp), %eax
        andl    $~UNBLOCKABLE, %eax
        movl    %eax, TASK_BLOCKED(%ebx)
        movl    (UC_SIGMASK + 4)(%esp), %eax
        movl    %eax, (TASK_BLOCKED + 4)(%ebx)

        movl    PT_EFLAGS(%esi), %edi
        xorl    %ecx, %ecx
1:      movzbl  saved_registers(, %ecx, 2), %eax
        movzbl  (saved_registers + 1)(, %ecx, 2), %edx
        movl    UC_MCONTEXT(%esp, %edx), %edx
        movl    %edx, (%esi, %eax)
        incl    %ecx
        cmpl    $NR_SAVED_REGISTERS, %ecx
        jb      1b
        andl    $SAFE_EFLAGS, PT_EFLAGS(%esi)
        andl    $~SAFE_EFLAGS, %edi
        orl     %edi, PT_EFLAGS(%esi)
        orl     $3, PT_CS(%esi)         # a selector of the user's, or one with which iret fails
        orl     $3, PT_SS(%esi)
        pushl   SC_FS(%esp)
        call    load_fs
        popl    %edx
        pushl   SC_GS(%esp)
        call    load_gs
        popl    %edx
        movl    PT_EAX(%esi), %eax      # this call, alone of all, returns what the register was
        addl    $FRAME_HEAD, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# The frame at EDI cannot be written or read.
bad_signal_frame:
        movl    current, %ebx
        pushl   (THREAD_SIZE - PT_SIZE + PT_ESP)(%ebx)
        pushl   (THREAD_SIZE - PT_SIZE + PT_EIP)(%ebx)
        pushl   %edi
        pushl   TASK_PID(%ebx)
        leal    TASK_COMM(%ebx), %eax
        pushl   %eax
        pushl   $bad_frame_message
        call    printk
        pushl   $SIGSEGV
        call    do_exit

# signal(signal, handler): the old way to set a handler. It is good for one time, and the signal does not wait while it
# runs. Returns the handler before it.
ENTRY sys_signal
        pushl   %ebx
        movl    8(%esp), %ebx
        movl    12(%esp), %edx
        subl    $(2 * ACTION_SIZE), %esp
        xorl    %eax, %eax
        movl    %edx, ACTION_HANDLER(%esp)
        movl    $(SA_ONESHOT + SA_NODEFER), ACTION_FLAGS(%esp)
        movl    %eax, ACTION_RESTORER(%esp)
        movl    %eax, ACTION_MASK(%esp)
        movl    %eax, (ACTION_MASK + 4)(%esp)
        movl    %esp, %eax
        leal    ACTION_SIZE(%esp), %edx
        pushl   %edx
        pushl   %eax
        pushl   %ebx
        call    do_sigaction
        addl    $12, %esp
        testl   %eax, %eax
        jnz     1f
        movl    (ACTION_SIZE + ACTION_HANDLER)(%esp), %eax
1:      addl    $(2 * ACTION_SIZE), %esp
        popl    %ebx
        ret

# rt_sigaction(signal, new, old, size of a signal set): set what `new` points to and tell `old` what it was; either may
# be 0.
ENTRY sys_rt_sigaction
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        subl    $(2 * ACTION_SIZE), %esp
        movl    $-EINVAL, %eax
        cmpl    $8, 20(%ebp)
        jne     3f
        movl    %esp, %edx
        xorl    %ebx, %ebx              # EBX: our copy of `new`, or 0
        cmpl    $0, 12(%ebp)
        je      1f
        movl    %esp, %ebx
        pushl   $ACTION_SIZE
        pushl   12(%ebp)
        pushl   %ebx
        call    copy_from_user
        addl    $12, %esp
        testl   %eax, %eax
        jnz     2f
1:      leal    ACTION_SIZE(%esp), %eax
        pushl   %eax
        pushl   %ebx
        pushl   8(%ebp)
        call    do_sigaction
        addl    $12, %esp
        testl   %eax, %eax
        jnz     3f
        cmpl    $0, 16(%ebp)
        je      3f
        leal    ACTION_SIZE(%esp), %eax
        pushl   $ACTION_SIZE
        pushl   %eax
        pushl   16(%ebp)
        call    copy_to_user
        addl    $12, %esp
        testl   %eax, %eax
        jz      3f
2:      movl    $-EFAULT, %eax
3:      addl    $(2 * ACTION_SIZE), %esp
        popl    %ebx
        popl    %ebp
        ret

# do_sigaction(signal, new, old): both in the kernel; new may be 0.
do_sigaction:
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %ecx
        movl    $-EINVAL, %eax
        decl    %ecx
        cmpl    $NR_SIGNALS, %ecx
        jae     2f
        imull   $ACTION_SIZE, %ecx, %edx
        addl    current, %edx
        addl    $TASK_ACTIONS, %edx     # EDX: the action
        movl    %edx, %esi
        movl    20(%esp), %edi
        pushl   %ecx
        movl    $(ACTION_SIZE / 4), %ecx
        rep movsl
        popl    %ecx
        movl    16(%esp), %esi
        testl   %esi, %esi
        jz      1f
        movl    $UNBLOCKABLE, %edi
        btl     %ecx, %edi
        jc      2f
        movl    %edx, %edi
        movl    $(ACTION_SIZE / 4), %ecx
        rep movsl
        andl    $~UNBLOCKABLE, ACTION_MASK(%edx)
1:      xorl    %eax, %eax
2:      popl    %edi
        popl    %esi
        ret

        .data
bad_frame_message:      .asciz "%s[%d]: bad signal frame %08lx eip %08lx esp %08lx\n"

# The registers that struct pt_regs and struct sigcontext both have, and where.
        .macro  SAVED name
        .byte   PT_\name, SC_\name - UC_MCONTEXT
        .endm
saved_registers:
        SAVED   ES
        SAVED   DS
        SAVED   EDI
        SAVED   ESI
        SAVED   EBP
        SAVED   ESP
        SAVED   EBX
        SAVED   EDX
        SAVED   ECX
        SAVED   EAX
        SAVED   EIP
        SAVED   CS
        SAVED   EFLAGS
        SAVED   SS
NR_SAVED_REGISTERS = (. - saved_registers) / 2
        .balign 4, 0
