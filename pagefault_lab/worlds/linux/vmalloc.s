# vmalloc.s - kernel memory that is in a row in linear memory only: each page lies wherever one was free.
#
# The page tables of these addresses hang on swapper_pg_dir, the master. A task's page directory has copies of the
# master's kernel entries as they were when the task was made. An entry that came later is copied when the kernel first
# touches the area while the task runs: see vmalloc_fault in fault.s. An entry that goes is taken out of every task's
# directory at once, since nothing would fault.
#
# vmlist has a record for each area, by rising address. Its size includes a page at its end that is left absent: who
# runs over the end of an area faults, instead of writing into the next one.

VM_AREA_ADDRESS = 0
VM_AREA_BYTES   = 4                     # with the guard page
VM_AREA_SIZE    = 8
VM_AREAS_MAX    = 128

        .text
# vmalloc(size): the address of so many bytes, with whatever was left in them, or 0.
ENTRY vmalloc
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    16(%esp), %ebx
        testl   %ebx, %ebx
        jz      6f
        cmpl    $MEMORY_SIZE, %ebx
        ja      6f
        addl    $(2 * PAGE_SIZE - 1), %ebx
        andl    $PAGE_MASK, %ebx        # EBX: whole pages, and the guard

        # The first gap that is big enough.
        movl    $VMALLOC_AREA, %esi     # ESI: where it would begin
        movl    $vmlist, %edi           # EDI: the first record above it
1:      cmpl    vmlist_end, %edi
        je      2f
        leal    (%esi, %ebx), %eax
        cmpl    VM_AREA_ADDRESS(%edi), %eax
        jbe     2f
        movl    VM_AREA_ADDRESS(%edi), %esi
        addl    VM_AREA_BYTES(%edi), %esi
        addl    $VM_AREA_SIZE, %edi
        jmp     1b
2:      movl    $VMALLOC_END, %eax
        subl    %esi, %eax
        cmpl    %ebx, %eax
        jb      6f

        # Its record goes in front of that one.
        movl    vmlist_end, %eax
        cmpl    $(vmlist + VM_AREAS_MAX * VM_AREA_SIZE), %eax
        je      6f
        subl    %edi, %eax
        pushl   %eax
        pushl   %edi
        leal    VM_AREA_SIZE(%edi), %eax
        pushl   %eax
        call    memmove
        addl    $12, %esp
        addl    $VM_AREA_SIZE, vmlist_end
        movl    %esi, VM_AREA_ADDRESS(%edi)
        movl    %ebx, VM_AREA_BYTES(%edi)

        # And the pages.
        leal    -PAGE_SIZE(%esi, %ebx), %edi
        movl    %esi, %ebx
3:      pushl   %ebx
        pushl   $swapper_pg_dir
        call    pte_alloc
        addl    $8, %esp
        testl   %eax, %eax
        jz      5f
        pushl   %eax
        pushl   $GFP_KERNEL
        call    __get_free_page
        addl    $4, %esp
        popl    %edx
        testl   %eax, %eax
        jz      5f
        addl    $(PAGE_KERNEL - PAGE_OFFSET), %eax
        movl    %eax, (%edx)
        addl    $PAGE_SIZE, %ebx
        cmpl    %edi, %ebx
        jb      3b
        movl    %esi, %eax
4:      popl    %edi
        popl    %esi
        popl    %ebx
        ret

5:      pushl   %esi                    # memory is out: give back what there is
        call    vfree
        addl    $4, %esp
6:      xorl    %eax, %eax
        jmp     4b

# vfree(address): give back an area of vmalloc. 0 is none, and nothing to complain about.
ENTRY vfree
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    16(%esp), %esi
        testl   %esi, %esi
        jz      4f
        movl    $vmlist, %ebx
1:      cmpl    vmlist_end, %ebx
        je      3f
        cmpl    VM_AREA_ADDRESS(%ebx), %esi
        je      2f
        addl    $VM_AREA_SIZE, %ebx
        jmp     1b

