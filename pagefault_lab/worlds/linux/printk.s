# printk.s - what the kernel has to say: into a ring of bytes in memory, and out through the serial port.

LOG_BUF_LEN     = 16384                 # a power of two

SERIAL_DATA     = 0x3F8                 # COM1: write a byte here
SERIAL_STATUS   = 0x3FD                 # line status register
SERIAL_READY    = 0x20                  # bit 5: the port can take the next byte

        .text
# console_putc(character)
ENTRY console_putc
        movl    4(%esp), %eax
        movl    log_end, %edx
        andl    $(LOG_BUF_LEN - 1), %edx
        movb    %al, log_buf(%edx)
        incl    log_end

        movl    %eax, %ecx
        movl    $SERIAL_STATUS, %edx
1:      inb     %dx, %al
        testb   $SERIAL_READY, %al
        jz      1b
        movl    %ecx, %eax
        movl    $SERIAL_DATA, %edx
        outb    %al, %dx
        ret

# console_write(text, length)
ENTRY console_write
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %esi
        movl    16(%esp), %edi
        addl    %esi, %edi
1:      cmpl    %edi, %esi
        jae     2f
        movzbl  (%esi), %eax
        pushl   %eax
        call    console_putc
        addl    $4, %esp
        incl    %esi
        jmp     1b
2:      popl    %edi
        popl    %esi
        ret

# printk(format, ...): %s %c %d %u %x %p %%, with a width, zeros in front (%08x), and an `l` that means nothing.
ENTRY printk
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $8, %esp
WIDTH   = -16                           # (%ebp)
PADDING = -20                           # (%ebp)
        movl    8(%ebp), %esi           # ESI walks over the format,
        leal    12(%ebp), %edi          # EDI over the arguments

next_character:
        movzbl  (%esi), %eax
        incl    %esi
        testl   %eax, %eax
        jz      printk_done
        cmpl    $0x25, %eax             # per cent
        je      directive
literal:
        pushl   %eax
        call    console_putc
        addl    $4, %esp
        jmp     next_character

directive:
        movl    $0, WIDTH(%ebp)
        movl    $0x20, PADDING(%ebp)    # a blank
        cmpb    $0x30, (%esi)           # a leading 0
        jne     1f
        movl    $0x30, PADDING(%ebp)
1:      movzbl  (%esi), %eax
        incl    %esi
        cmpl    $0x6C, %eax             # l
        je      1b
        cmpl    $0x30, %eax             # 0
        jb      2f
        cmpl    $0x39, %eax             # 9
        ja      2f
        imull   $10, WIDTH(%ebp), %edx
        leal    -0x30(%edx, %eax), %edx
        movl    %edx, WIDTH(%ebp)
        jmp     1b

2:      cmpl    $0x73, %eax             # s
        je      directive_s
        cmpl    $0x63, %eax             # c
        je      directive_c
        cmpl    $0x64, %eax             # d
        je      directive_d
        cmpl    $0x75, %eax             # u
        je      directive_u
        cmpl    $0x78, %eax             # x
        je      directive_x
        cmpl    $0x70, %eax             # p
        je      directive_p
        testl   %eax, %eax              # the format ends in the midst of a directive
        jnz     literal                 # a second per cent, or a mistake to be seen
        jmp     printk_done

directive_c:
        movzbl  (%edi), %eax
        addl    $4, %edi
        jmp     literal

directive_s:
        movl    (%edi), %ebx
        addl    $4, %edi
3:      movzbl  (%ebx), %eax
        testl   %eax, %eax
        jz      next_character
        pushl   %eax
        call    console_putc
        addl    $4, %esp
        incl    %ebx
        jmp     3b

directive_d:
        movl    (%edi), %eax
        movl    $10, %ecx
        testl   %eax, %eax
        jns     number
        negl    (%edi)                  # our own copy of the argument
        pushl   $0x2D                   # a minus
        call    console_putc
        addl    $4, %esp
directive_u:
        movl    $10, %ecx
        jmp     number
directive_p:
        movl    $8, WIDTH(%ebp)
        movl    $0x30, PADDING(%ebp)
directive_x:
        movl    $16, %ecx
number: pushl   PADDING(%ebp)
        pushl   WIDTH(%ebp)
        pushl   %ecx
        pushl   (%edi)
        call    print_number
        addl    $16, %esp
        addl    $4, %edi
        jmp     next_character

printk_done:
        addl    $8, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

# print_number(value, base, width, padding)
print_number:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        movl    8(%ebp), %eax
        xorl    %ebx, %ebx              # how many digits
1:      xorl    %edx, %edx
        divl    12(%ebp)
        pushl   %edx                    # the last digit comes first: the stack turns them round
        incl    %ebx
        testl   %eax, %eax
        jnz     1b

        movl    16(%ebp), %esi
        subl    %ebx, %esi              # how many are missing to the width
        jbe     3f
2:      pushl   20(%ebp)
        call    console_putc
        addl    $4, %esp
        decl    %esi
        jnz     2b

3:      popl    %eax
        movzbl  digits(%eax), %eax
        pushl   %eax
        call    console_putc
        addl    $4, %esp
        decl    %ebx
        jnz     3b
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

        .data
digits: .ascii  "0123456789abcdef"
OBJECT log_end
        .long   0                       # counts all bytes ever written

        .bss
        .balign 4
OBJECT log_buf
        .space  LOG_BUF_LEN
