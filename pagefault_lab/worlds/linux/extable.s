# extable.s - the kernel's instructions that are allowed to fault, each with the place to go on at when it does.
#
# So reading user memory costs no check beforehand: the processor checks, and only a failure costs anything. (Linux
# collects this table from all over the kernel in a section of its own, __ex_table.)

        .data
        .balign 4, 0
OBJECT exception_table
        .long   restore_ds, bad_ds                      # entry.s
        .long   restore_es, bad_es
        .long   restore_iret, bad_iret
        .long   load_fs_selector, bad_fs                # sched.s
        .long   load_gs_selector, bad_gs
        .long   copy_from_user_load, copy_from_user_end # uaccess.s
        .long   copy_to_user_store, copy_to_user_end
        .long   probe_byte_load, probe_failed
        .long   probe_long_load, probe_failed
exception_table_end:

        .text
# fixup_exception(regs): is EIP in the table? Then make it the other address and return 1, else 0.
ENTRY fixup_exception
        movl    4(%esp), %ecx
        movl    PT_EIP(%ecx), %edx
        movl    $exception_table, %eax
1:      cmpl    %edx, (%eax)
        je      2f
        addl    $8, %eax
        cmpl    $exception_table_end, %eax
        jb      1b
        xorl    %eax, %eax
        ret
2:      movl    4(%eax), %eax
        movl    %eax, PT_EIP(%ecx)
        movl    $1, %eax
        ret
