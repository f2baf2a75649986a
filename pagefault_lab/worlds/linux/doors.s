# doors.s - the lab's doors into this kernel. Real Linux has none of this.

        .text
# int $0x81: the user steps into the kernel and stays there as long as whoever stands at kernel_prompt likes.
ENTRY kernel_context
        pushl   %eax                    # orig_eax
        SAVE_ALL
        testb   $3, PT_CS(%esp)
        jz      restore_all             # already in the kernel
        movl    PT_EDX(%esp), %edx      # SAVE_ALL used it
ENTRY kernel_prompt
        nop                             # stand here

        # Back to the user. Whatever was pushed or lost at the prompt, the frame lies where the processor put it: at the
        # top of the task's kernel stack.
        movl    %ss:current, %esp       # DS may have been tried out, too
        addl    $(THREAD_SIZE - PT_SIZE), %esp
        movl    $KERNEL_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        cld
        jmp     ret_from_exception

        .bss
        .balign PAGE_SIZE
# Pages for code that is typed. The kernel's: at CPL 0 it runs here.
OBJECT kernel_scratch
        .space  4 * PAGE_SIZE
kernel_scratch_end:
        .globl  kernel_scratch_end

# The user's: the pages of a shared area of hello (hello.s), which sees them at user_scratch. They are the kernel's own,
# so they outlive the task.
SCRATCH_SIZE    = 16 * PAGE_SIZE
OBJECT user_scratch_pages
        .space  SCRATCH_SIZE
