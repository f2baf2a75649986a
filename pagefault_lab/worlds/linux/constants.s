# constants.s - numbers that the processor, or Linux 2.4, has chosen.

# ENTRY name: a function, or a place that others jump to.
        .macro ENTRY name
        .globl  \name
        .type   \name, @function
\name:
        .endm

# OBJECT name: data that others may look at.
        .macro OBJECT name
        .globl  \name
        .type   \name, @object
\name:
        .endm

# ---- Memory

PAGE_OFFSET     = 0xC0000000            # linear = physical + PAGE_OFFSET, for all of physical memory
TASK_SIZE       = 0xC0000000            # what lies below belongs to the user
MEMORY_SIZE     = 0x02000000            # 32 MiB
MEMORY_PAGES    = MEMORY_SIZE >> 12
MEMORY_TABLES   = MEMORY_SIZE >> 22     # page tables that map all of it
VMALLOC_START   = 0xC2800000            # where 2.4 starts it: 8 MiB or more above the end of memory, 8 MiB aligned
VMALLOC_PDE     = (VMALLOC_START >> 22) * 4             # where its entry lies in a page directory,
VMALLOC_PTE     = ((VMALLOC_START >> 12) & 1023) * 4    # and in that page table
VMALLOC_AREA    = 0xC2C00000            # where vmalloc itself starts: the boot has used the first page table's 4 MiB
VMALLOC_END     = 0xFFFFE000            # above lie 2.4's fixed addresses, of which we have none
DMA_PAGES       = 0x01000000 >> 12      # the first 16 MiB are what a DMA controller of an old PC can reach

KERNEL_PDES     = (PAGE_OFFSET >> 22) * 4 # where in a page directory the kernel's entries start (768 of 1024)

PAGE_SIZE       = 4096
PAGE_MASK       = 0xFFFFF000
PGDIR_SIZE      = 0x00400000            # a page table serves 4 MiB
PGDIR_MASK      = 0xFFC00000
THREAD_SIZE     = 8192                  # task structure and kernel stack together

# ---- A page table entry, and a page directory entry (SDM volume 3, 4.3)
#
#    31                    12 11  9 8 7 6 5  4   3  2  1  0
#   +------------------------+-----+-+-+-+-+---+---+--+--+--+
#   |  physical page frame   |     |G| |D|A|PCD|PWT|US|RW|P |
#   +------------------------+-----+-+-+-+-+---+---+--+--+--+

PAGE_PRESENT    = 0x01                  # P   if clear, the processor looks at no other bit
PAGE_RW         = 0x02                  # RW  writable
PAGE_USER       = 0x04                  # US  for CPL 3 too
PAGE_ACCESSED   = 0x20                  # A   set by the processor
PAGE_DIRTY      = 0x40                  # D   set by the processor

PAGE_TABLE      = PAGE_PRESENT + PAGE_RW + PAGE_USER + PAGE_ACCESSED + PAGE_DIRTY       # 067
PAGE_PRIVATE    = PAGE_PRESENT + PAGE_RW + PAGE_USER + PAGE_ACCESSED + PAGE_DIRTY       # 067
PAGE_SHARED     = PAGE_PRESENT + PAGE_RW + PAGE_USER + PAGE_ACCESSED                    # 027
PAGE_READONLY   = PAGE_PRESENT + PAGE_USER + PAGE_ACCESSED                              # 025
PAGE_KERNEL     = PAGE_PRESENT + PAGE_RW + PAGE_ACCESSED + PAGE_DIRTY                   # 063
PAGE_KERNEL_RO  = PAGE_PRESENT + PAGE_ACCESSED + PAGE_DIRTY                             # 061

# ---- How a page is wanted (gfp, "get free page"). The bits but the first say how hard to try: here it is never hard.

GFP_DMA         = 0x001                 # below 16 MiB
GFP_ATOMIC      = 0x020
GFP_KERNEL      = 0x1F0
MAX_ORDER       = 10                    # 2^9 pages in a row are the most that can be asked for

