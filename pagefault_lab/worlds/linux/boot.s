# boot.s - from the loader's hands to a kernel that runs at 0xC0100000 with paging on (head.S and main.c in Linux).
#
# The image is linked at PAGE_OFFSET + 1 MiB but loaded at 1 MiB. Until paging is on, every address must have
# PAGE_OFFSET subtracted; jumps are relative and do not care.

        .text
ENTRY _text
ENTRY startup_32
        cld
        cli
        jmp     build_page_tables

# What makes this a kernel for a multiboot loader. The address fields say where the flat image belongs.

MULTIBOOT_MAGIC = 0x1BADB002
MULTIBOOT_FLAGS = 0x00010000            # "the address fields below are valid"

        .balign 4, 0x90
multiboot_header:
        .long   MULTIBOOT_MAGIC
        .long   MULTIBOOT_FLAGS
        .long   -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)    # the three add up to 0
        .long   multiboot_header - PAGE_OFFSET
        .long   _text - PAGE_OFFSET
        .long   _edata - PAGE_OFFSET
        .long   _end - PAGE_OFFSET
        .long   startup_32 - PAGE_OFFSET

build_page_tables:
        # Eight page tables in a row map all 32 MiB of physical memory; entry n maps frame n.
        movl    $(pg0 - PAGE_OFFSET), %edi
        movl    $PAGE_KERNEL, %eax
1:      stosl
        addl    $PAGE_SIZE, %eax
        cmpl    $(pg0_end - PAGE_OFFSET), %edi
        jb      1b

        # They serve the linear addresses from PAGE_OFFSET on. The first one serves the low addresses too, for the
        # few instructions between "paging is on" and "EIP is high".
        movl    $(swapper_pg_dir - PAGE_OFFSET), %ebx
        movl    $(pg0 - PAGE_OFFSET + PAGE_KERNEL), %eax
        movl    %eax, (%ebx)
        leal    KERNEL_PDES(%ebx), %edi
        movl    $MEMORY_TABLES, %ecx
1:      stosl
        addl    $PAGE_SIZE, %eax
        loop    1b

        movl    %ebx, %cr3
        movl    $CR0_KERNEL, %eax
        movl    %eax, %cr0
        jmp     1f                      # a 386 may have fetched ahead without paging; a jump drops that
1:      movl    $high, %eax
        jmp     *%eax

high:
        movl    $(init_task_union + THREAD_SIZE), %esp
        movl    $0, swapper_pg_dir      # the low addresses belong to the user from now on,
        movl    %cr3, %eax
        movl    %eax, %cr3              # and the TLB must forget them

        lgdt    gdt_descr
        ljmp    $KERNEL_CS, $1f         # CS keeps its old hidden part until something loads it
1:      movl    $KERNEL_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        pushl   $2                      # EFLAGS: all clear but bit 1, which is always set
        popfl

# The kernel's first work in its own memory.
ENTRY start_kernel
        call    trap_init               # first, so that a mistake below is reported
        call    cpu_init
        pushl   $banner
        call    printk
        call    mem_init
        call    write_protect_idt
        call    init_8259A
        call    task_init
        call    schedule                # the boot itself is a task that is never run again: nobody returns here

# The kernel's page directory and page tables, where Linux 2.4 has them. Physical 0x00101000 is in CR3 until the first
# task runs; the upper quarter of every task's directory is a copy of this one's.

        .org    0x1000
OBJECT swapper_pg_dir
        .org    0x2000
OBJECT pg0
        .org    0x2000 + MEMORY_TABLES * PAGE_SIZE
pg0_end:

        .data
banner: .asciz  "pagefault-lab kernel, i386, in the likeness of Linux 2.4\n"
        .balign 4, 0
