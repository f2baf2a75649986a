# irq.s - interrupts from devices, through the two 8259 interrupt controllers of a PC.
#
# IRQ 0 to 15 arrive as vectors 0x20 to 0x2F. All are masked: the lab's own interrupts come when someone asks for one.

FIRST_IRQ_VECTOR = 0x20
IRQ_STUB_SIZE   = 16

PIC_MASTER      = 0x20                  # command port; data (the mask) is at the next
PIC_SLAVE       = 0xA0                  # it hangs on the master's IRQ 2

        .text
# Sixteen stubs. Each pushes its number - 256: negative, so that nobody takes it for a system call's number.
        .balign IRQ_STUB_SIZE, 0x90
irq_stubs:
IRQ_NUMBER = 0
        .rept   16
        pushl   $(IRQ_NUMBER - 256)
        jmp     common_interrupt
        .balign IRQ_STUB_SIZE, 0x90
IRQ_NUMBER = IRQ_NUMBER + 1
        .endr

ENTRY common_interrupt
        SAVE_ALL
        pushl   %esp
        call    do_IRQ                  # do_IRQ(regs)
        addl    $4, %esp
        jmp     ret_from_intr

# do_IRQ(regs)
ENTRY do_IRQ
        movl    4(%esp), %eax
        movl    PT_ORIG_EAX(%eax), %eax
        andl    $15, %eax
        incl    irq_count(, %eax, 4)
        testl   %eax, %eax
        jnz     1f
        incl    jiffies                 # IRQ 0 is the timer: the running task has had its share
        movl    current, %edx
        movl    $1, TASK_NEED_RESCHED(%edx)

        # Tell the controllers that this one ("specific end of interrupt") has been served.
1:      cmpl    $8, %eax
        jb      2f
        subb    $8, %al
        orb     $0x60, %al
        outb    %al, $PIC_SLAVE
        movb    $2, %al
2:      orb     $0x60, %al
        outb    %al, $PIC_MASTER
        ret

# init_8259A(): the controllers wake up with IRQ 0 at vector 8, in the midst of the exceptions. Move them, mask all.
ENTRY init_8259A
        movb    $0x11, %al              # ICW1: initialise, cascaded, four words
        outb    %al, $PIC_MASTER
        outb    %al, $PIC_SLAVE
        movb    $FIRST_IRQ_VECTOR, %al  # ICW2: the first vector
        outb    %al, $PIC_MASTER + 1
        movb    $(FIRST_IRQ_VECTOR + 8), %al
        outb    %al, $PIC_SLAVE + 1
        movb    $0x04, %al              # ICW3: the slave is at IRQ 2, as a bit for the master,
        outb    %al, $PIC_MASTER + 1
        movb    $0x02, %al              # as a number for the slave
        outb    %al, $PIC_SLAVE + 1
        movb    $0x01, %al              # ICW4: 8086 mode, normal end of interrupt
        outb    %al, $PIC_MASTER + 1
        outb    %al, $PIC_SLAVE + 1
        movb    $0xFF, %al              # the masks
        outb    %al, $PIC_MASTER + 1
        outb    %al, $PIC_SLAVE + 1
        ret

        .data
OBJECT jiffies
        .long   0
OBJECT irq_count
        .space  16 * 4, 0
