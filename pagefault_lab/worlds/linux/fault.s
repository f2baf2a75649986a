# fault.s - the page fault: is the address one that the task may use, and in this way? Then it gets its page, and the
# instruction is tried again. If not: a signal for a user, and for the kernel a prepared way out, or an Oops.

        .text
# do_page_fault(struct pt_regs *regs, unsigned long error_code)
ENTRY do_page_fault
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $4, %esp
REASON  = -16                           # (%ebp): what to tell the user if it goes wrong

        movl    %cr2, %esi              # before anything else can fault and overwrite it
        movl    8(%ebp), %ebx           # regs
        movl    12(%ebp), %edi          # error code

        # Kernel memory that the kernel found absent may have come later than the page directory in use.
        cmpl    $TASK_SIZE, %esi
        jb      1f
        testl   $(FAULT_USER + FAULT_PROTECTION), %edi
        jz      vmalloc_fault
1:      testl   $EFLAGS_IF, PT_EFLAGS(%ebx)
        jz      2f
        sti                             # CR2 is safe now; interrupts may come as they could before
2:
        # Which area would it be? The first that ends above the address. It may begin above it too.
        movl    $SEGV_MAPERR, REASON(%ebp)
        pushl   %esi
        call    find_vma
        addl    $4, %esp
        testl   %eax, %eax
        jz      bad_area
        cmpl    VM_START(%eax), %esi
        jae     good_area

        # The address is below the area. If that is a stack, it may have been a push. A push can reach at most 32 bytes
        # below ESP before ESP moves (pusha), so anything further down is a wild pointer.
        testl   $VM_GROWSDOWN, VM_FLAGS(%eax)
        jz      bad_area
        testl   $FAULT_USER, %edi
        jz      2f                      # in kernel mode the saved ESP is not the user's
        leal    32(%esi), %edx
        cmpl    PT_ESP(%ebx), %edx
        jb      bad_area
2:      pushl   %esi
        pushl   %eax
        call    expand_stack            # to EAX: the area, or 0
        addl    $8, %esp
        testl   %eax, %eax
        jz      bad_area

        # There is an area. Does it allow what was tried?
        #
        #   error code & 3      0  read, absent         needs an area that can be read or executed
        #                       1  read, protection     the page is there and may not be read: never right
        #                       2  write, absent        needs an area that can be written
        #                       3  write, protection    the same
good_area:
        movl    $SEGV_ACCERR, REASON(%ebp)
        testl   $FAULT_WRITE, %edi
        jnz     3f
        testl   $FAULT_PROTECTION, %edi
        jnz     bad_area
        testl   $(VM_READ + VM_EXEC), VM_FLAGS(%eax)
        jz      bad_area
        jmp     4f
3:      testl   $VM_WRITE, VM_FLAGS(%eax)
        jz      bad_area

4:      pushl   %esi
        pushl   %eax
        call    handle_mm_fault
        addl    $8, %esp
        testl   %eax, %eax
        jz      out_of_memory

page_fault_done:
        addl    $4, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret                             # and iret: the same instruction again

bad_area:
        testl   $FAULT_USER, %edi
        jz      no_context

        movl    current, %edx
        movl    %esi, TASK_CR2(%edx)
        movl    %edi, TASK_ERROR_CODE(%edx)
        movl    $14, TASK_TRAP_NO(%edx)
        pushl   $SIGSEGV
        call    unhandled_signal
        addl    $4, %esp
        testl   %eax, %eax
        jz      7f
        movl    current, %edx
        movl    REASON(%ebp), %ecx
        pushl   si_code_names(, %ecx, 4)
        pushl   %edi
        pushl   PT_ESP(%ebx)
        pushl   PT_EIP(%ebx)
        pushl   %esi
        pushl   TASK_PID(%edx)
        addl    $TASK_COMM, %edx
        pushl   %edx
        pushl   $segfault_message
        call    printk
        addl    $32, %esp
