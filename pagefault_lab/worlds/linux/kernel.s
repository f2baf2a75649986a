# kernel.s - a tiny i386 kernel in the likeness of Linux 2.4, small enough to read in an evening.
#
# It does what is needed to watch page faults in their natural place: it turns paging on, builds the descriptor
# tables, fills the IDT, gives two user tasks their memory page by page as they touch it, and prints what it did. Tasks
# take turns when the timer ticks, can fork, and may handle the signals that their exceptions raise.
# Names, selectors, gate types, page flags and the stack frame are those of Linux 2.4 on a 486 with 32 MiB.
#
# One assembly unit: this file includes all others, one per concept. Read them in this order.
#
#   .text is linked at 0xC0100000 and loaded at physical 0x00100000; .data and then .bss follow without a gap.
#   Each of the three ends on an 8 KiB boundary, so no linker can disagree about where the next one starts.
#
#       as --32 -I DIR -o kernel.o DIR/kernel.s
#       ld -m elf_i386 -N -Ttext 0xC0100000 -e startup_32 -o kernel.elf kernel.o
#       objcopy -O binary kernel.elf kernel.bin        # .bss is not in it: the loader leaves zeros there
#
#   The machine starts it as a multiboot loader does: protected mode, flat segments, paging and interrupts off,
#   EIP = 0x00100000. The same bytes boot with `qemu-system-i386 -m 32 -kernel kernel.bin -serial stdio`.
#
# Linear memory
#
#   Below PAGE_OFFSET every task has its own. hello and other, which the boot makes, run the same program:
#
#   0x08030000  user_scratch     typed user code; shared by all, kept by the kernel: outlives tasks  027 present
#   0x08048000  user_text        hello's instructions                                                025 present
#   0x08049000  user_rodata      its constants                                                       025 present
#   0x0804A000  user_data        its variables                                                       067 present
#   0x0804B000  user_bss         variables that start as zero                                        not yet present
#   0x0804C000  user_heap        four pages, moved by brk()                                          not yet present
#   0x08050000  user_hole        nothing: no area covers this
#   0xBFFFF000  user_stack       its top page; grows downwards on demand, to 8 MiB                   067 present
#   0xC0000000  PAGE_OFFSET      all 32 MiB of physical memory, one to one, for the kernel           063
#   0xC0100000  startup_32       this image
#   0xC1000000                   above the first 16 MiB: what is allocated lies here, unless it is for DMA
#   0xC2800000  idt_alias        the IDT's page once more, read-only: IDTR points here               061
#   0xC2C00000  VMALLOC_AREA     to VMALLOC_END: modules, and what else vmalloc gives                063 where used
#
# Every name that is .globl, and every label, is a place in memory; the names in capitals are constants.
#
# Doors: what a debugger outside may hold on to. Each is a real gate, a real page or a real instruction.
#
#   int $0x81         a gate that user code may call (DPL 3): saves all registers and arrives at kernel_prompt
#   kernel_prompt     CPL 0 on the task's kernel stack, interrupts off, DS and ES the kernel's, all else as in user
#                     mode. Stand here and type. Let it run on and it returns to the user by iret, whatever was
#                     left on the stack, with the user's registers as they were.
#   user_scratch      16 pages (to user_scratch_end), present, for typed user code
#   kernel_scratch    4 pages (to kernel_scratch_end) for typed kernel code
#   task_started      the iret that enters a task that was killed and has started anew
#   restore_iret      the iret by which the kernel is left, to user mode or to where it was interrupted
#   ready             in hello: the program has said hello and waits
#   cpu_idle          the hlt of pause(): nothing to do until an interrupt
#   kernel_panic      the kernel gave up; it halts here forever
#   log_buf, log_end  what printk wrote: byte number n lies in log_buf[n & (LOG_BUF_LEN-1)], log_end counts bytes
#   current           points to the running task; TASK_PID, TASK_COMM ... are offsets into it
#   task              NR_TASKS pointers to all tasks; 0 is a free place
#   jiffies           counts timer interrupts (IRQ 0)
#   mem_map           a byte for each page of physical memory: how many users it has
#   module_list       points to the newest kernel module, whose memory begins with a head: MODULE_NAME ... are offsets
#                     into it. Module memory is mapped in swapper_pg_dir; a task's directory gets to know it later.
#   __ksymtab_NAME    marks NAME as one that a module may use (ksymtab.s)

        .include "constants.s"

        .include "boot.s"               # from the loader to a kernel at 0xC0100000 with paging on
        .include "gdt.s"                # segments, the TSS, the LDT
        .include "idt.s"                # 256 gates, and the read-only alias of their page
        .include "entry.s"              # the way in and out of the kernel, the frame on the stack
        .include "irq.s"                # interrupts from devices
        .include "traps.s"              # exceptions other than page faults, and the Oops
        .include "fault.s"              # the page fault
        .include "extable.s"            # kernel instructions that are allowed to fault
        .include "page_alloc.s"         # who owns which physical page
        .include "memory.s"             # page tables and areas of a task
        .include "vmalloc.s"            # kernel memory that is in a row in linear memory only
        .include "uaccess.s"            # memory of the user, which may not be there
        .include "syscalls.s"           # int $0x80
        .include "module.s"             # loading code into the kernel
        .include "task.s"               # starting, killing, starting anew
        .include "sched.s"              # who runs next
        .include "fork.s"               # one becomes two
        .include "signal.s"             # exceptions that a program deals with itself
        .include "string.s"             # memcpy and the like
        .include "printk.s"             # what the kernel has to say
        .include "doors.s"              # kernel_prompt and the scratch pages
        .include "ksymtab.s"            # what a module may use

        .include "hello.s"              # the user's program

        .text
        .balign 8192, 0
_etext:
        .data
        .balign 8192, 0
_edata:
        .bss
        .balign 8192
_end:
