# memory.s - the memory of the current task: its areas (what may be there) and its page tables (what is there).

        .text
# find_vma(address): the first area that ends above the address, or 0.
ENTRY find_vma
        movl    4(%esp), %edx
        movl    current, %eax
        addl    $TASK_AREAS, %eax
1:      cmpl    $0, VM_END(%eax)
        je      2f
        cmpl    VM_END(%eax), %edx
        jb      3f
        addl    $AREA_SIZE, %eax
        jmp     1b
2:      xorl    %eax, %eax
3:      ret

# expand_stack(area, address): let the area begin at the address's page. Returns the area, or 0 if it would be too big.
ENTRY expand_stack
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        andl    $PAGE_MASK, %edx
        movl    VM_END(%eax), %ecx
        subl    %edx, %ecx
        cmpl    $STACK_LIMIT, %ecx
        ja      1f
        movl    %edx, VM_START(%eax)
        ret
1:      xorl    %eax, %eax
        ret

# handle_mm_fault(area, address): make the access possible that the area allows. Returns 0 if memory is out.
ENTRY handle_mm_fault
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %ebx          # area
        movl    16(%esp), %esi          # address
        andl    $PAGE_MASK, %esi
        movl    current, %eax
        pushl   %esi
        pushl   TASK_PGD(%eax)
        call    pte_alloc
        addl    $8, %esp
        testl   %eax, %eax
        jz      2f
        movl    $do_no_page, %edx
        testl   $PAGE_PRESENT, (%eax)
        jz      1f
        movl    $do_wp_page, %edx       # it is there, so it must be writing that the entry does not allow
1:      pushl   %eax
        pushl   %esi
        pushl   %ebx
        call    *%edx
        addl    $12, %esp
2:      popl    %esi
        popl    %ebx
        ret

# do_no_page(area, address, pte): put a page there, with the contents that the area promises.
#
#   no file                     a page of zeros
#   a file, read-only or shared the file's own page
#   a file, private, writable   a copy of it
ENTRY do_no_page
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    8(%ebp), %ebx           # area
        movl    VM_FILE(%ebx), %esi
        testl   %esi, %esi
        jz      zeros
        addl    12(%ebp), %esi          # ESI: where the contents lie
        subl    VM_START(%ebx), %esi
        movl    VM_FLAGS(%ebx), %ecx
        testl   $VM_SHARED, %ecx
        jnz     the_files_own
        testl   $VM_WRITE, %ecx
        jz      the_files_own

        pushl   $GFP_KERNEL
        call    __get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      3f
        movl    %eax, %edi
        movl    $(PAGE_SIZE / 4), %ecx
        rep movsl
        jmp     2f

the_files_own:
        movl    %esi, %eax
        jmp     2f

zeros:  pushl   $GFP_KERNEL
        call    get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      3f

2:      movl    %eax, %esi
        pushl   VM_FLAGS(%ebx)
        call    page_protection
        addl    $4, %esp
        leal    -PAGE_OFFSET(%esi, %eax), %eax  # frame and flags
        movl    16(%ebp), %edx
        movl    %eax, (%edx)            # it was absent, so the TLB has nothing to forget
        movl    $1, %eax
3:      popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# do_wp_page(area, address, pte): make a page writable that is there. A private page may have other users since fork():
# then this one gets a copy. The last of them keeps the page itself.
ENTRY do_wp_page
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    16(%ebp), %edi          # EDI: the entry
        movl    (%edi), %esi
        andl    $PAGE_MASK, %esi        # ESI: the page
        movl    8(%ebp), %edx
        pushl   VM_FLAGS(%edx)
        call    page_protection
        popl    %edx
        movl    %eax, %ebx              # EBX: the flags it should have
        testl   $VM_SHARED, %edx
        jnz     1f
        movl    %esi, %eax
        shrl    $12, %eax
        cmpl    $MEMORY_PAGES, %eax
        jae     1f                      # no memory of ours
        cmpb    $1, mem_map(%eax)
        je      1f

        pushl   $GFP_KERNEL
        call    __get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      3f
        addl    $PAGE_OFFSET, %esi
        pushl   $PAGE_SIZE
        pushl   %esi
        pushl   %eax
        call    memcpy                  # returns the copy
        addl    $12, %esp
        subl    $PAGE_OFFSET, %eax
        movl    %eax, (%edi)
        pushl   %esi
        call    free_page
        addl    $4, %esp

1:      orl     %ebx, (%edi)
        movl    12(%ebp), %eax
        invlpg  (%eax)                  # the TLB may know the old entry
        movl    $1, %eax
3:      popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# page_protection(vm_flags): a page table entry's flags for a page of such an area. A private page that can be written
# starts as dirty: it differs from what is in any file.
page_protection:
        movl    4(%esp), %edx
        movl    $PAGE_READONLY, %eax
        testl   $VM_WRITE, %edx
        jz      1f
        movl    $PAGE_SHARED, %eax
        testl   $VM_SHARED, %edx
        jnz     1f
        movl    $PAGE_PRIVATE, %eax