7:      pushl   %esi
        pushl   REASON(%ebp)
        pushl   $SIGSEGV
        call    force_sig_info          # ret_from_exception finds it
        addl    $12, %esp
        jmp     page_fault_done

# The kernel faulted on its own, or on a user address that is no good.
no_context:
        pushl   %ebx
        call    fixup_exception
        addl    $4, %esp
        testl   %eax, %eax
        jnz     page_fault_done         # it was prepared for that

        movl    $null_pointer_text, %eax
        cmpl    $PAGE_SIZE, %esi
        jb      5f
        movl    $paging_request_text, %eax
5:      pushl   PT_EIP(%ebx)
        pushl   %esi
        pushl   %eax
        pushl   $oops_message
        call    printk
        pushl   %esi
        call    show_pte
        pushl   %edi
        pushl   %ebx
        pushl   $oops_text
        call    die                     # does not return

# Give the page directory in use, whoever's it is, the master's entry for the address (vmalloc.s). If the page is absent
# there too, it is absent everywhere.
vmalloc_fault:
        movl    %esi, %edx
        shrl    $22, %edx
        movl    swapper_pg_dir(, %edx, 4), %ecx
        testl   $PAGE_PRESENT, %ecx
        jz      no_context
        movl    %cr3, %eax
        andl    $PAGE_MASK, %eax
        movl    %ecx, PAGE_OFFSET(%eax, %edx, 4)
        pushl   %esi
        pushl   $swapper_pg_dir
        call    pte_offset
        addl    $8, %esp
        testl   %eax, %eax
        jz      no_context
        testl   $PAGE_PRESENT, (%eax)
        jnz     page_fault_done         # it was absent, so the TLB has nothing to forget
        jmp     no_context

out_of_memory:
        movl    current, %eax
        addl    $TASK_COMM, %eax
        pushl   %eax
        pushl   $out_of_memory_message
        call    printk
        addl    $8, %esp
        testl   $FAULT_USER, %edi
        jz      no_context
        pushl   $SIGKILL
        call    do_exit

# show_pte(address): what the page tables in use say about an address.
show_pte:
        pushl   %ebx
        movl    8(%esp), %ebx
        movl    %ebx, %edx
        shrl    $22, %edx
        movl    %cr3, %eax
        andl    $PAGE_MASK, %eax
        movl    PAGE_OFFSET(%eax, %edx, 4), %eax
        pushl   %eax
        pushl   %eax
        pushl   $pde_message
        call    printk
        addl    $8, %esp
        popl    %eax
        testl   $PAGE_PRESENT, %eax
        jz      1f
        andl    $PAGE_MASK, %eax
        cmpl    $MEMORY_SIZE, %eax
        jae     1f
        shrl    $12, %ebx
        andl    $1023, %ebx
        pushl   PAGE_OFFSET(%eax, %ebx, 4)
        pushl   $pte_message
        call    printk
        addl    $8, %esp
1:      popl    %ebx
        ret

        .data
segfault_message:       .asciz "%s[%d]: segfault at %08lx eip %08lx esp %08lx error %lx (%s)\n"
oops_message:           .asciz "Unable to handle kernel %s at virtual address %08lx\n printing eip:\n%08lx\n"
null_pointer_text:      .asciz "NULL pointer dereference"
paging_request_text:    .asciz "paging request"
pde_message:            .asciz "*pde = %08lx\n"
pte_message:            .asciz "*pte = %08lx\n"
oops_text:              .asciz "Oops"
out_of_memory_message:  .asciz "VM: killing process %s\n"
no_si_code:             .asciz ""
maperr_text:            .asciz "SEGV_MAPERR: nothing is there"
accerr_text:            .asciz "SEGV_ACCERR: not allowed"
        .balign 4, 0
si_code_names:
        .long   no_si_code, maperr_text, accerr_text