# ---- CR0
#
#    31       18   16          5  4  3  2  1  0
#   +--+-----+--+-+--+-------+--+--+--+--+--+--+
#   |PG|     |AM| |WP|       |NE|ET|TS|EM|MP|PE|
#   +--+-----+--+-+--+-------+--+--+--+--+--+--+
#
# WP makes read-only pages read-only for the kernel too; without it the IDT's alias would protect nothing.

CR0_KERNEL      = 0x80050033            # PG AM WP NE ET MP PE

# ---- Selectors: index << 3 | TI << 2 | RPL

KERNEL_CS       = 0x10
KERNEL_DS       = 0x18
USER_CS         = 0x23
USER_DS         = 0x2B
TSS_SELECTOR    = 0x60
LDT_SELECTOR    = 0x68

EFLAGS_TF       = 0x00000100
EFLAGS_IF       = 0x00000200

# ---- struct pt_regs: what lies on the kernel stack while the kernel works for somebody
#
#   0x38  ss            \ pushed by the processor, but only when it came from CPL 3
#   0x34  esp           /
#   0x30  eflags        \
#   0x2C  cs            | pushed by the processor
#   0x28  eip           /
#   0x24  orig_eax        the error code lands here; a system call's number; an interrupt's number - 256
#   0x20  es            \
#   0x1C  ds            |
#   0x18  eax           |
#   0x14  ebp           | pushed by the entry code
#   0x10  edi           |
#   0x0C  esi           |
#   0x08  edx           |
#   0x04  ecx           |
#   0x00  ebx           /  <- ESP

PT_EBX          = 0x00
PT_ECX          = 0x04
PT_EDX          = 0x08
PT_ESI          = 0x0C
PT_EDI          = 0x10
PT_EBP          = 0x14
PT_EAX          = 0x18
PT_DS           = 0x1C
PT_ES           = 0x20
PT_ORIG_EAX     = 0x24
PT_EIP          = 0x28
PT_CS           = 0x2C
PT_EFLAGS       = 0x30
PT_ESP          = 0x34
PT_SS           = 0x38
PT_SIZE         = 0x3C

# ---- A page fault's error code

FAULT_PROTECTION = 1                    # the page was there but did not allow it; clear: it was not there
FAULT_WRITE      = 2                    # a write; clear: a read or a fetch
FAULT_USER       = 4                    # at CPL 3

# ---- A task. It lies at the low end of its 8 KiB kernel stack, as in Linux 2.4.

TASK_PID        = 0
TASK_COMM       = 4                     # its name, up to 15 characters and a zero
TASK_PGD        = 20                    # its page directory, linear address; 0 if it has none of its own
TASK_PROGRAM    = 24                    # what it starts anew with (the PROGRAM_ record below); 0: it ends when it ends
TASK_STATE      = 28                    # TASK_RUNNING, or TASK_ZOMBIE
TASK_NEED_RESCHED = 32                  # not 0: it shall make way on its return to user mode
TASK_ESP        = 36                    # its kernel stack's top while another task runs (switch_to)
TASK_START_BRK  = 40                    # the heap's start
TASK_BRK        = 44                    # and its end
TASK_SIGNAL     = 48                    # a signal that waits for the return to user mode, or 0
TASK_SI_CODE    = 52                    # why it was sent,
TASK_SI_ADDR    = 56                    # and about which address
TASK_CR2        = 60                    # about the exception that raised it
TASK_ERROR_CODE = 64
TASK_TRAP_NO    = 68
TASK_AREAS      = 72                    # AREAS_MAX areas by rising address; an area with vm_end = 0 ends the list
AREAS_MAX       = 12
TASK_BLOCKED    = TASK_AREAS + AREAS_MAX * 16   # eight bytes: the signals that must wait. Bit n - 1 is signal n's
TASK_ACTIONS    = TASK_BLOCKED + 8      # what to do about each signal: NR_SIGNALS of struct sigaction
NR_SIGNALS      = 31
TASK_STRUCT_SIZE = TASK_ACTIONS + NR_SIGNALS * 20