2:      movl    VM_AREA_BYTES(%ebx), %eax
        addl    %esi, %eax
        pushl   %eax
        pushl   %esi
        pushl   $swapper_pg_dir
        call    zap_page_range
        addl    $12, %esp

        movl    %esi, %edi              # page tables that are empty now
        andl    $PGDIR_MASK, %edi
        addl    VM_AREA_BYTES(%ebx), %esi
5:      pushl   %edi
        call    free_page_table
        addl    $4, %esp
        addl    $PGDIR_SIZE, %edi
        cmpl    %esi, %edi
        jb      5b
        movl    %cr3, %eax
        movl    %eax, %cr3              # the TLB must forget all of them

        # Close the gap in the list, with the blank record behind its last, so that nothing of this one is left.
        movl    vmlist_end, %eax
        subl    %ebx, %eax
        pushl   %eax
        leal    VM_AREA_SIZE(%ebx), %eax
        pushl   %eax
        pushl   %ebx
        call    memmove
        addl    $12, %esp
        subl    $VM_AREA_SIZE, vmlist_end
        jmp     4f

3:      pushl   %esi
        pushl   $no_area_message
        call    printk
        addl    $8, %esp
4:      popl    %edi
        popl    %esi
        popl    %ebx
        ret

# free_page_table(address): if the page table of this address is empty, take it out of all page directories, and give it
# back. The caller must flush the TLB.
free_page_table:
        pushl   %ebx
        pushl   %edi
        movl    12(%esp), %ebx
        shrl    $22, %ebx               # EBX: which entry
        movl    swapper_pg_dir(, %ebx, 4), %edi
        testl   $PAGE_PRESENT, %edi
        jz      3f                      # vmalloc did not come that far
        andl    $PAGE_MASK, %edi
        addl    $PAGE_OFFSET, %edi
        movl    $(PAGE_SIZE / 4), %ecx
        xorl    %eax, %eax
        repe scasl
        jne     3f

        subl    $PAGE_SIZE, %edi        # EDI: the table
        movl    %eax, swapper_pg_dir(, %ebx, 4)
        movl    $task, %edx
1:      movl    (%edx), %ecx
        testl   %ecx, %ecx
        jz      2f
        movl    TASK_PGD(%ecx), %ecx
        testl   %ecx, %ecx
        jz      2f
        movl    %eax, (%ecx, %ebx, 4)
2:      addl    $4, %edx
        cmpl    $(task + NR_TASKS * 4), %edx
        jb      1b
        pushl   %edi
        call    free_page
        addl    $4, %esp
3:      popl    %edi
        popl    %ebx
        ret

# vmalloc_sync_all(): give every task's directory all entries that the master has, instead of waiting for its fault. For
# memory that is needed where no fault can be served: an IDT, or a handler of page faults.
ENTRY vmalloc_sync_all
        pushl   %ebx
        movl    $task, %ebx
1:      movl    (%ebx), %eax
        testl   %eax, %eax
        jz      2f
        movl    TASK_PGD(%eax), %eax
        testl   %eax, %eax
        jz      2f
        pushl   $(PAGE_SIZE - KERNEL_PDES)
        pushl   $(swapper_pg_dir + KERNEL_PDES)
        addl    $KERNEL_PDES, %eax
        pushl   %eax
        call    memcpy
        addl    $12, %esp
2:      addl    $4, %ebx
        cmpl    $(task + NR_TASKS * 4), %ebx
        jb      1b
        popl    %ebx
        ret

        .data
no_area_message:        .asciz "Trying to vfree() nonexistent vm area (%p)\n"
        .balign 4, 0
vmlist_end:
        .long   vmlist                  # where the next record would be appended

        .bss
        .balign 4
OBJECT vmlist
        .space  (VM_AREAS_MAX + 1) * VM_AREA_SIZE
