# module.s - kernel modules: memory for code that comes later, and calls to its two functions.
#
# Who loads a module asks create_module for memory, puts the module there, linked to that address, fills in MODULE_INIT
# and MODULE_CLEANUP in its head (constants.s), and asks init_module to start it. In Linux 2.4 init_module also copies
# the module from the user; here it is written by the lab, from outside.

        .text
# create_module(name, size): the address of the module's memory, its head filled in but for the two functions.
ENTRY sys_create_module
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        subl    $(MODULE_NAME_MAX + 1), %esp
        movl    %esp, %esi              # ESI: the name
        leal    8(%ebp), %eax           # regs
        pushl   %esi
        pushl   %eax
        call    get_module_name
        addl    $8, %esp
        testl   %eax, %eax
        jnz     2f
        movl    $-EINVAL, %eax
        cmpl    $MODULE_HEAD, 12(%ebp)
        jb      2f
        pushl   %esi
        call    find_module
        addl    $4, %esp
        testl   %eax, %eax
        movl    $-EEXIST, %eax
        jnz     2f

        pushl   12(%ebp)
        call    vmalloc
        addl    $4, %esp
        movl    %eax, %ebx
        testl   %eax, %eax
        movl    $-ENOMEM, %eax
        jz      2f
        movl    module_list, %eax
        movl    %eax, MODULE_NEXT(%ebx)
        movl    12(%ebp), %eax
        movl    %eax, MODULE_SIZE(%ebx)
        xorl    %eax, %eax
        movl    %eax, MODULE_FLAGS(%ebx)
        movl    %eax, MODULE_INIT(%ebx)
        movl    %eax, MODULE_CLEANUP(%ebx)
        pushl   $(MODULE_NAME_MAX + 1)
        pushl   %esi
        leal    MODULE_NAME(%ebx), %eax
        pushl   %eax
        call    memcpy
        addl    $12, %esp
        movl    %ebx, module_list
        movl    %ebx, %eax
2:      addl    $(MODULE_NAME_MAX + 1), %esp
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# init_module(name): start it. What its init_module returns counts: with anything but 0 the module is gone again.
ENTRY sys_init_module
        leal    4(%esp), %eax           # regs
        pushl   %ebx
        pushl   %eax
        call    named_module
        addl    $4, %esp
        testl   %edx, %edx
        jz      2f
        movl    %edx, %ebx
        movl    $-EBUSY, %eax
        testl   $MODULE_RUNNING, MODULE_FLAGS(%ebx)
        jnz     2f
        movl    MODULE_INIT(%ebx), %eax
        testl   %eax, %eax
        jz      1f
        call    *%eax
        testl   %eax, %eax
        jnz     3f
1:      orl     $MODULE_RUNNING, MODULE_FLAGS(%ebx)
2:      popl    %ebx
        ret

3:      js      4f
        movl    $-EBUSY, %eax           # a mistake of the module's: a positive number would pass for success
4:      pushl   %eax
        pushl   %ebx
        call    free_module
        addl    $4, %esp
        popl    %eax
        jmp     2b

# delete_module(name): let it clean up, if it ever ran, and forget it.
ENTRY sys_delete_module
        leal    4(%esp), %eax           # regs
        pushl   %ebx
        pushl   %eax
        call    named_module
        addl    $4, %esp
        testl   %edx, %edx
        jz      2f
        movl    %edx, %ebx
        testl   $MODULE_RUNNING, MODULE_FLAGS(%ebx)
        jz      1f
        movl    MODULE_CLEANUP(%ebx), %eax
        testl   %eax, %eax
        jz      1f
        call    *%eax
1:      pushl   %ebx
        call    free_module
        addl    $4, %esp
        xorl    %eax, %eax
2:      popl    %ebx
        ret

# named_module(regs): in EDX the module that the caller of the system call has named; 0, and in EAX the error, if there
# is none.
named_module:
        pushl   %ebx
        subl    $(MODULE_NAME_MAX + 1), %esp
        movl    %esp, %ebx
        pushl   %ebx
        pushl   (MODULE_NAME_MAX + 1 + 12)(%esp)
        call    get_module_name
        addl    $8, %esp
        xorl    %edx, %edx
        testl   %eax, %eax
        jnz     1f
        pushl   %ebx
        call    find_module
        addl    $4, %esp
        movl    %eax, %edx
        movl    $-ENOENT, %eax
1:      addl    $(MODULE_NAME_MAX + 1), %esp
        popl    %ebx
        ret

# get_module_name(regs, to): copy the system call's first argument, a name. The user's address must be one that the user
# may read; the kernel's is trusted. Returns 0, or an error.
get_module_name:
        movl    4(%esp), %edx
        movl    $TASK_SIZE, %eax
        testb   $3, PT_CS(%edx)
        jnz     1f
        movl    $-1, %eax
1:      pushl   %eax
        pushl   $(MODULE_NAME_MAX + 1)
        pushl   PT_EBX(%edx)
        pushl   20(%esp)
        call    strncpy_from_user
        addl    $16, %esp
        testl   %eax, %eax
        js      3f
        jz      2f                      # no name
        cmpl    $MODULE_NAME_MAX, %eax
        movl    $0, %eax
        jbe     3f
2:      movl    $-EINVAL, %eax          # or too long a name
3:      ret

# find_module(name): the module, or 0.
ENTRY find_module
        pushl   %ebx
        movl    module_list, %ebx
1:      testl   %ebx, %ebx
        jz      2f
        leal    MODULE_NAME(%ebx), %eax
        pushl   8(%esp)
        pushl   %eax
        call    strcmp
        addl    $8, %esp
        testl   %eax, %eax
        jz      2f
        movl    MODULE_NEXT(%ebx), %ebx
        jmp     1b
2:      movl    %ebx, %eax
        popl    %ebx
        ret

# free_module(module): out of the list, and its memory back.
ENTRY free_module
        movl    4(%esp), %eax
        movl    $module_list, %edx      # EDX: what points to the one that is looked at
1:      cmpl    (%edx), %eax
        je      2f
        movl    (%edx), %edx
        addl    $MODULE_NEXT, %edx
        jmp     1b
2:      movl    MODULE_NEXT(%eax), %ecx
        movl    %ecx, (%edx)
        pushl   %eax
        call    vfree
        addl    $4, %esp
        ret

        .data
        .balign 4, 0
OBJECT module_list
        .long   0                       # the newest module
