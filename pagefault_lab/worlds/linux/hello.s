# hello.s - the user's program: it says hello, does a little work, and waits.
#
# It lies in the kernel's image as a file would lie in the page cache. The task sees its pages at other addresses: the
# first two are mapped as they are, read-only; the third is copied for it. So a name of the program must mean the
# address in the task, not the place in the image:
#
#       user_label NAME     NAME = the task's address of what follows;  .LNAME = its place in the image
#
# Jumps inside the program go to .LNAME: they are relative, and the distance is the same in both places.

USER_SCRATCH    = 0x08030000            # 16 pages
USER_TEXT       = 0x08048000            # where Linux programs begin
USER_RODATA     = 0x08049000
USER_DATA       = 0x0804A000
USER_BSS        = 0x0804B000
USER_HEAP       = 0x0804C000
USER_HOLE       = 0x08050000
USER_STACK      = STACK_TOP - PAGE_SIZE

        .macro  user_label name
.L\name:
        .globl  \name
        .set    \name, USER_TEXT + (.L\name - hello_image)
        .endm

NR_EXIT         = 1
NR_WRITE        = 4
NR_GETPID       = 20
NR_PAUSE        = 29

        .data
        .balign PAGE_SIZE, 0
hello_image:

# ---- The page of instructions
hello_text_page:
        user_label user_text
        user_label hello_start
        movl    $NR_WRITE, %eax
        movl    $1, %ebx                # standard output
        movl    $message, %ecx
        movl    $MESSAGE_LENGTH, %edx
        int     $0x80

        movl    $NR_GETPID, %eax
        int     $0x80
        movl    %eax, pid

        pushl   $NUMBERS_COUNT
        pushl   $numbers
        call    .Ladd_up
        addl    $8, %esp
        movl    %eax, sum
        incl    counter

        user_label ready                # the lab's first prompt stands here
        movl    $NR_PAUSE, %eax
        int     $0x80
        jmp     .Lready

# add_up(numbers, count)
        user_label add_up
        pushl   %ebp
        movl    %esp, %ebp
        movl    8(%ebp), %edx
        movl    12(%ebp), %ecx
        xorl    %eax, %eax
1:      addl    (%edx), %eax
        addl    $4, %edx
        loop    1b
        popl    %ebp
        ret

# ---- The page of constants
        .balign PAGE_SIZE, 0
hello_rodata_page:
        user_label user_rodata
        user_label message
        .ascii  "Hello from user mode.\n"
MESSAGE_LENGTH = . - .Lmessage

        .balign 4, 0
        user_label numbers
        .long   1, 2, 3, 5, 8, 13, 21, 34
NUMBERS_COUNT = (. - .Lnumbers) / 4

# ---- The page of variables
        .balign PAGE_SIZE, 0
hello_data_page:
        user_label user_data
        user_label counter
        .long   0x1000
        user_label sum
        .long   0
        user_label pid
        .long   0
        .balign PAGE_SIZE, 0

# Names for the rest, of which there is nothing in the image.
        .globl  user_scratch, user_scratch_end, user_bss, user_heap, user_hole, user_stack
user_scratch     = USER_SCRATCH
user_scratch_end = USER_SCRATCH + SCRATCH_SIZE
user_bss         = USER_BSS
user_heap        = USER_HEAP
user_hole        = USER_HOLE
user_stack       = USER_STACK

# What the kernel must know to run it: a PROGRAM_ record (constants.s) that ends with the list of areas.
OBJECT hello_program
        .long   hello_start             # PROGRAM_ENTRY
        .long   USER_HEAP               # PROGRAM_HEAP

        .macro  AREA start, end, flags, file
        .long   \start, \end, \flags, \file
        .endm

        AREA    USER_SCRATCH, user_scratch_end, VM_READ + VM_WRITE + VM_EXEC + VM_SHARED + VM_LOCKED, user_scratch_pages
        AREA    USER_TEXT, USER_RODATA, VM_READ + VM_EXEC + VM_LOCKED, hello_text_page
        AREA    USER_RODATA, USER_DATA, VM_READ + VM_LOCKED, hello_rodata_page
        AREA    USER_DATA, USER_BSS, VM_READ + VM_WRITE + VM_LOCKED, hello_data_page
        AREA    USER_BSS, USER_HEAP, VM_READ + VM_WRITE, 0
        AREA    USER_HEAP, USER_HOLE, VM_READ + VM_WRITE, 0
        AREA    USER_STACK, STACK_TOP, VM_READ + VM_WRITE + VM_GROWSDOWN + VM_LOCKED, 0
        AREA    0, 0, 0, 0              # the end of the list