1:      ret

# pte_offset(pgd, address): where the address's page table entry lies, or 0 if there is no page table.
ENTRY pte_offset
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        movl    %edx, %ecx
        shrl    $22, %ecx               # linear[31:22] selects the page directory entry,
        movl    (%eax, %ecx, 4), %eax
        testl   $PAGE_PRESENT, %eax
        jz      1f
        andl    $PAGE_MASK, %eax
        cmpl    $MEMORY_SIZE, %eax      # no table of ours lies beyond the memory
        jae     1f
        shrl    $12, %edx
        andl    $1023, %edx             # linear[21:12] the page table entry
        leal    PAGE_OFFSET(%eax, %edx, 4), %eax
        ret
1:      xorl    %eax, %eax
        ret

# pte_alloc(pgd, address): the same, but a missing page table is made. Returns 0 if memory is out.
ENTRY pte_alloc
        pushl   %ebx
        movl    8(%esp), %eax
        movl    12(%esp), %edx
        movl    %edx, %ecx
        shrl    $22, %ecx
        leal    (%eax, %ecx, 4), %ebx   # EBX: the page directory entry
        pushl   %edx
        pushl   %eax
        call    pte_offset
        addl    $8, %esp
        testl   %eax, %eax
        jnz     1f
        pushl   $GFP_KERNEL
        call    get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      2f
        subl    $PAGE_OFFSET, %eax
        movl    %eax, (%ebx)
1:      orl     $PAGE_TABLE, (%ebx)     # the directory allows all; the table's entries restrict
        pushl   12(%esp)
        pushl   12(%esp)
        call    pte_offset
        addl    $8, %esp
2:      popl    %ebx
        ret

# pgd_alloc(): a page directory for a task: nothing of the user's, all of the kernel's. Returns 0 if memory is out.
ENTRY pgd_alloc
        pushl   $GFP_KERNEL
        call    get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      1f
        pushl   %esi
        pushl   %edi
        leal    KERNEL_PDES(%eax), %edi
        movl    $(swapper_pg_dir + KERNEL_PDES), %esi
        movl    $((PAGE_SIZE - KERNEL_PDES) / 4), %ecx
        rep movsl
        popl    %edi
        popl    %esi
1:      ret

# zap_page_range(pgd, start, end): take these pages out of the page tables and give them back. The caller must flush
# the TLB.
ENTRY zap_page_range
        pushl   %ebx
        pushl   %esi
        movl    16(%esp), %ebx          # address
        movl    20(%esp), %esi          # end
1:      cmpl    %esi, %ebx
        jae     3f
        pushl   %ebx
        pushl   16(%esp)
        call    pte_offset
        addl    $8, %esp
        testl   %eax, %eax
        jz      4f
        movl    (%eax), %edx
        movl    $0, (%eax)
        testl   $PAGE_PRESENT, %edx
        jz      2f
        andl    $PAGE_MASK, %edx
        addl    $PAGE_OFFSET, %edx
        pushl   %edx
        call    free_page
        addl    $4, %esp
2:      addl    $PAGE_SIZE, %ebx
        jmp     1b
4:      orl     $~PGDIR_MASK, %ebx      # the table is missing: go on where the next one begins
        incl    %ebx
        jnz     1b
3:      popl    %esi
        popl    %ebx
        ret

# exit_mmap(task): give back all of a task's memory. Its page directory must not be in use.
ENTRY exit_mmap
        pushl   %ebx
        pushl   %esi
        movl    12(%esp), %ebx
        addl    $TASK_AREAS, %ebx
1:      cmpl    $0, VM_END(%ebx)        # the pages
        je      2f
        pushl   VM_END(%ebx)
        pushl   VM_START(%ebx)
        movl    20(%esp), %eax
        pushl   TASK_PGD(%eax)
        call    zap_page_range
        addl    $12, %esp
        addl    $AREA_SIZE, %ebx
        jmp     1b

2:      movl    12(%esp), %ebx
        movl    TASK_PGD(%ebx), %ebx
        xorl    %esi, %esi
3:      movl    (%ebx, %esi), %eax      # the page tables
        testl   $PAGE_PRESENT, %eax
        jz      4f
        andl    $PAGE_MASK, %eax
        addl    $PAGE_OFFSET, %eax
        pushl   %eax
        call    free_page
        addl    $4, %esp
4:      addl    $4, %esi
        cmpl    $KERNEL_PDES, %esi
        jb      3b

        pushl   %ebx                    # the directory
        call    free_page
        addl    $4, %esp
        movl    12(%esp), %ebx
        movl    $0, TASK_PGD(%ebx)
        popl    %esi
        popl    %ebx
        ret
