# fork.s - a task becomes two that differ in nothing but what fork() returned and their number.
#
# The child has areas, page tables and a kernel stack of its own, but no pages yet: it shares its parent's. A private
# page becomes read-only for both, whatever its area allows, and whoever writes first gets a copy (do_wp_page). mem_map
# counts who shares a page.

        .text
# fork(): the child's number, and 0 in the child; -EAGAIN if there are too many tasks already, -ENOMEM.
ENTRY sys_fork
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        pushl   %ebp
        movl    $task, %edi
        movl    $NR_TASKS, %ecx
        xorl    %eax, %eax
        repne scasl
        movl    $-EAGAIN, %eax
        jne     2f
        leal    -4(%edi), %ebp          # EBP: a free place in the table

        pushl   $1                      # 2^1 pages
        pushl   $GFP_KERNEL
        call    __get_free_pages
        addl    $8, %esp
        movl    %eax, %ebx              # EBX: the child
        testl   %eax, %eax
        jz      1f
        movl    current, %esi
        movl    %ebx, %edi
        movl    $(TASK_STRUCT_SIZE / 4), %ecx
        rep movsl
        movl    $0, TASK_PROGRAM(%ebx)
        movl    $0, TASK_NEED_RESCHED(%ebx)
        movl    $0, TASK_SIGNAL(%ebx)
        pushl   %ebx
        call    copy_mm
        addl    $4, %esp
        testl   %eax, %eax
        jz      1f

        # It will enter user mode where its parent does. (If that stands at the kernel prompt: where it came from.)
        movl    current, %esi
        addl    $(THREAD_SIZE - PT_SIZE), %esi
        leal    (THREAD_SIZE - PT_SIZE)(%ebx), %edi
        movl    $(PT_SIZE / 4), %ecx
        rep movsl
        movl    $0, THREAD_SIZE - PT_SIZE + PT_EAX(%ebx)
        pushl   %ebx
        call    init_thread
        addl    $4, %esp
        incl    last_pid
        movl    last_pid, %eax
        movl    %eax, TASK_PID(%ebx)
        movl    %ebx, (%ebp)
        jmp     2f

1:      pushl   $1
        pushl   %ebx                    # 0 is no page of ours
        call    free_pages
        addl    $8, %esp
        movl    $-ENOMEM, %eax
2:      popl    %ebp
        popl    %edi
        popl    %esi
        popl    %ebx
        ret

# copy_mm(child): give it, whose areas are the current task's, page tables with the same pages. Returns 0 if memory is
# out; then it has none.
copy_mm:
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %ebx
        call    pgd_alloc
        movl    %eax, TASK_PGD(%ebx)
        testl   %eax, %eax
        jz      3f
        leal    TASK_AREAS(%ebx), %esi
1:      cmpl    $0, VM_END(%esi)
        je      2f
        pushl   %esi
        pushl   TASK_PGD(%ebx)
        call    copy_page_range
        addl    $8, %esp
        addl    $AREA_SIZE, %esi
        testl   %eax, %eax
        jnz     1b
        pushl   %ebx
        call    exit_mmap
        addl    $4, %esp
        xorl    %eax, %eax
2:      movl    %cr3, %edx
        movl    %edx, %cr3              # the TLB must forget that our own pages could be written
3:      popl    %esi
        popl    %ebx
        ret

# copy_page_range(pgd, area): let this directory have the pages that the current task has in an area. Returns 0 if
# memory is out.
copy_page_range:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    12(%ebp), %edi
        movl    VM_START(%edi), %ebx    # EBX: address
1:      movl    $1, %eax
        cmpl    VM_END(%edi), %ebx
        jae     6f
        movl    current, %eax
        pushl   %ebx
        pushl   TASK_PGD(%eax)
        call    pte_offset
        addl    $8, %esp
        testl   %eax, %eax
        jz      5f
        testl   $PAGE_PRESENT, (%eax)
        jz      4f
        movl    %eax, %esi              # ESI: our entry
        pushl   %ebx
        pushl   8(%ebp)
        call    pte_alloc
        addl    $8, %esp
        testl   %eax, %eax
        jz      6f
        movl    (%esi), %edx
        testl   $VM_SHARED, VM_FLAGS(%edi)
        jnz     2f
        andl    $~PAGE_RW, %edx
        movl    %edx, (%esi)
        jmp     3f
2:      andl    $~PAGE_DIRTY, %edx      # the child has not written there,
3:      andl    $~PAGE_ACCESSED, %edx   # nor looked
        movl    %edx, (%eax)
        andl    $PAGE_MASK, %edx
        addl    $PAGE_OFFSET, %edx
        pushl   %edx
        call    get_page
        addl    $4, %esp
4:      addl    $PAGE_SIZE, %ebx
        jmp     1b
5:      orl     $~PGDIR_MASK, %ebx      # the table is missing: go on where the next one begins
        incl    %ebx
        jmp     1b
6:      popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

        .data
        .balign 4, 0
last_pid:
        .long   2
