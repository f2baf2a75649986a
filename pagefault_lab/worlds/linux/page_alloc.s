# page_alloc.s - who owns which page of physical memory.
#
# mem_map has a byte for each page: how many users it has; 0 is free, PAGE_RESERVED belongs to the kernel for good. A
# page is named by the linear address at which the kernel sees it: physical + PAGE_OFFSET.
#
# Two zones, since the DMA controllers of old PCs have 24 address lines:
#
#   DMA     below 16 MiB    for those who ask with GFP_DMA, and for all when the other zone has nothing left
#   NORMAL  above           for all who do not ask with GFP_DMA
#
# A search takes the lowest free pages of its zone, so that every run is alike.

PAGE_RESERVED   = 255

ZONE_START      = 0                     # the number of its first page
ZONE_END        = 4                     # and of the page behind its last
ZONE_FREE       = 8                     # the first page in it that is free; if there is none, ZONE_END

        .text
# mem_init(): all below the end of this image is the kernel's, the rest is free.
ENTRY mem_init
        pushl   %edi
        movl    $(_end - PAGE_OFFSET), %ecx
        shrl    $12, %ecx
        movl    %ecx, zone_dma + ZONE_FREE
        leal    -MEMORY_PAGES(%ecx), %edx
        movl    $mem_map, %edi
        movb    $PAGE_RESERVED, %al
        rep stosb

        negl    %edx
        shll    $2, %edx                # in KiB
        pushl   $(MEMORY_SIZE >> 10)
        pushl   %edx
        pushl   $memory_message
        call    printk
        addl    $12, %esp
        popl    %edi
        ret

# __get_free_pages(gfp, order): 2^order pages in a row, the first one's number a multiple of that, with whatever was
# left in them. Returns the first one's address; 0 if there are none.
ENTRY __get_free_pages
        pushl   %ebx
        xorl    %eax, %eax
        movl    12(%esp), %ecx
        cmpl    $MAX_ORDER, %ecx
        jae     3f
        movl    $1, %ebx
        shll    %cl, %ebx               # EBX: how many pages
        pushfl
        cli                             # an interrupt may want pages too (GFP_ATOMIC)
        testl   $GFP_DMA, 12(%esp)
        jnz     1f
        movl    $zone_normal, %edx
        call    rmqueue
        jnc     2f
1:      movl    $zone_dma, %edx
        call    rmqueue
2:      popfl
3:      popl    %ebx
        ret

# rmqueue: EBX pages, a power of two, out of the zone at EDX. EAX: the address; 0, and carry set, if there are none.
rmqueue:
        pushl   %esi
        pushl   %edi
        movl    ZONE_FREE(%edx), %esi   # from there on, at each multiple of EBX:
        leal    -1(%esi, %ebx), %esi
        movl    %ebx, %eax
        negl    %eax
        andl    %eax, %esi
1:      leal    (%esi, %ebx), %eax
        cmpl    ZONE_END(%edx), %eax
        ja      5f
        leal    mem_map(%esi), %edi     # are so many free?
        movl    %ebx, %ecx
        xorl    %eax, %eax
        repe scasb
        je      2f
        addl    %ebx, %esi
        jmp     1b

2:      leal    mem_map(%esi), %edi     # each has its own count: they may be given back one by one
        movl    %ebx, %ecx
        movb    $1, %al
        rep stosb

        movl    ZONE_FREE(%edx), %eax   # the first free page now
3:      cmpl    ZONE_END(%edx), %eax
        jae     4f
        cmpb    $0, mem_map(%eax)
        je      4f
        incl    %eax
        jmp     3b
4:      movl    %eax, ZONE_FREE(%edx)
        movl    %esi, %eax
        shll    $12, %eax
        addl    $PAGE_OFFSET, %eax      # this leaves carry clear: no address is beyond 4 GiB
        jmp     6f
5:      xorl    %eax, %eax
        stc
6:      popl    %edi
        popl    %esi
        ret

# __get_free_page(gfp): one page.
ENTRY __get_free_page
        pushl   $0
        pushl   8(%esp)
        call    __get_free_pages
        addl    $8, %esp
        ret

# get_free_page(gfp): a page of zeros, or 0. A user must not find what the last owner left. Its newer name is
# get_zeroed_page.
ENTRY get_free_page
ENTRY get_zeroed_page
        pushl   4(%esp)
        call    __get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      1f
        pushl   $PAGE_SIZE
        pushl   $0
        pushl   %eax
        call    memset                  # returns the page
        addl    $12, %esp
1:      ret

# get_page(address): one user more, whom free_page takes away again. What is no page of ours, or reserved, is left
# alone.
ENTRY get_page
        movl    4(%esp), %eax
        subl    $PAGE_OFFSET, %eax
        shrl    $12, %eax
        cmpl    $MEMORY_PAGES, %eax
        jae     1f
        cmpb    $PAGE_RESERVED, mem_map(%eax)
        je      1f
        incb    mem_map(%eax)
1:      ret

# free_pages(address, order): one user less for each of these pages. What is no page of ours, or reserved, or free
# already, is left alone; so is what nobody can have got, since it is too many.
ENTRY free_pages
        pushl   %ebx
        pushfl
        cli
        movl    12(%esp), %eax
        subl    $PAGE_OFFSET, %eax
        shrl    $12, %eax               # EAX: the page's number
        movl    16(%esp), %ecx
        cmpl    $MAX_ORDER, %ecx
        jae     4f
        movl    $1, %ebx
        shll    %cl, %ebx               # EBX: how many
1:      cmpl    $MEMORY_PAGES, %eax
        jae     4f
        cmpb    $PAGE_RESERVED, mem_map(%eax)
        je      3f
        cmpb    $0, mem_map(%eax)
        je      3f
        decb    mem_map(%eax)
        jnz     3f
        movl    $zone_dma, %edx
        cmpl    ZONE_END(%edx), %eax
        jb      2f
        movl    $zone_normal, %edx
2:      cmpl    ZONE_FREE(%edx), %eax
        jae     3f
        movl    %eax, ZONE_FREE(%edx)
3:      incl    %eax
        decl    %ebx
        jnz     1b
4:      popfl
        popl    %ebx
        ret

# free_page(address)
ENTRY free_page
        pushl   $0
        pushl   8(%esp)
        call    free_pages
        addl    $8, %esp
        ret

        .data
memory_message: .asciz  "Memory: %dk/%dk available\n"
        .balign 4, 0
OBJECT zone_dma
        .long   0, DMA_PAGES, 0         # mem_init knows where it is free
OBJECT zone_normal
        .long   DMA_PAGES, MEMORY_PAGES, DMA_PAGES

        .bss
        .balign 4
OBJECT mem_map
        .space  MEMORY_PAGES
