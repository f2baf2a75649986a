# printk.s - what the kernel has to say: into a ring of bytes in memory, and out through the serial port.

LOG_BUF_LEN     = 16384                 # a power of two

SERIAL_DATA     = 0x3F8                 # COM1: write a byte here
SERIAL_STATUS   = 0x3FD                 # line status register
SERIAL_READY    = 0x20                  # bit 5: the port can take the next byte

        .text
# console_putc(character)
ENTRY console_putc
        movl    4(%esp), %eax
        pushfl
        cli                             # an interrupt may print, too
        movl    log_end, %edx
        andl    $(LOG_BUF_LEN - 1), %edx
        movb    %al, log_buf(%edx)
        incl    log_end
        popfl

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

# printk(format, ...): returns how many characters it wrote. What a directive may have, in this order:
#
#       %           two of them are one to be printed
#       flags       -  to the left in its width     0  zeros in front     #  0x, 0X or 0 in front
#                   +  or a blank, in front of a signed number that has no minus
#       width       at least so many characters; * takes the number from the arguments
#       .precision  of a text at most so many characters, of a number at least so many digits; or *
#       h hh l ll L a short, a char; ll and L are a long long, of 64 bits. l means nothing, nor do z and Z
#       d i         a signed number
#       u o x X     an unsigned one: decimal, octal, hexadecimal, hexadecimal in capitals
#       p           an address: hexadecimal, of eight digits if there is no width
#       c s         a character, a text
#
# A format may begin with a level, "<0>" (the system is unusable) to "<7>". All levels are printed; the level is not.

FLAG_LEFT       = 1 << 0                # in the order of flag_characters
FLAG_ZERO       = 1 << 1
FLAG_ALTERNATE  = 1 << 2
FLAG_PLUS       = 1 << 3
FLAG_BLANK      = 1 << 4

# (%ebp)
LOG_START       = -16                   # log_end as printk began
FLAGS           = -20
WIDTH           = -24
PRECISION       = -28                   # -1: none
LONGS           = -32                   # how many `l`, less how many `h`
PREFIX          = -36                   # the text in front of a number: a sign, 0x
SMALL           = -40                   # 0x20 makes capitals small
LENGTH          = -44                   # how long the text or the number is
DIGITS_END      = -44                   # the number's digits lie below: in octal, 64 bits have 22
PRINTK_LOCALS   = 32 + 24

ENTRY printk
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        subl    $PRINTK_LOCALS, %esp
        movl    log_end, %eax
        movl    %eax, LOG_START(%ebp)
        movl    8(%ebp), %esi           # ESI walks over the format,
        leal    12(%ebp), %edi          # EDI over the arguments

        cmpb    $'<', (%esi)
        jne     next_character
        movzbl  1(%esi), %eax
        subl    $'0', %eax
        cmpl    $7, %eax
        ja      next_character
        cmpb    $'>', 2(%esi)
        jne     next_character
        addl    $3, %esi

next_character:
        movzbl  (%esi), %eax
        testl   %eax, %eax
        jz      printk_done
        incl    %esi
        cmpl    $'%', %eax
        je      directive
literal:
        pushl   %eax
        call    console_putc
        addl    $4, %esp
        jmp     next_character

printk_done:
        movl    log_end, %eax
        subl    LOG_START(%ebp), %eax
        addl    $PRINTK_LOCALS, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

directive:
        movl    $0, FLAGS(%ebp)
        movl    $-1, PRECISION(%ebp)
        movl    $0, LONGS(%ebp)
        movl    $no_prefix, PREFIX(%ebp)
        movl    $0x20, SMALL(%ebp)

next_flag:
        movb    (%esi), %al
        xorl    %ecx, %ecx
1:      cmpb    flag_characters(%ecx), %al
        je      2f
        incl    %ecx
        cmpl    $FLAG_CHARACTERS, %ecx
        jb      1b
        jmp     3f
2:      btsl    %ecx, FLAGS(%ebp)
        incl    %esi
        jmp     next_flag

3:      call    number_in_format
        testl   %eax, %eax
        jns     1f
        orl     $FLAG_LEFT, FLAGS(%ebp) # of a `*`
        negl    %eax