TASK_RUNNING    = 0                     # it runs, or would like to
TASK_ZOMBIE     = 4                     # it has ended; all that is left is its kernel stack
NR_TASKS        = 8                     # a power of two

# ---- An area: a range of user addresses that may be used, and for what (struct vm_area_struct)

VM_START        = 0
VM_END          = 4                     # the first address behind it
VM_FLAGS        = 8
VM_FILE         = 12                    # kernel address of its contents; 0: it starts as zeros
AREA_SIZE       = 16

VM_READ         = 0x0001
VM_WRITE        = 0x0002
VM_EXEC         = 0x0004
VM_SHARED       = 0x0008                # a write goes to the file's own pages, not to a copy
VM_GROWSDOWN    = 0x0100                # a stack
VM_LOCKED       = 0x2000                # all pages are made present at the start

# ---- A program

PROGRAM_ENTRY   = 0                     # its first instruction
PROGRAM_HEAP    = 4                     # the start of the area that brk() moves
PROGRAM_AREAS   = 8

STACK_TOP       = 0xC0000000
STACK_LIMIT     = 0x00800000            # no stack grows beyond 8 MiB
HEAP_LIMIT      = 0x40000000            # no heap grows above this address

# ---- Signals, and why they were sent (si_code)

SIGILL          = 4
SIGTRAP         = 5
SIGBUS          = 7
SIGFPE          = 8
SIGKILL         = 9
SIGSEGV         = 11
SIGSTOP         = 19

SEGV_MAPERR     = 1                     # there is nothing at that address
SEGV_ACCERR     = 2                     # there is, but the access is not allowed
SI_KERNEL       = 0x80                  # the kernel has no more to say about it
ILL_ILLOPN      = 2                     # as the one code of SIGILL, SIGTRAP, SIGBUS and SIGFPE: what Linux 2.4 sends
TRAP_BRKPT      = 1
BUS_ADRALN      = 1
FPE_INTDIV      = 1

SIG_DFL         = 0                     # in the place of a handler: the task dies
SIG_IGN         = 1                     # and nothing happens

UNBLOCKABLE     = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1)       # as a set of signals

# ---- What to do about a signal (struct sigaction)

ACTION_HANDLER  = 0                     # SIG_DFL, SIG_IGN or an address of the user's
ACTION_FLAGS    = 4
ACTION_RESTORER = 8                     # with SA_RESTORER: what the handler returns to
ACTION_MASK     = 12                    # eight bytes: what else is blocked while it runs
ACTION_SIZE     = 20

SA_RESTORER     = 0x04000000
SA_NODEFER      = 0x40000000            # the signal itself is not blocked meanwhile
SA_ONESHOT      = 0x80000000            # the handler is good for one time

# ---- A kernel module: its head, at the start of its memory. The rest is whatever was loaded behind it.

MODULE_NEXT     = 0                     # the one that was created before it; 0 ends the list
MODULE_SIZE     = 4                     # in bytes, with this head
MODULE_FLAGS    = 8
MODULE_INIT     = 12                    # its function init_module, or 0
MODULE_CLEANUP  = 16                    # its function cleanup_module, or 0
MODULE_NAME     = 20                    # up to MODULE_NAME_MAX characters and a zero
MODULE_NAME_MAX = 43
MODULE_HEAD     = 64

MODULE_RUNNING  = 1                     # a flag: init_module has returned 0

# ---- Errors that a system call returns, negated

ENOENT          = 2
EINTR           = 4
EBADF           = 9
EAGAIN          = 11
ENOMEM          = 12
EFAULT          = 14
EBUSY           = 16
EEXIST          = 17
EINVAL          = 22
ENOSYS          = 38
