# gdt.s - segments: flat ones, so that only their privilege matters, and one TSS, for the stack switch.
#
# A descriptor (SDM volume 3, 3.4.5):
#
#    63      56 55 54 53 52 51    48 47 46 45 44 43   40 39       16 15        0
#   +----------+--+--+--+--+--------+--+-----+--+-------+-----------+-----------+
#   |base 31-24| G| D| 0|AV| lim19-16| P| DPL | S| type  | base 23-0 | limit 15-0|
#   +----------+--+--+--+--+--------+--+-----+--+-------+-----------+-----------+
#
#   00 C F9A 000000 FFFF = base 0, limit 0xFFFFF pages (all 4 GiB), 32 bit, present, DPL 0, code, readable
#          92 = the same, data, writable; FA and F2 = code and data with DPL 3

        .data
        .balign 16, 0
OBJECT gdt_table
        .quad   0                       # 0x00  the null selector
        .quad   0                       # 0x08  not used
        .quad   0x00CF9A000000FFFF      # 0x10  KERNEL_CS
        .quad   0x00CF92000000FFFF      # 0x18  KERNEL_DS
        .quad   0x00CFFA000000FFFF      # 0x23  USER_CS (0x20 with RPL 3)
        .quad   0x00CFF2000000FFFF      # 0x2B  USER_DS (0x28 with RPL 3)
        .quad   0                       # 0x30  not used
        .quad   0                       # 0x38  not used
        .quad   0                       # 0x40  Linux has four for APM BIOSes
        .quad   0                       # 0x48
        .quad   0                       # 0x50
        .quad   0                       # 0x58
        .quad   0                       # 0x60  TSS_SELECTOR, filled in by cpu_init
        .quad   0                       # 0x68  LDT_SELECTOR, filled in by cpu_init
        .quad   0                       # 0x70
        .quad   0                       # 0x78
gdt_table_end:

        .word   0                       # so that the base below is aligned
OBJECT gdt_descr
        .word   gdt_table_end - gdt_table - 1
        .long   gdt_table

# The TSS. Of all this the processor reads only SS0:ESP0, when it comes from CPL 3 into the kernel: that is the top of
# the running task's kernel stack. The I/O map's offset points behind the limit: no port is open to the user.

TSS_ESP0        = 0x04
TSS_SS0         = 0x08
TSS_IO_MAP      = 0x66
TSS_LIMIT       = 235                   # 104 bytes, and the 132 that Linux 2.4 has for an I/O bitmap

        .balign 32, 0
OBJECT init_tss
        .long   0                       # 0x00  link to an outer task: none
        .long   init_task_union + THREAD_SIZE   # 0x04  ESP0
        .long   KERNEL_DS               # 0x08  SS0
        .space  TSS_IO_MAP - 0x0C, 0
        .word   0x8000                  # 0x66  I/O map base
        .space  TSS_LIMIT + 1 - 0x68, 0xFF

# An LDT of five empty descriptors: any selector with TI = 1 is a #GP.
        .balign 8, 0
OBJECT default_ldt
        .space  5 * 8, 0
LDT_LIMIT       = 5 * 8 - 1

DESCRIPTOR_TSS  = 0x89                  # present, DPL 0, available 32-bit TSS
DESCRIPTOR_LDT  = 0x82                  # present, DPL 0, LDT

        .text
# cpu_init(): describe TSS and LDT in the GDT, and load TR and LDTR.
ENTRY cpu_init
        pushl   $DESCRIPTOR_TSS
        pushl   $TSS_LIMIT
        pushl   $init_tss
        pushl   $(gdt_table + TSS_SELECTOR)
        call    set_system_descriptor
        addl    $16, %esp
        pushl   $DESCRIPTOR_LDT
        pushl   $LDT_LIMIT
        pushl   $default_ldt
        pushl   $(gdt_table + LDT_SELECTOR)
        call    set_system_descriptor
        addl    $16, %esp

        movl    $TSS_SELECTOR, %eax
        ltr     %ax                     # sets the busy bit: the type 0x89 becomes 0x8B
        movl    $LDT_SELECTOR, %eax
        lldt    %ax
        ret

# set_system_descriptor(where, base, limit, type): byte granular.
set_system_descriptor:
        movl    4(%esp), %edx
        movl    8(%esp), %eax
        movl    12(%esp), %ecx
        movw    %cx, (%edx)             # limit 15..0
        movw    %ax, 2(%edx)            # base 15..0
        shrl    $16, %eax
        movb    %al, 4(%edx)            # base 23..16
        movb    %ah, 7(%edx)            # base 31..24
        movb    16(%esp), %al
        movb    %al, 5(%edx)            # P, DPL, type
        movb    $0, 6(%edx)             # G = 0, limit 19..16 = 0
        ret