1:      movl    %eax, WIDTH(%ebp)
        cmpb    $'.', (%esi)
        jne     next_length
        incl    %esi
        call    number_in_format
        movl    %eax, PRECISION(%ebp)

next_length:
        movzbl  (%esi), %eax
        testl   %eax, %eax
        jz      unfinished
        incl    %esi
        cmpl    $'z', %eax
        je      next_length
        cmpl    $'Z', %eax
        je      next_length
        cmpl    $'h', %eax
        je      1f
        cmpl    $'l', %eax
        je      2f
        cmpl    $'L', %eax
        jne     conversion
        incl    LONGS(%ebp)
2:      incl    LONGS(%ebp)
        jmp     next_length
1:      decl    LONGS(%ebp)
        jmp     next_length

conversion:
        cmpl    $'s', %eax
        je      directive_s
        cmpl    $'c', %eax
        je      directive_c
        movl    $10, %ecx               # ECX: the base
        cmpl    $'d', %eax
        je      directive_d
        cmpl    $'i', %eax
        je      directive_d
        cmpl    $'u', %eax
        je      directive_u
        movl    $8, %ecx
        cmpl    $'o', %eax
        je      directive_o
        movl    $16, %ecx
        cmpl    $'x', %eax
        je      directive_x
        cmpl    $'X', %eax
        je      directive_X
        cmpl    $'p', %eax
        je      directive_p
        cmpl    $'%', %eax
        je      literal
        pushl   %eax                    # a mistake, to be seen
        pushl   $'%'
        call    console_putc
        addl    $4, %esp
        popl    %eax
        jmp     literal
unfinished:
        movl    $'%', %eax              # the format ends in the midst of a directive: a mistake, too
        jmp     literal

# Each directive goes on at `field`: EBX the text that it stands for, ECX its length.

directive_c:
        movl    %edi, %ebx
        movl    $1, %ecx
        jmp     2f

directive_s:
        movl    (%edi), %ebx
        cmpl    $PAGE_SIZE, %ebx
        jae     1f
        movl    $null_text, %ebx        # a null pointer, or nearly one
1:      pushl   PRECISION(%ebp)
        pushl   %ebx
        call    strnlen
        addl    $8, %esp
        movl    %eax, %ecx
2:      addl    $4, %edi
        andl    $~FLAG_ZERO, FLAGS(%ebp)
        movl    $0, PRECISION(%ebp)     # it has had its say
        jmp     field

directive_d:
        movl    (%edi), %eax            # EDX:EAX: the number, in 64 bits
        addl    $4, %edi
        cmpl    $-1, LONGS(%ebp)
        jg      1f
        cwtl                            # h: of 16. (The flags are still those of cmpl.)
        je      1f
        movsbl  %al, %eax               # hh: of 8
1:      cltd
        cmpl    $2, LONGS(%ebp)
        jl      1f
        movl    (%edi), %edx
        addl    $4, %edi
1:      testl   %edx, %edx
        js      3f
        testl   $FLAG_BLANK, FLAGS(%ebp)
        jz      2f
        movl    $blank_prefix, PREFIX(%ebp)
2:      testl   $FLAG_PLUS, FLAGS(%ebp)
        jz      digits_of_number
        movl    $plus_prefix, PREFIX(%ebp)
        jmp     digits_of_number
3:      movl    $minus_prefix, PREFIX(%ebp)
        negl    %eax
        adcl    $0, %edx
        negl    %edx
        jmp     digits_of_number

directive_o:
        movl    $octal_prefix, %eax
        jmp     1f
directive_X:
        movl    $0, SMALL(%ebp)
        movl    $capital_hex_prefix, %eax
        jmp     1f
directive_x:
        movl    $hex_prefix, %eax
1:      testl   $FLAG_ALTERNATE, FLAGS(%ebp)
        jz      directive_u
        movl    %eax, PREFIX(%ebp)
        jmp     directive_u

directive_p:
        cmpl    $0, WIDTH(%ebp)
        jne     directive_u
        movl    $8, WIDTH(%ebp)
        orl     $FLAG_ZERO, FLAGS(%ebp)

directive_u:
        movl    (%edi), %eax
        addl    $4, %edi
        cmpl    $-1, LONGS(%ebp)
        jg      1f
        movzwl  %ax, %eax               # h
        je      1f
        movzbl  %al, %eax               # hh
