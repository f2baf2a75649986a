# page_alloc.s - who owns which page of physical memory.
#
# mem_map has a byte for each page: how many users it has; 0 is free, PAGE_RESERVED belongs to the kernel for good. A
# page is named by the linear address at which the kernel sees it: physical + PAGE_OFFSET.

PAGE_RESERVED   = 255

        .text
# mem_init(): all below the end of this image is the kernel's, the rest is free.
ENTRY mem_init
        pushl   %edi
        movl    $(_end - PAGE_OFFSET), %ecx
        shrl    $12, %ecx
        movl    %ecx, first_free
        movl    $mem_map, %edi
        movb    $PAGE_RESERVED, %al
        rep stosb

        movl    $MEMORY_PAGES, %eax
        subl    first_free, %eax
        shll    $2, %eax                # in KiB
        pushl   $(MEMORY_SIZE >> 10)
        pushl   %eax
        pushl   $memory_message
        call    printk
        addl    $12, %esp
        popl    %edi
        ret

# __get_free_page(): a page with whatever was left in it, or 0. The lowest free one, so that every run is alike.
ENTRY __get_free_page
        movl    first_free, %eax        # nothing below it is free
1:      cmpl    $MEMORY_PAGES, %eax
        jae     3f
        cmpb    $0, mem_map(%eax)
        je      2f
        incl    %eax
        jmp     1b
2:      movb    $1, mem_map(%eax)
        leal    1(%eax), %edx
        movl    %edx, first_free
        shll    $12, %eax
        addl    $PAGE_OFFSET, %eax
        ret
3:      movl    %eax, first_free
        xorl    %eax, %eax
        ret

# get_free_page(): a page of zeros, or 0. A user must not find what the last owner left.
ENTRY get_free_page
        call    __get_free_page
        testl   %eax, %eax
        jz      1f
        pushl   %edi
        movl    %eax, %edx
        movl    %eax, %edi
        movl    $(PAGE_SIZE / 4), %ecx
        xorl    %eax, %eax
        rep stosl
        movl    %edx, %eax
        popl    %edi
1:      ret

# free_page(address): one user less. What is no page of ours, or reserved, or free already, is left alone.
ENTRY free_page
        movl    4(%esp), %eax
        subl    $PAGE_OFFSET, %eax
        shrl    $12, %eax
        cmpl    $MEMORY_PAGES, %eax
        jae     1f
        cmpb    $PAGE_RESERVED, mem_map(%eax)
        je      1f
        cmpb    $0, mem_map(%eax)
        je      1f
        decb    mem_map(%eax)
        jnz     1f
        cmpl    first_free, %eax
        jae     1f
        movl    %eax, first_free
1:      ret

        .data
memory_message: .asciz  "Memory: %dk/%dk available\n"
        .balign 4, 0
first_free:
        .long   0

        .bss
        .balign 4
OBJECT mem_map
        .space  MEMORY_PAGES