1:      xorl    %edx, %edx
        cmpl    $2, LONGS(%ebp)
        jl      digits_of_number
        movl    (%edi), %edx
        addl    $4, %edi

digits_of_number:
        leal    DIGITS_END(%ebp), %ebx
1:      pushl   %eax                    # the last digit is what remains of a division, as on paper: first the upper
        movl    %edx, %eax              # half, and what remains of it goes in front of the lower half
        xorl    %edx, %edx
        divl    %ecx
        xchgl   %eax, (%esp)
        divl    %ecx
        movb    digits(%edx), %dl
        orb     SMALL(%ebp), %dl
        decl    %ebx
        movb    %dl, (%ebx)
        popl    %edx
        testl   %eax, %eax
        jnz     1b
        testl   %edx, %edx
        jnz     1b
        leal    DIGITS_END(%ebp), %ecx
        subl    %ebx, %ecx

# EBX, ECX, PREFIX: what is to be printed. What is missing to the precision is zeros. What is then missing to the width
# is blanks, before or behind; or more zeros.
field:  movl    %ecx, LENGTH(%ebp)
        subl    %ecx, PRECISION(%ebp)
        jns     1f
        movl    $0, PRECISION(%ebp)
1:      pushl   PREFIX(%ebp)
        call    strlen
        addl    $4, %esp
        addl    LENGTH(%ebp), %eax
        addl    PRECISION(%ebp), %eax
        subl    %eax, WIDTH(%ebp)
        jns     2f
        movl    $0, WIDTH(%ebp)
2:      movl    WIDTH(%ebp), %eax
        testl   $FLAG_LEFT, FLAGS(%ebp)
        jnz     4f
        movl    $0, WIDTH(%ebp)
        testl   $FLAG_ZERO, FLAGS(%ebp)
        jnz     3f
        pushl   %eax
        pushl   $' '
        call    console_repeat
        addl    $8, %esp
        jmp     4f
3:      addl    %eax, PRECISION(%ebp)

4:      pushl   PREFIX(%ebp)
        call    strlen
        pushl   %eax
        pushl   PREFIX(%ebp)
        call    console_write
        addl    $12, %esp
        pushl   PRECISION(%ebp)
        pushl   $'0'
        call    console_repeat
        addl    $8, %esp
        pushl   LENGTH(%ebp)
        pushl   %ebx
        call    console_write
        addl    $8, %esp
        pushl   WIDTH(%ebp)
        pushl   $' '
        call    console_repeat
        addl    $8, %esp
        jmp     next_character

# console_repeat(character, count)
console_repeat:
        pushl   %ebx
        movl    12(%esp), %ebx
1:      testl   %ebx, %ebx
        jz      2f
        pushl   8(%esp)
        call    console_putc
        addl    $4, %esp
        decl    %ebx
        jmp     1b
2:      popl    %ebx
        ret

# number_in_format: EAX: the decimal number at ESI, 0 if there is none, or for a `*` the next argument. ESI goes behind
# it.
number_in_format:
        xorl    %eax, %eax
        cmpb    $'*', (%esi)
        je      3f
1:      movzbl  (%esi), %edx
        subl    $'0', %edx
        cmpl    $9, %edx
        ja      2f
        imull   $10, %eax, %eax
        addl    %edx, %eax
        incl    %esi
        jmp     1b
2:      ret
3:      incl    %esi
        movl    (%edi), %eax
        addl    $4, %edi
        ret

        .data
flag_characters:
        .ascii  "-0#+ "
FLAG_CHARACTERS = . - flag_characters
digits: .ascii  "0123456789ABCDEF"
null_text:              .asciz "<NULL>"
no_prefix:              .asciz ""
minus_prefix:           .asciz "-"
plus_prefix:            .asciz "+"
blank_prefix:           .asciz " "
octal_prefix:           .asciz "0"
hex_prefix:             .asciz "0x"
capital_hex_prefix:     .asciz "0X"

        .balign 4, 0
OBJECT log_end
        .long   0                       # counts all bytes ever written

        .bss
        .balign 4
OBJECT log_buf
        .space  LOG_BUF_LEN
